//! Owns: the connections to PostgreSQL: how they are made, how long one is waited for, and whether it is there at all.

use std::fmt;
use std::io;
use std::str::FromStr as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgPool, PgPoolOptions, PgRow, PgSslMode};
use sqlx::query::Query;
use sqlx::{ConnectOptions as _, PgConnection, Postgres};
use tokio::time::{sleep, timeout};

use super::schema;
use crate::store::StoreError;

/// Connections of one process: what waits for PostgreSQL is writing, and that is rare.
const CONNECTIONS: u32 = 8;
/// Those that are there before anybody needs them: to make one takes a handshake and thousands of hashes.
const READY: u32 = 2;
/// How long one may take to be made. Statements wait for one no longer than for anything else.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Between two looks whether a database that was away is back.
const PAUSE: Duration = Duration::from_millis(500);
/// How long the start waits for the database.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long tables may take to be made.
const MIGRATION: Duration = Duration::from_mins(1);

/// How PostgreSQL is reached.
#[derive(Clone)]
pub struct PostgresOptions {
    /// `postgres://user:password@host:port/database`, with `sslmode`, `sslrootcert` and the like.
    pub url: SecretString,
    /// Longest wait for one statement.
    pub command_timeout: Duration,
    /// How long it is remembered that a session ended: no session lives longer.
    pub keep_ended: Duration,
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions").finish_non_exhaustive()
    }
}

/// The address cannot be used at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not the URL of a PostgreSQL database")]
pub struct PostgresSetupError;

impl PostgresOptions {
    /// Whether the options can be used.
    ///
    /// # Errors
    /// [`PostgresSetupError`]; it says nothing of the address, which has a password in it.
    pub fn check(&self) -> Result<(), PostgresSetupError> {
        self.parsed().map(drop)
    }

    /// Whether somebody between us and the database could read along, or be taken for it.
    pub fn is_open_to_others(&self) -> bool {
        self.parsed().is_ok_and(|options| {
            let host = options.get_host();
            let is_near =
                host.starts_with('/') || ["localhost", "127.0.0.1", "::1"].contains(&host);
            !is_near && !matches!(options.get_ssl_mode(), PgSslMode::VerifyFull)
        })
    }

    /// Connects once and says which version of PostgreSQL answers. Writes nothing.
    ///
    /// # Errors
    /// Why not, without a word of the address.
    pub async fn look(&self) -> Result<String, String> {
        let options = self.parsed().map_err(|error| error.to_string())?;
        let asked = async {
            let mut connection = options.connect().await?;
            sqlx::query_as("SHOW server_version").fetch_one(&mut connection).await
        };
        match timeout(shell::reach::PATIENCE, asked).await {
            Ok(Ok((version,))) => Ok(version),
            Ok(Err(error)) => Err(told(&error)),
            Err(_) => Err("did not answer in time".to_owned()),
        }
    }

    fn parsed(&self) -> Result<PgConnectOptions, PostgresSetupError> {
        let url = self.url.expose_secret();
        if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
            return Err(PostgresSetupError);
        }
        let options = PgConnectOptions::from_str(url).map_err(|_| PostgresSetupError)?;
        // What is stored is sealed, and still nobody's business.
        Ok(options.application_name("wicketgate").disable_statement_logging())
    }
}

/// Connections, and whether the database is known to be away.
pub(super) struct Link {
    pool: PgPool,
    command_timeout: Duration,
    is_up: AtomicBool,
}

impl Link {
    /// Connects in the background, and waits a moment for it.
    pub(super) async fn start(options: &PostgresOptions) -> Result<Arc<Self>, PostgresSetupError> {
        let command_timeout = options.command_timeout;
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .min_connections(READY)
            .acquire_timeout(HANDSHAKE)
            .after_connect(move |connection, _| Box::pin(limit(connection, command_timeout)))
            .connect_lazy_with(options.parsed()?);
        let link = Arc::new(Self { pool, command_timeout, is_up: AtomicBool::new(false) });
        drop(tokio::spawn(watch(Arc::downgrade(&link))));
        let up = async {
            while !link.is_up() {
                sleep(Duration::from_millis(10)).await;
            }
        };
        if timeout(PATIENCE, up).await.is_err() {
            tracing::warn!(
                "postgresql does not answer yet; sessions are in redis alone until it does"
            );
        }
        Ok(link)
    }

