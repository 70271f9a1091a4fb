//! Owns: time as a test wants it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::START;

/// A clock that stands at [`START`] until it is moved. Clones are the same clock.
#[derive(Debug, Clone)]
pub struct Clock(Arc<AtomicU64>);

impl Clock {
    /// A clock of its own.
    pub fn new() -> Self {
        Self(Arc::new(AtomicU64::new(START)))
    }

    /// Its time, in seconds since the epoch.
    pub fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Moves it on by so many seconds.
    pub fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    /// Sets it to so many seconds since the epoch, which may lie behind.
    pub fn set(&self, now: u64) {
        self.0.store(now, Ordering::SeqCst);
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}
