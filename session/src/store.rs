//! Owns: what a session store can do, whatever it is made of.
//!
//! Stores move bytes; they hold no key and judge nothing. Every change of an existing session is
//! a compare-and-set, so that a late write never revives what was ended.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use ring::digest;

use crate::id::StoreKey;

/// Why a store did not answer. Never a reason to end a session.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Not connected, or known to be away.
    #[error("session store is unavailable")]
    Unavailable,
    /// No answer within the deadline. A write may have happened.
    #[error("session store did not answer in time")]
    TimedOut,
    /// The store answered with an error: permissions, memory, a wrong type.
    #[error("session store refused the command: {0}")]
    Refused(String),
}

impl StoreError {
    /// Stable code for metrics and logs.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Unavailable => "store_unavailable",
            Self::TimedOut => "store_timeout",
            Self::Refused(_) => "store_refused",
        }
    }
}

/// A session as it is stored: three parts and the version of the token part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSession {
    /// See [`crate::edge`].
    pub edge: Bytes,
    /// See [`crate::seal::SessionKeys::seal_tokens`].
    pub tokens: Bytes,
    /// See [`crate::seal::SessionKeys::seal_management`].
    pub management: Bytes,
    /// Counts the changes of the token part, from 1.
    pub version: u64,
}

/// What became of a compare-and-set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swap {
    /// The new value stands.
    Done,
    /// Somebody changed it first.
    Stale,
    /// The session has ended meanwhile.
    Gone,
}

/// What may be done with a refresh token, by what is written down of its use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    /// Nobody used it before; that we are about to is written down.
    First,
    /// It was used, nobody knows with what result, and the authorization server still forgives another
    /// use. This, the last, is written down.
    Again,
    /// It was used, nobody knows with what result, and it may not be used again.
    Lost,
    /// The tokens of the session are others by now.
    Stale,
    /// The session has ended meanwhile.
    Gone,
}

/// Bytes of the hash that names a list: docs/SESSION-FORMAT.md says why 128 bits are enough.
const LIST_NAME_LEN: usize = 16;

/// Names a list of sessions: those of a user, of a session at the IdP, or of a subject there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IndexKey(String);

impl IndexKey {
    /// All sessions of (tenant, issuer, user id).
    pub fn user(tenant: &str, issuer: &str, user_id: &str) -> Self {
        Self(format!("uid:{}", hashed(&[tenant, issuer, user_id])))
    }

    /// All sessions of a tenant that were made from one session at the IdP (`iss`, `sid`).
    pub fn idp_session(tenant: &str, issuer: &str, sid: &str) -> Self {
        Self(format!("sid:{}", hashed_in(tenant, &[issuer, sid])))
    }

    /// The sessions that verify ended, of all tenants, until PostgreSQL was told of their end.
    pub fn ended() -> Self {
        Self("ended".to_owned())
    }

    /// All sessions of a tenant of (`iss`, `sub`), where the user's own list is by another name than `sub`.
    pub fn subject(tenant: &str, issuer: &str, subject: &str) -> Self {
        Self(format!("sub:{}", hashed_in(tenant, &[issuer, subject])))
    }
}

impl IndexKey {
    /// The list of a name that was read where [`Self::as_str`] was written.
    #[cfg(feature = "postgres")]
    pub(crate) fn of_name(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// The name, without the deployment's prefix.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IndexKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// [`hashed`], with the tenant where there is one.
fn hashed_in(tenant: &str, parts: &[&str; 2]) -> String {
    let [one, other] = parts;
    if tenant.is_empty() { hashed(parts) } else { hashed(&[tenant, one, other]) }
}

/// A hash of parts, each behind its length, so that different lists never collide (T10).
pub(crate) fn hashed(parts: &[&str]) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(&part.len().to_be_bytes());
        context.update(part.as_bytes());
    }
    let hash = context.finish();
    let hash = hash.as_ref();
    URL_SAFE_NO_PAD.encode(hash.get(..LIST_NAME_LEN).unwrap_or(hash))
}

