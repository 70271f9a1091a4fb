//! Owns: what can be set on a list that follows Redis.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use fred::types::config::Config;
use tokio::runtime::Handle;

use super::state::{Clock, State};
use super::{RedisDenylist, Running, feed};
use crate::clock::unix_seconds;
use crate::redis::{Server, SetupError, reached_over_tls};
use crate::revocation::local;

/// How old the last proof may be unless set.
pub const DEFAULT_MAX_STALENESS: Duration = Duration::from_secs(1);

/// Time between two proofs unless set.
pub const DEFAULT_INTERVAL: Duration = Duration::from_millis(250);

/// A list in the making.
#[must_use]
pub struct Builder {
    server: Server,
    max_staleness: Duration,
    interval: Duration,
    capacity: usize,
    clock: Option<Clock>,
}

impl Builder {
    reached_over_tls!();

    pub(super) const fn new(url: String) -> Self {
        Self {
            server: Server::at(url),
            max_staleness: DEFAULT_MAX_STALENESS,
            interval: DEFAULT_INTERVAL,
            capacity: local::DEFAULT_CAPACITY,
            clock: None,
        }
    }

    /// How old the last proof may be before the list answers [`Unknown`](crate::revocation::Verdict), one
    /// second unless set. No token that was withdrawn longer ago is taken for good.
    pub fn max_staleness(mut self, max_staleness: Duration) -> Self {
        self.max_staleness = max_staleness;
        self
    }

    /// Time between two proofs, 250 milliseconds unless set. At most half of the staleness that is allowed.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// How many entries are kept, 1,048,576 unless set. A list that is full answers
    /// [`Unknown`](crate::revocation::Verdict) for whoever is not on it.
    pub fn capacity(mut self, entries: usize) -> Self {
        self.capacity = entries;
        self
    }

    /// Where the time comes from, in seconds since the epoch.
    pub fn clock(mut self, clock: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        self.clock = Some(Box::new(clock));
        self
    }

    /// Starts to follow, in a task of the tokio runtime that this is called in, and does not wait for Redis.
    ///
    /// # Errors
    /// [`SetupError`] for settings with which it could never work.
    pub fn start(self) -> Result<RedisDenylist, SetupError> {
        let runtime = Handle::try_current().map_err(|_| SetupError::NoRuntime)?;
        if self.interval.is_zero() || self.interval > self.max_staleness / 2 {
            return Err(SetupError::Interval);
        }
        let options = Options { config: self.server.config()?, interval: self.interval };
        let clock = self.clock.unwrap_or_else(|| Box::new(unix_seconds));
        let state = Arc::new(State::new(self.capacity, self.max_staleness, clock));
        let task = runtime.spawn(feed::run(options, Arc::clone(&state)));
        Ok(RedisDenylist(Arc::new(Running { state, task })))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("max_staleness", &self.max_staleness)
            .field("interval", &self.interval)
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

/// What each connection is made with.
pub(super) struct Options {
    pub(super) config: Config,
    pub(super) interval: Duration,
}

#[cfg(test)]
mod tests;
