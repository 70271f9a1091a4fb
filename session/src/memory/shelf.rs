//! Owns: what this process keeps beside the sessions.

use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::broadcast;

use super::MemoryStore;
use super::shelves::{Counted, Kept};
use crate::denied::DeniedKey;
use crate::permits::{Grant, Quota, Tally};
use crate::shelf::{News, Shelf, TakenLogin};
use crate::store::{IndexKey, StoreError};

/// For what has no end of its own; the process ends before.
const EVER: Duration = Duration::from_secs(10 * 365 * 86_400);

#[cfg(feature = "faulty")]
impl MemoryStore {
    /// The time of the lease `name` is over.
    pub(crate) fn end_lease(&self, name: &str) {
        self.with(|shelves| shelves.leases.remove(name));
    }
}

impl Shelf for MemoryStore {
    async fn put_login(&self, name: &str, sealed: Bytes, keep: Duration) -> Result<(), StoreError> {
        self.with(|shelves| {
            shelves.logins.insert(name.to_owned(), Kept::new(sealed, keep));
            shelves.wrote();
        });
        Ok(())
    }

    async fn take_login(&self, name: &str) -> Result<Option<TakenLogin>, StoreError> {
        let taken = self.with(|shelves| shelves.logins.remove(name)).filter(Kept::alive);
        Ok(taken.map(|kept| TakenLogin { remaining: kept.remaining(), sealed: kept.value }))
    }

    async fn acquire_lease(
        &self,
        name: &str,
        owner: &str,
        keep: Duration,
    ) -> Result<bool, StoreError> {
        Ok(self.with(|shelves| {
            if shelves.leases.get(name).is_some_and(Kept::alive) {
                return false;
            }
            shelves.leases.insert(name.to_owned(), Kept::new(owner.to_owned(), keep));
            shelves.wrote();
            true
        }))
    }

    async fn extend_lease(
        &self,
        name: &str,
        owner: &str,
        keep: Duration,
    ) -> Result<bool, StoreError> {
        Ok(self.with(|shelves| match shelves.leases.get_mut(name) {
            Some(kept) if kept.alive() && kept.value == owner => {
                *kept = Kept::new(owner.to_owned(), keep);
                true
            }
            _ => false,
        }))
    }

    async fn release_lease(&self, name: &str, owner: &str) -> Result<(), StoreError> {
        self.with(|shelves| {
            if shelves.leases.get(name).is_some_and(|kept| kept.value == owner) {
                shelves.leases.remove(name);
            }
        });
        Ok(())
    }

    async fn put_tombstone(&self, index: &IndexKey, keep: Duration) -> Result<(), StoreError> {
        self.with(|shelves| {
            shelves.tombstones.insert(index.clone(), Kept::new((), keep));
            shelves.wrote();
        });
        Ok(())
    }

    async fn tombstone(&self, index: &IndexKey) -> Result<Option<Duration>, StoreError> {
        Ok(self.with(|shelves| {
            let standing = shelves.tombstones.get(index).filter(|kept| kept.alive());
            standing.map(Kept::remaining)
        }))
    }

    async fn put_note(
        &self,
        name: &str,
        text: Bytes,
        keep: Option<Duration>,
    ) -> Result<(), StoreError> {
        self.with(|shelves| {
            shelves.notes.insert(name.to_owned(), Kept::new(text, keep.unwrap_or(EVER)));
            shelves.wrote();
        });
        Ok(())
    }

    async fn note(&self, name: &str) -> Result<Option<Bytes>, StoreError> {
        Ok(self.with(|shelves| {
            let kept = shelves.notes.get(name).filter(|kept| kept.alive());
            kept.map(|kept| kept.value.clone())
        }))
    }

    async fn remove_note(&self, name: &str) -> Result<(), StoreError> {
        self.with(|shelves| shelves.notes.remove(name));
        Ok(())
    }

    async fn deny(&self, name: &str, value: Bytes, keep: Duration) -> Result<(), StoreError> {
        self.with(|shelves| {
            shelves.denied.insert(name.to_owned(), Kept::new(value, keep));
            shelves.wrote();
        });
        Ok(())
    }

    async fn put_denial(
        &self,
        key: &DeniedKey,
        text: Bytes,
        keep: Duration,
    ) -> Result<(), StoreError> {
        self.with(|shelves| {
            shelves.denied.insert(key.as_str().to_owned(), Kept::new(text, keep));
            shelves.wrote();
        });
        Ok(())
    }

    async fn denial(&self, key: &DeniedKey) -> Result<Option<Bytes>, StoreError> {
        Ok(self.denied(key.as_str()))
    }

    async fn take_permits(&self, name: &str, quota: Quota, want: u32) -> Result<Grant, StoreError> {
        Ok(self.with(|shelves| {
            let known = shelves.tallies.remove(name).filter(Kept::alive).map(|kept| kept.value);
            let mut counted =
                known.unwrap_or_else(|| Counted { began: Instant::now(), tally: Tally::default() });
            let grant = counted.tally.take(quota, counted.began.elapsed(), want);
            shelves.tallies.insert(name.to_owned(), Kept::new(counted, quota.memory()));
            shelves.wrote();
            grant
        }))
    }

    async fn publish(&self, message: Bytes) -> Result<(), StoreError> {
        // Nobody listening is no failure.
        drop(self.news.send(News::Message(message)));
        Ok(())
    }

    fn follow(&self) -> broadcast::Receiver<News> {
        self.news.subscribe()
    }
}
