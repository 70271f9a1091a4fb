//! Owns: a source of rights that is asked in SQL.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use sqlx::postgres::{PgPoolOptions, PgRow};
use sqlx::{AssertSqlSafe, Error, PgPool, Row as _};
use tokio::runtime::Handle;

use super::{PermissionSource, Rights, SourceError, User};

/// Connections, and the longest wait for one; the cache's own deadline ends it before.
const CONNECTIONS: u32 = 8;
const ACQUIRE: Duration = Duration::from_secs(10);

/// Asks a PostgreSQL for the rights of a user, with a query of the service's own.
///
/// ```no_run
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use validator_lib::permissions::{PermissionCache, PgSource};
///
/// let query = "select roles, permissions from users where id = $1 and tenant = $2";
/// let source = PgSource::new("postgres://orders:secret@db.internal/app?sslmode=verify-full", query)?;
/// let rights = PermissionCache::builder(source).tenant_claim("tenant").build();
/// # Ok(())
/// # }
/// ```
///
/// # The query
/// `$1` is the user id, `$2` the tenant (null where there is none) and `$3` the issuer, each `text`; a query
/// need not use all of them. It answers with one row, which has the columns `roles` and `permissions` of the type
/// `text[]` (null is none), for somebody known, and with no row for somebody unknown. More rows, other columns
/// and other types are a failure.
///
/// # Connections
/// Eight at most, made when they are needed; needs a tokio runtime. Without `sslmode=verify-full` in the URL
/// whoever stands between decides who may do what. Each question is bounded by
/// [`deadline`](super::Builder::deadline). Ask the primary: a replica may not have yet what an invalidation was
/// about.
#[derive(Clone)]
pub struct PgSource {
    pool: PgPool,
    query: Arc<str>,
}

/// The URL of a PostgreSQL cannot be used. It holds credentials, so it is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a URL of postgres://, or without a tokio runtime")]
pub struct PgSourceError;

impl PgSource {
    /// Asks `query` of the server at `url`, `postgres://USER:PASSWORD@HOST/DATABASE`, with credentials
    /// percent-encoded; `sslmode`, `sslrootcert`, `sslcert` and `sslkey` as libpq has them. It connects with the
    /// first question.
    ///
    /// # Errors
    /// [`PgSourceError`].
    pub fn new(url: &str, query: impl Into<Arc<str>>) -> Result<Self, PgSourceError> {
        Handle::try_current().map_err(|_| PgSourceError)?;
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(ACQUIRE);
        let pool = pool.connect_lazy(url).map_err(|_| PgSourceError)?;
        Ok(Self::with_pool(pool, query))
    }

    /// Asks `query` over a connection of a pool that is the service's own, with its size and its time-outs.
    pub fn with_pool(pool: PgPool, query: impl Into<Arc<str>>) -> Self {
        Self { pool, query: query.into() }
    }
}

impl PermissionSource for PgSource {
    async fn load(&self, user: &User) -> Result<Option<Rights>, SourceError> {
        // The service wrote it, and what users are called is bound.
        let query = sqlx::query(AssertSqlSafe(Arc::clone(&self.query)));
        let query = query.bind(user.id()).bind(user.tenant_id()).bind(user.issuer());
        let mut rows = query.fetch(&self.pool);
        let Some(row) = rows.try_next().await.map_err(|error| failure(&error))? else {
            return Ok(None);
        };
        if rows.try_next().await.map_err(|error| failure(&error))?.is_some() {
            return Err(SourceError::new("more than one row"));
        }
        let rights = Rights::new(names(&row, "roles")?, names(&row, "permissions")?);
        rights.map(Some).map_err(SourceError::new)
    }
}

fn names(row: &PgRow, column: &str) -> Result<Vec<String>, SourceError> {
    let names: Option<Vec<String>> = row.try_get(column).map_err(|_| {
        SourceError::new(format_args!("the row has no column `{column}` of the type text[]"))
    })?;
    Ok(names.unwrap_or_default())
}

/// Keeps of what went wrong no more than its kind: the rest may name users.
fn failure(error: &Error) -> SourceError {
    match error {
        Error::Database(error) => {
            let code = error.code().unwrap_or_default();
            SourceError::new(format_args!("PostgreSQL answers {code}"))
        }
        Error::PoolTimedOut | Error::PoolClosed => SourceError::new("no connection is free"),
        Error::Io(_) => SourceError::new("the connection broke, or there is none"),
        Error::Tls(_) => SourceError::new("no TLS with PostgreSQL"),
        _ => SourceError::new("PostgreSQL cannot be asked"),
    }
}

impl fmt::Debug for PgSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgSource").field("query", &self.query).finish_non_exhaustive()
    }
}
