//! Owns: the PostgreSQL store, and with it every use of `sqlx`.
//!
//! The same sealed parts as in Redis lie in a row a session. Each call is one statement, so each is atomic by itself
//! and there is no transaction that a lost connection could leave open. Times are PostgreSQL's own.
//!
//! A program keeps sessions here beside Redis, through [`crate::durable`], which owns the rules of that. What it asks
//! of this store alone is in `postgres/copies.rs` and `postgres/remarks.rs`.

mod connect;
pub(crate) mod copies;
mod remarks;
mod schema;
mod statements;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use connect::Link;
pub use connect::{PostgresOptions, PostgresSetupError};
use statements::{
    COUNT, CREATE, DELETE_VERSION, EDGE_VIEW, FORGET_INTENT, INDEX_ADD, INDEX_LIST, INDEX_REMOVE,
    INTEND, LOAD, REPLACE, REPLACE_TOKENS, SLIDE, TAKE,
};

use crate::id::StoreKey;
use crate::store::{IndexKey, Intent, Store, StoreError, StoredSession, Swap};

/// Sessions in PostgreSQL. Clones share the connections.
#[derive(Clone)]
pub struct PostgresStore {
    link: Arc<Link>,
    keep_ended: Duration,
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").field("up", &self.is_up()).finish_non_exhaustive()
    }
}

/// When a session that was just written is held against Redis: after a failover that lost the last words.
const SECOND_LOOK_MS: i64 = 5_000;

impl PostgresStore {
    /// Connects in the background, makes the tables that are missing, and waits a moment, so that a database that
    /// is there is there from the first request.
    ///
    /// # Errors
    /// [`PostgresSetupError`] if the options cannot be used at all.
    pub async fn connect(options: &PostgresOptions) -> Result<Self, PostgresSetupError> {
        Ok(Self { link: Link::start(options).await?, keep_ended: options.keep_ended })
    }

    /// Whether the database answered when it was asked last.
    pub fn is_up(&self) -> bool {
        self.link.is_up()
    }

    /// Closes the connections.
    pub async fn close(&self) {
        self.link.close().await;
    }

    async fn number(&self, query: Statement<'_>) -> Result<i64, StoreError> {
        let rows = self.link.run(query).await?;
        rows.first().ok_or_else(unreadable)?.try_get(0).map_err(|_| unreadable())
    }

    async fn session(&self, query: Statement<'_>) -> Result<Option<StoredSession>, StoreError> {
        self.link.run(query).await?.first().map(stored).transpose()
    }
}

type Statement<'q> = sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>;

impl Store for PostgresStore {
    async fn edge_view(&self, key: &StoreKey) -> Result<Option<Bytes>, StoreError> {
        let rows = self.link.run(about(EDGE_VIEW, key)).await?;
        rows.first().map(|row| bytes(row, 0)).transpose()
    }

    async fn slide(
        &self,
        key: &StoreKey,
        old: &Bytes,
        new: Bytes,
        keep: Duration,
    ) -> Result<Swap, StoreError> {
        let slide = about(SLIDE, key).bind(&old[..]).bind(&new[..]).bind(milliseconds(keep));
        self.number(slide).await.map(swap)
    }

    async fn create(
        &self,
        key: &StoreKey,
        session: StoredSession,
        keep: Duration,
    ) -> Result<bool, StoreError> {
        let create = with_parts(about(CREATE, key), &session);
        let create = create.bind(milliseconds(keep)).bind(SECOND_LOOK_MS);
        Ok(!self.link.run(create).await?.is_empty())
    }

    async fn load(&self, key: &StoreKey) -> Result<Option<StoredSession>, StoreError> {
        self.session(about(LOAD, key)).await
    }

    async fn replace(
        &self,
        key: &StoreKey,
        old: &StoredSession,
        session: StoredSession,
        keep: Duration,
    ) -> Result<Swap, StoreError> {
        let replace = about(REPLACE, key).bind(version(old.version)).bind(&old.edge[..]);
        self.number(with_parts(replace, &session).bind(milliseconds(keep))).await.map(swap)
    }

    async fn replace_tokens(
        &self,
        key: &StoreKey,
        old: &Bytes,
        new: Bytes,
    ) -> Result<Swap, StoreError> {
        self.number(about(REPLACE_TOKENS, key).bind(&old[..]).bind(&new[..])).await.map(swap)
    }

    async fn intend(
        &self,
        key: &StoreKey,
        expected: u64,
        owner: &str,
        grace: Duration,
    ) -> Result<Intent, StoreError> {
        let grace = i64::try_from(grace.as_millis()).unwrap_or(i64::MAX);
        let intend = about(INTEND, key).bind(version(expected)).bind(owner).bind(grace);
        Ok(match self.number(intend).await? {
            1 => Intent::First,
            2 => Intent::Again,
            0 => Intent::Stale,
            -1 => Intent::Gone,
            _ => Intent::Lost,
        })
    }

