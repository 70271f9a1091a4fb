//! Owns: leaving the IdP and the store alone after a refresh failed.
//!
//! Without it every call of a user would become a call to an IdP that is in trouble, and those that
//! ask first when it recovers would be those that hurt it.

use std::time::Duration;

use moka::sync::Cache;
use session::id::StoreKey;

/// Seconds until the same tokens are refreshed again: what `Retry-After` tells clients.
pub(super) const REST: u64 = 1;

/// Longest rest, in seconds.
pub(super) const LONGEST_REST: u64 = 60;

/// Refreshes that failed, by session and version.
#[derive(Debug)]
pub struct Failures(Cache<(StoreKey, u64), Failed>);

#[derive(Debug, Clone, Copy)]
struct Failed {
    at: u64,
    rest: u64,
    reason: &'static str,
}

impl Default for Failures {
    fn default() -> Self {
        let bounded = Cache::builder().max_capacity(100_000);
        Self(bounded.time_to_live(Duration::from_secs(LONGEST_REST)).build())
    }
}

impl Failures {
    /// Remembers that the refresh of `key` failed at `at`, for `rest` seconds.
    pub(super) fn note(&self, key: (StoreKey, u64), at: u64, rest: u64, reason: &'static str) {
        self.0.insert(key, Failed { at, rest, reason });
    }

    /// Why it failed, if it is to be left alone at `now`.
    pub(super) fn recent(&self, key: &(StoreKey, u64), now: u64) -> Option<&'static str> {
        let failed = self.0.get(key)?;
        (now.abs_diff(failed.at) < failed.rest).then_some(failed.reason)
    }
}
