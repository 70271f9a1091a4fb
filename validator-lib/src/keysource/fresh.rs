//! Owns: telling which key set is fresh without a lock, for requests whose token was checked before.

use std::sync::atomic::{AtomicU64, Ordering};

use super::state::{Loaded, ttl, within};

/// The set that was loaded last. Its three words are not read as one: a reader that comes between sees a
/// set a moment too early or too late, and both were true just now.
#[derive(Default)]
pub(super) struct FreshSet {
    id: AtomicU64,
    fetched_at: AtomicU64,
    ttl: AtomicU64,
}

impl FreshSet {
    pub(super) fn id(&self, now: u64) -> Option<u64> {
        let (fetched_at, ttl) =
            (self.fetched_at.load(Ordering::Acquire), self.ttl.load(Ordering::Acquire));
        within(fetched_at, ttl, now).then(|| self.id.load(Ordering::Acquire))
    }

    pub(super) fn settle(&self, loaded: &Loaded, now: u64) {
        if let Ok((keys, max_age)) = loaded {
            self.id.store(keys.id(), Ordering::Release);
            self.fetched_at.store(now, Ordering::Release);
            self.ttl.store(ttl(*max_age), Ordering::Release);
        }
    }
}