    async fn forget_intent(&self, key: &StoreKey, owner: &str) -> Result<(), StoreError> {
        self.link.run(about(FORGET_INTENT, key).bind(owner)).await.map(drop)
    }

    async fn take(&self, key: &StoreKey) -> Result<Option<StoredSession>, StoreError> {
        self.session(about(TAKE, key).bind(milliseconds(self.keep_ended))).await
    }

    async fn delete(&self, key: &StoreKey) -> Result<bool, StoreError> {
        self.take(key).await.map(|taken| taken.is_some())
    }

    async fn delete_version(&self, key: &StoreKey, expected: u64) -> Result<Swap, StoreError> {
        let delete = about(DELETE_VERSION, key).bind(version(expected));
        self.number(delete.bind(milliseconds(self.keep_ended))).await.map(swap)
    }

    async fn index_add(
        &self,
        index: &IndexKey,
        key: &StoreKey,
        keep: Duration,
    ) -> Result<(), StoreError> {
        let add = sqlx::query(INDEX_ADD).bind(index.as_str()).bind(&key.as_bytes()[..]);
        self.link.run(add.bind(milliseconds(keep))).await.map(drop)
    }

    async fn index_remove(&self, index: &IndexKey, keys: &[StoreKey]) -> Result<(), StoreError> {
        if keys.is_empty() {
            return Ok(());
        }
        let keys: Vec<&[u8]> = keys.iter().map(|key| &key.as_bytes()[..]).collect();
        self.link.run(sqlx::query(INDEX_REMOVE).bind(index.as_str()).bind(keys)).await.map(drop)
    }

    async fn index_list(&self, index: &IndexKey) -> Result<Vec<StoreKey>, StoreError> {
        let rows = self.link.run(sqlx::query(INDEX_LIST).bind(index.as_str())).await?;
        rows.iter().map(|row| store_key(row, 0)).collect()
    }

    async fn estimate_sessions(&self) -> Result<u64, StoreError> {
        let counted = self.number(sqlx::query(COUNT)).await?;
        Ok(u64::try_from(counted).unwrap_or_default())
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.link.run(sqlx::query("SELECT 1::bigint")).await.map(drop)
    }
}

fn about<'q>(statement: &'static str, key: &'q StoreKey) -> Statement<'q> {
    sqlx::query(statement).bind(&key.as_bytes()[..])
}

fn with_parts<'q>(query: Statement<'q>, session: &'q StoredSession) -> Statement<'q> {
    let StoredSession { edge, tokens, management, version: number } = session;
    query.bind(&edge[..]).bind(&tokens[..]).bind(&management[..]).bind(version(*number))
}

/// Eight bytes compare as the number does, all of whose values PostgreSQL's own integers do not have.
fn version(number: u64) -> Vec<u8> {
    number.to_be_bytes().to_vec()
}

/// `interval '1 ms'` has no room for more.
fn milliseconds(keep: Duration) -> i64 {
    const CENTURY_MS: u128 = 100 * 365 * 86_400_000;
    i64::try_from(keep.as_millis().clamp(1, CENTURY_MS)).unwrap_or(i64::MAX)
}

const fn swap(answer: i64) -> Swap {
    match answer {
        1 => Swap::Done,
        0 => Swap::Stale,
        _ => Swap::Gone,
    }
}

fn stored(row: &PgRow) -> Result<StoredSession, StoreError> {
    let number: &[u8] = row.try_get("version").map_err(|_| unreadable())?;
    let part = |name: &str| {
        let part: Result<&[u8], _> = row.try_get(name);
        part.map(Bytes::copy_from_slice).map_err(|_| unreadable())
    };
    Ok(StoredSession {
        edge: part("edge")?,
        tokens: part("tokens")?,
        management: part("management")?,
        version: u64::from_be_bytes(number.try_into().map_err(|_| unreadable())?),
    })
}

fn bytes(row: &PgRow, column: usize) -> Result<Bytes, StoreError> {
    let value: &[u8] = row.try_get(column).map_err(|_| unreadable())?;
    Ok(Bytes::copy_from_slice(value))
}

fn store_key(row: &PgRow, column: usize) -> Result<StoreKey, StoreError> {
    let key: &[u8] = row.try_get(column).map_err(|_| unreadable())?;
    StoreKey::parse(&URL_SAFE_NO_PAD.encode(key)).ok_or_else(unreadable)
}

/// The tables are not those that we made.
fn unreadable() -> StoreError {
    StoreError::Refused("schema".to_owned())
}