/// Where sessions live.
///
/// # Cancel safety
/// Dropping a future may leave its command carried out or not, never half.
pub trait Store: Send + Sync + 'static {
    /// The edge view of a session: one command, one round trip.
    fn edge_view(
        &self,
        key: &StoreKey,
    ) -> impl Future<Output = Result<Option<Bytes>, StoreError>> + Send;

    /// Replaces the edge view `old` by `new` and keeps the session for `keep`. [`Swap::Stale`] if
    /// the view is no longer `old`, which for a slide means that somebody else did the work.
    fn slide(
        &self,
        key: &StoreKey,
        old: &Bytes,
        new: Bytes,
        keep: Duration,
    ) -> impl Future<Output = Result<Swap, StoreError>> + Send;

    /// Writes a new session, kept for `keep`. `false` if the key is taken. No key is given twice: whether that of a
    /// session which has ended is free again is each store's own.
    fn create(
        &self,
        key: &StoreKey,
        session: StoredSession,
        keep: Duration,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// All parts of a session.
    fn load(
        &self,
        key: &StoreKey,
    ) -> impl Future<Output = Result<Option<StoredSession>, StoreError>> + Send;

    /// Replaces all parts if the session still exists with the version and the edge view of `old`. What
    /// was intended with the tokens before is forgotten. The edge view counts as well, so that neither a
    /// slide nor what was set on the user meanwhile is undone.
    fn replace(
        &self,
        key: &StoreKey,
        old: &StoredSession,
        session: StoredSession,
        keep: Duration,
    ) -> impl Future<Output = Result<Swap, StoreError>> + Send;

    /// Replaces the token part `old` by `new`, which has the same version, and leaves all else as it is: edge
    /// view, management part, what is intended, and how long the session is kept. [`Swap::Stale`] if the
    /// token part is no longer `old`.
    fn replace_tokens(
        &self,
        key: &StoreKey,
        old: &Bytes,
        new: Bytes,
    ) -> impl Future<Output = Result<Swap, StoreError>> + Send;

    /// Writes down that `owner` is about to spend the refresh token of version `expected`, before it is
    /// sent. A token that was used and not replaced is forgiven once, for `grace` by the store's own
    /// clock. The same `owner` may ask again, where an answer was lost, and is told the same.
    fn intend(
        &self,
        key: &StoreKey,
        expected: u64,
        owner: &str,
        grace: Duration,
    ) -> impl Future<Output = Result<Intent, StoreError>> + Send;

    /// Takes back what `owner` wrote down, if it stands: the token is known not to be spent by it. After
    /// [`Intent::Again`] nobody knows what became of the first attempt, so that one stays, and the second
    /// may be made by whoever asks within the rest of the grace.
    fn forget_intent(
        &self,
        key: &StoreKey,
        owner: &str,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Ends a session and returns what it was.
    fn take(
        &self,
        key: &StoreKey,
    ) -> impl Future<Output = Result<Option<StoredSession>, StoreError>> + Send;

    /// Ends a session. `false` if there was none.
    fn delete(&self, key: &StoreKey) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Ends a session whose tokens are still of version `expected`.
    fn delete_version(
        &self,
        key: &StoreKey,
        expected: u64,
    ) -> impl Future<Output = Result<Swap, StoreError>> + Send;

    /// Lists `key` under `index` for at least `keep`, and at most a second longer.
    fn index_add(
        &self,
        index: &IndexKey,
        key: &StoreKey,
        keep: Duration,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Takes `keys` off `index`, all in one command.
    fn index_remove(
        &self,
        index: &IndexKey,
        keys: &[StoreKey],
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The keys under `index`, oldest first to within a second. Some may have ended already.
    fn index_list(
        &self,
        index: &IndexKey,
    ) -> impl Future<Output = Result<Vec<StoreKey>, StoreError>> + Send;

    /// About how many sessions there are, of all tenants and replicas. Not for the path of a request: it may
    /// take seconds, and hundreds of small commands.
    fn estimate_sessions(&self) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// Whether the store answers now.
    fn ping(&self) -> impl Future<Output = Result<(), StoreError>> + Send;
}

#[cfg(test)]
mod tests;
