//! Owns: rights that processes share in a Redis (L2), and telling each other who has changed.
//!
//! ```no_run
//! # #[cfg(feature = "http")]
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use validator_lib::permissions::redis::RedisTier;
//! use validator_lib::permissions::{HttpSource, PermissionCache, User};
//!
//! let shared = RedisTier::builder("rediss://orders:secret@redis.internal:6379").start()?;
//! let source = HttpSource::new("https://directory.internal/users/{user}/rights")?;
//! let rights = PermissionCache::builder(source).shared(shared).build();
//! // Wherever a role is given or taken, in this process or another:
//! rights.invalidate(&User::new("https://auth.example.com", "alice")).await?;
//! # Ok(())
//! # }
//! ```
//!
//! A process that only changes rights needs no cache: [`RedisTier::invalidate`].
//!
//! # What is there
//! A hash for each user, named by a digest of issuer, tenant and user id, with the rights as JSON for five
//! minutes or a lease for thirty seconds; one epoch, which `invalidate_all` changes, and which each hash names;
//! a channel. All keys have one hash tag: in a cluster they lie on one server, so that a script sees a user and
//! the epoch in one moment. Rights are no secret and not sealed: whoever may write to these keys decides who
//! may do what, so give nobody else the right to.
//!
//! # The connection
//! One, for messages and for questions. It is asked for a sign of life twice a second, and given up where none
//! comes within two seconds. Each new one, once it hears, has every cache forget what it has. While there is
//! none, the source is asked every time, and nobody can be told of a change.
//!
//! # What Redis may lose
//! A failover to a replica, or a start from an old snapshot, may bring back rights that were invalidated a
//! moment before. They live for as long as they did: at most L2's life and L1's after the change.

mod ear;
mod options;
mod scripts;
mod state;

use std::fmt;
use std::sync::Arc;

use tokio::task::JoinHandle;

pub use crate::redis::SetupError;
pub use crate::redis::failure::Failure;
pub use options::{Builder, DEFAULT_LIFE, DEFAULT_PREFIX, DEFAULT_UNKNOWN_LIFE};
use state::State;

use super::memory::Memory;
use super::tier::Found;
use super::user::UserKey;
use super::{InvalidateError, Rights, User};

/// Rights that processes share. Clones share a connection; with the last of them it ends.
#[derive(Clone)]
pub struct RedisTier(Arc<Running>);

struct Running {
    state: Arc<State>,
    task: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl RedisTier {
    /// Rights in the Redis at `url`: `redis://`, `rediss://` for TLS, `redis-cluster://` or
    /// `rediss-cluster://` (further nodes as `?node=host:port`). Credentials are part of the URL,
    /// percent-encoded.
    ///
    /// The Redis user needs no more than
    /// `resetkeys ~{wicket:permissions}:* resetchannels &{wicket:permissions}:changed -@all +client|info
    /// +subscribe +publish +eval +evalsha +get +set +del +hget +hmget +hset +hdel +pexpire`, and for a cluster
    /// `+cluster|slots +cluster|info` besides.
    pub fn builder(url: impl Into<String>) -> Builder {
        Builder::new(url.into())
    }

    /// Has every process forget `user`. Call it once the change is written.
    ///
    /// # Errors
    /// [`InvalidateError`] where Redis cannot be told, or does not answer within a second. Try again.
    ///
    /// # Cancel safety
    /// Dropped, it may have been done or not.
    pub async fn invalidate(&self, user: &User) -> Result<(), InvalidateError> {
        self.0.state.invalidate(&user.key()).await
    }

    /// Has every process forget everybody.
    ///
    /// # Errors
    /// As [`invalidate`](Self::invalidate).
    ///
    /// # Cancel safety
    /// Dropped, it may have been done or not.
    pub async fn invalidate_all(&self) -> Result<(), InvalidateError> {
        self.0.state.invalidate_all().await
    }

    /// Whether changes are heard of now. It may have ended two and a half seconds ago.
    pub fn is_listening(&self) -> bool {
        self.0.state.is_listening()
    }

    /// Waits until changes are heard of. It waits for as long as Redis is away: put a time-out around it if the
    /// service is to start without.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn listening(&self) {
        self.0.state.listening().await;
    }

    /// How often everything was forgotten: once for each connection, and for each message that could not be
    /// read or was dropped.
    pub fn flushes(&self) -> u64 {
        self.0.state.flushes()
    }

    /// Why the last connection ended or could not be made, also when the next one is there by now. Holds no
    /// secret.
    pub fn last_failure(&self) -> Option<Failure> {
        self.0.state.failure()
    }

    pub(super) fn attach(&self, memory: &Arc<Memory>) {
        self.0.state.attach(memory);
    }

    pub(super) async fn read(&self, key: &UserKey) -> Option<Found> {
        self.0.state.read(key).await
    }

    pub(super) async fn write(&self, key: &UserKey, lease: &str, rights: Option<&Rights>) {
        self.0.state.write(key, lease, rights).await;
    }
}

impl fmt::Debug for RedisTier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisTier")
            .field("is_listening", &self.is_listening())
            .finish_non_exhaustive()
    }
}
