//! Owns: the embedded store, for one process: the demo and unit tests.
//!
//! Nothing is shared and nothing survives a restart, so `forwardauth` on its own refuses it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::id::StoreKey;
use crate::store::{IndexKey, Store, StoreError, StoredSession, Swap};

/// Writes between two sweeps of what has expired.
const SWEEP_EVERY: u32 = 256;

/// Sessions in this process's memory. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore(Arc<Mutex<Shelves>>);

#[derive(Debug, Default)]
struct Shelves {
    sessions: HashMap<StoreKey, Kept<StoredSession>>,
    indexes: HashMap<IndexKey, BTreeMap<u64, Kept<StoreKey>>>,
    logins: HashMap<String, Kept<Bytes>>,
    leases: HashMap<String, Kept<String>>,
    next: u64,
    writes: u32,
}

#[derive(Debug, Clone)]
struct Kept<T> {
    value: T,
    until: Instant,
}

impl<T> Kept<T> {
    fn new(value: T, keep: Duration) -> Self {
        Self { value, until: Instant::now() + keep }
    }

    fn alive(&self) -> bool {
        Instant::now() < self.until
    }
}

impl Shelves {
    fn live(&self, key: &StoreKey) -> Option<&StoredSession> {
        self.sessions.get(key).filter(|kept| kept.alive()).map(|kept| &kept.value)
    }

    /// Keeps memory bounded by what is alive.
    fn wrote(&mut self) {
        self.writes += 1;
        if self.writes < SWEEP_EVERY {
            return;
        }
        self.writes = 0;
        self.sessions.retain(|_, kept| kept.alive());
        self.logins.retain(|_, kept| kept.alive());
        self.leases.retain(|_, kept| kept.alive());
        self.indexes.retain(|_, listed| {
            listed.retain(|_, kept| kept.alive());
            !listed.is_empty()
        });
    }
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn with<T>(&self, work: impl FnOnce(&mut Shelves) -> T) -> T {
        // The work below cannot panic half-way, so a poisoned lock still guards whole data.
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Store for MemoryStore {
    async fn edge_view(&self, key: &StoreKey) -> Result<Option<Bytes>, StoreError> {
        Ok(self.with(|shelves| shelves.live(key).map(|session| session.edge.clone())))
    }

    async fn slide(
        &self,
        key: &StoreKey,
        old: &Bytes,
        new: Bytes,
        keep: Duration,
    ) -> Result<Swap, StoreError> {
        Ok(self.with(|shelves| match shelves.live(key) {
            None => Swap::Gone,
            Some(session) if session.edge != *old => Swap::Stale,
            Some(session) => {
                let slid = StoredSession { edge: new, ..session.clone() };
                shelves.sessions.insert(*key, Kept::new(slid, keep));
                Swap::Done
            }
        }))
    }

    async fn create(
        &self,
        key: &StoreKey,
        session: StoredSession,
        keep: Duration,
    ) -> Result<bool, StoreError> {
        Ok(self.with(|shelves| {
            if shelves.live(key).is_some() {
                return false;
            }
            shelves.sessions.insert(*key, Kept::new(session, keep));
            shelves.wrote();
            true
        }))
    }

    async fn load(&self, key: &StoreKey) -> Result<Option<StoredSession>, StoreError> {
        Ok(self.with(|shelves| shelves.live(key).cloned()))
    }

    async fn replace(
        &self,
        key: &StoreKey,
        expected: u64,
        session: StoredSession,
        keep: Duration,
    ) -> Result<Swap, StoreError> {
        Ok(self.with(|shelves| match shelves.live(key) {
            None => Swap::Gone,
            Some(current) if current.version != expected => Swap::Stale,
            Some(_) => {
                shelves.sessions.insert(*key, Kept::new(session, keep));
                Swap::Done
            }
        }))
    }

    async fn delete(&self, key: &StoreKey) -> Result<bool, StoreError> {
        Ok(self.with(|shelves| shelves.sessions.remove(key).is_some_and(|kept| kept.alive())))
    }

    async fn index_add(
        &self,
        index: &IndexKey,
        key: &StoreKey,
        keep: Duration,
    ) -> Result<(), StoreError> {
        self.with(|shelves| {
            shelves.next += 1;
            let listed = shelves.indexes.entry(index.clone()).or_default();
            listed.retain(|_, kept| kept.alive() && kept.value != *key);
            listed.insert(shelves.next, Kept::new(*key, keep));
            shelves.wrote();
        });
        Ok(())
    }

    async fn index_remove(&self, index: &IndexKey, key: &StoreKey) -> Result<(), StoreError> {
        self.with(|shelves| {
            if let Some(listed) = shelves.indexes.get_mut(index) {
                listed.retain(|_, kept| kept.value != *key);
            }
        });
        Ok(())
    }

    async fn index_list(&self, index: &IndexKey) -> Result<Vec<StoreKey>, StoreError> {
        Ok(self.with(|shelves| {
            let listed = shelves.indexes.get(index).into_iter().flat_map(BTreeMap::values);
            listed.filter(|kept| kept.alive()).map(|kept| kept.value).collect()
        }))
    }

    async fn put_login(&self, name: &str, sealed: Bytes, keep: Duration) -> Result<(), StoreError> {
        self.with(|shelves| {
            shelves.logins.insert(name.to_owned(), Kept::new(sealed, keep));
            shelves.wrote();
        });
        Ok(())
    }

    async fn take_login(&self, name: &str) -> Result<Option<Bytes>, StoreError> {
        Ok(self
            .with(|shelves| shelves.logins.remove(name).filter(Kept::alive).map(|kept| kept.value)))
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

    async fn release_lease(&self, name: &str, owner: &str) -> Result<(), StoreError> {
        self.with(|shelves| {
            if shelves.leases.get(name).is_some_and(|kept| kept.value == owner) {
                shelves.leases.remove(name);
            }
        });
        Ok(())
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn passes_the_conformance_suite() {
        crate::conformance::run(|| async { MemoryStore::new() }).await;
    }
}
