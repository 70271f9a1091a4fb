//! Owns: a denylist that follows what the BFF writes to Redis: the sorted set `jwt:blacklist` with all that
//! is denied, and the channel of the same name with what is added.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use validator_lib::revocation::redis::RedisDenylist;
//!
//! let denied = RedisDenylist::builder("rediss://orders:secret@redis.internal:6379").start()?;
//! denied.synced().await;
//! # Ok(())
//! # }
//! ```
//!
//! # How it keeps up
//! A task subscribes to the channel, then reads the whole sorted set in pages, and then applies messages as
//! they come. What is denied is written to the set before it is published, so nothing falls between the two.
//! Four times a second the task asks Redis something over the connection that carries the messages. Redis
//! answers in order: with the answer, everything that was published before the question has arrived. That
//! is the proof from which [`staleness`](RedisDenylist::staleness) counts. It is the time of the question,
//! not of the answer.
//!
//! A connection that is lost, does not answer for three seconds, has dropped messages or leads to a replica
//! is given up. The next one begins from the start: subscribe, read, prove. What was denied before stays
//! denied until it expires, whatever became of Redis and its data.
//!
//! # While Redis is away
//! Denied tokens stay denied. For all others the list answers [`Verdict::Clear`] until the last proof is
//! older than [`max_staleness`](Builder::max_staleness), and [`Verdict::Unknown`] from then on. What
//! becomes of those requests is the service's choice:
//! [`WhenUnknown::Accept`](super::WhenUnknown::Accept) fails open (the service stays up, and a token that is
//! withdrawn meanwhile is accepted for as long as Redis is away),
//! [`WhenUnknown::Refuse`](super::WhenUnknown::Refuse) fails closed (no withdrawn token passes, and the
//! service is down while its list is). Wait for [`synced`](RedisDenylist::synced) before you serve, or the
//! first requests meet that choice.
//!
//! # What it cannot tell
//! Whose clock is right: the machine's clock says what has expired. Time in which the machine sleeps does
//! not count as staleness; a proof follows within the interval after it wakes.
//! Whether a primary that is cut off from its replicas, with this service on its side, is still the
//! primary. An entry for a user counts for tokens whose `sub` is the user id that the BFF knows; they differ
//! where `OIDC_USER_ID_CLAIM` names another claim.

mod entry;
mod feed;
mod line;
mod options;
mod state;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

pub use crate::redis::SetupError;
pub use crate::redis::failure::Failure;
pub use options::{Builder, DEFAULT_INTERVAL, DEFAULT_MAX_STALENESS};
use state::State;

use super::{Denylist, TokenName, Verdict};

/// A list that follows Redis. Clones share it; with the last of them its task and its connection end.
#[derive(Clone)]
pub struct RedisDenylist(Arc<Running>);

struct Running {
    state: Arc<State>,
    task: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl RedisDenylist {
    /// A list that follows the Redis at `url`: `redis://`, `rediss://` for TLS, `redis-cluster://` or
    /// `rediss-cluster://` (further nodes as `?node=host:port`). Credentials are part of the URL,
    /// percent-encoded.
    ///
    /// The Redis user needs no more than
    /// `resetkeys %R~jwt:blacklist resetchannels &jwt:blacklist -@all +client|info +subscribe +zscan
    /// +zmscore`, and for a cluster `+cluster|slots +cluster|info` besides.
    pub fn builder(url: impl Into<String>) -> Builder {
        Builder::new(url.into())
    }

    /// How long ago the list was last known to be complete; `None` if it never was.
    pub fn staleness(&self) -> Option<Duration> {
        self.0.state.staleness()
    }

    /// Whether the list vouches for tokens now: it is no staler than it may be.
    pub fn is_synced(&self) -> bool {
        self.0.state.is_fresh()
    }

    /// Waits until the list is complete for the first time. It waits for as long as Redis is away: put a
    /// time-out around it if the service is to start without.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn synced(&self) {
        self.0.state.synced().await;
    }

    /// How many entries there are, expired ones that nobody has cleared away included.
    pub fn len(&self) -> usize {
        self.0.state.list().len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many entries and messages were skipped since the start because they could not be read. Anything
    /// but zero is a writer that this crate does not understand: what it denied is not denied here.
    pub fn skipped(&self) -> u64 {
        self.0.state.skipped()
    }

    /// How often the whole list was read: once at the start, and after each connection that was lost.
    pub fn loads(&self) -> u64 {
        self.0.state.loads()
    }

    /// Why the last connection ended or could not be made, also when the next one is there by now. Holds no
    /// secret.
    pub fn last_failure(&self) -> Option<Failure> {
        self.0.state.failure()
    }
}

impl Denylist for RedisDenylist {
    fn verdict(&self, token: &TokenName<'_>, now: u64) -> Verdict {
        self.0.state.verdict(token, now)
    }
}

impl fmt::Debug for RedisDenylist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisDenylist")
            .field("entries", &self.len())
            .field("staleness", &self.staleness())
            .finish_non_exhaustive()
    }
}