    pub(super) fn is_up(&self) -> bool {
        self.is_up.load(Ordering::Relaxed)
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    /// Carries out one statement.
    pub(super) async fn run(
        &self,
        query: Query<'_, Postgres, PgArguments>,
    ) -> Result<Vec<PgRow>, StoreError> {
        if !self.is_up() {
            return Err(StoreError::Unavailable);
        }
        let answer = self.ask(query).await;
        if matches!(answer, Err(StoreError::Unavailable | StoreError::TimedOut))
            && self.is_up.swap(false, Ordering::Relaxed)
        {
            tracing::warn!("postgresql is away; sessions are in redis alone until it is back");
        }
        answer
    }

    async fn ask(&self, query: Query<'_, Postgres, PgArguments>) -> Result<Vec<PgRow>, StoreError> {
        let acquired = timeout(self.command_timeout, self.pool.acquire()).await;
        let acquired = acquired.map_err(|_| StoreError::TimedOut)?;
        let mut connection = acquired.map_err(|error| failed(&error))?;
        let asked = timeout(self.command_timeout, query.fetch_all(&mut *connection)).await;
        let Ok(answer) = asked else {
            // Its answer may come when nobody waits for it, so nobody else may use the connection.
            hang_up(connection);
            return Err(StoreError::TimedOut);
        };
        answer.map_err(|error| failed(&error))
    }

    /// Asks whether the database is there, and makes what tables it lacks.
    async fn try_to_come_up(&self) -> Result<(), sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        let Ok(migrated) = timeout(MIGRATION, schema::migrate(&mut connection)).await else {
            hang_up(connection);
            return Err(sqlx::Error::PoolTimedOut);
        };
        migrated?;
        self.is_up.store(true, Ordering::Relaxed);
        Ok(())
    }
}

/// What nobody waits for any more must not go on by itself, with its locks. Said here and not at the connection's start,
/// where poolers refuse what they do not know.
async fn limit(connection: &mut PgConnection, longest: Duration) -> Result<(), sqlx::Error> {
    let longest = format!("{}ms", longest.as_millis().max(1));
    let limit = "SELECT set_config('statement_timeout', $1, false)";
    sqlx::query(limit).bind(longest).execute(connection).await.map(drop)
}

fn hang_up(connection: PoolConnection<Postgres>) {
    drop(connection.detach());
}

/// Brings a database that is away back as soon as it answers, while anybody uses the link.
async fn watch(link: Weak<Link>) {
    let mut told_of = None;
    while let Some(link) = link.upgrade() {
        if !link.is_up() {
            match link.try_to_come_up().await {
                Ok(()) => {
                    tracing::info!("postgresql answers");
                    told_of = None;
                }
                Err(error) => {
                    let why = told(&error);
                    if told_of.as_ref() != Some(&why) {
                        tracing::warn!(why, "postgresql cannot be used");
                        told_of = Some(why);
                    }
                }
            }
        }
        drop(link);
        sleep(PAUSE).await;
    }
}

/// What went wrong, without what was sent or where.
fn told(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => {
            format!("refused it ({})", error.code().unwrap_or_default())
        }
        // What rustls refuses in a handshake comes as this.
        sqlx::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
            "cannot be trusted (TLS)".to_owned()
        }
        sqlx::Error::Io(error) => format!("cannot be reached ({})", error.kind()),
        sqlx::Error::Tls(_) => "cannot be trusted (TLS)".to_owned(),
        _ => "did not answer".to_owned(),
    }
}

/// Classes of SQLSTATE that mean that this server serves nobody now, or nothing may be written there: connection
/// trouble, too few resources, an operator's hand, and a standby.
const AWAY: [&str; 4] = ["08", "53", "57", "25"];

fn failed(error: &sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default().into_owned();
            if AWAY.iter().any(|class| code.starts_with(class)) {
                StoreError::Unavailable
            } else {
                StoreError::Refused(code)
            }
        }
        sqlx::Error::PoolTimedOut => StoreError::TimedOut,
        _ => StoreError::Unavailable,
    }
}
