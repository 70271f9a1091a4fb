//! Owns: leaving the IdP alone for a moment after a refresh failed.
//!
//! Without it every call of a user would become a call to an IdP that is in trouble, and those that
//! ask first when it recovers would be those that hurt it.

use std::time::Duration;

use moka::sync::Cache;
use session::id::StoreKey;

/// Seconds until the same tokens are refreshed again: what `Retry-After` tells clients.
const REST: u64 = 1;

/// Refreshes that failed a moment ago, by session and version.
#[derive(Debug)]
pub struct Failures(Cache<(StoreKey, u64), (u64, &'static str)>);

impl Default for Failures {
    fn default() -> Self {
        let bounded = Cache::builder().max_capacity(100_000);
        Self(bounded.time_to_live(Duration::from_secs(60)).build())
    }
}

impl Failures {
    /// Remembers that the refresh of `key` failed at `now`.
    pub(super) fn note(&self, key: (StoreKey, u64), now: u64, reason: &'static str) {
        self.0.insert(key, (now, reason));
    }

    /// Why it failed, if that was only a moment before `now`.
    pub(super) fn recent(&self, key: &(StoreKey, u64), now: u64) -> Option<&'static str> {
        let (failed_at, reason) = self.0.get(key)?;
        (now.abs_diff(failed_at) < REST).then_some(reason)
    }
}
