//! Owns: which tokens are not replaced again because a service refuses them.

use std::time::Duration;

use moka::sync::Cache;

/// Tokens that are remembered, by hash, and for how long.
const MOST: u64 = 100_000;
const KEEP: Duration = Duration::from_secs(3_600);

/// Tokens that were had because a service refused others, or could not be replaced.
#[derive(Debug)]
pub(crate) struct Insisted(Cache<[u8; 32], ()>);

impl Default for Insisted {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(MOST).time_to_live(KEEP).build())
    }
}

impl Insisted {
    /// Whether the token of this hash may be replaced.
    pub(crate) fn is_new(&self, token: [u8; 32]) -> bool {
        !self.0.contains_key(&token)
    }

    /// It may not be replaced any more.
    pub(crate) fn note(&self, token: [u8; 32]) {
        self.0.insert(token, ());
    }
}
