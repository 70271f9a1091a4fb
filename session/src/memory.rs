//! Owns: the embedded store, for one process: the demo and unit tests.
//!
//! Nothing is shared and nothing survives a restart, so `forwardauth` on its own refuses it.

mod shelf;
mod shelves;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::broadcast;

use crate::id::StoreKey;
use crate::shelf::News;
use crate::store::{IndexKey, Intent, Store, StoreError, StoredSession, Swap};
use shelves::{Kept, Shelves};

/// News that a slow listener may be behind before it is told to look for itself.
const BACKLOG: usize = 1_024;

/// Sessions in this process's memory. Clones share them.
#[derive(Debug, Clone)]
pub struct MemoryStore {
    shelves: Arc<Mutex<Shelves>>,
    news: broadcast::Sender<News>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self { shelves: Arc::default(), news: broadcast::channel(BACKLOG).0 }
    }
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// What the list of denied tokens says of `name`. Services read the list in Redis; in one process
    /// they may ask here.
    pub fn denied(&self, name: &str) -> Option<Bytes> {
        self.with(|shelves| {
            let kept = shelves.denied.get(name).filter(|kept| kept.alive());
            kept.map(|kept| kept.value.clone())
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut Shelves) -> T) -> T {
        // The work below cannot panic half-way, so a poisoned lock still guards whole data.
        work(&mut self.shelves.lock().unwrap_or_else(PoisonError::into_inner))
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
        old: &StoredSession,
        session: StoredSession,
        keep: Duration,
    ) -> Result<Swap, StoreError> {
        Ok(self.with(|shelves| match shelves.live(key) {
            None => Swap::Gone,
            Some(current) if current.version != old.version || current.edge != old.edge => {
                Swap::Stale
            }
            Some(_) => {
                shelves.sessions.insert(*key, Kept::new(session, keep));
                shelves.intents.remove(key);
                Swap::Done
            }
        }))
    }

    async fn replace_tokens(
        &self,
        key: &StoreKey,
        old: &Bytes,
        new: Bytes,
    ) -> Result<Swap, StoreError> {
        Ok(self.with(|shelves| {
            let live = shelves.sessions.get_mut(key).filter(|kept| kept.alive());
            match live.map(|kept| &mut kept.value) {
                None => Swap::Gone,
                Some(session) if session.tokens != *old => Swap::Stale,
                Some(session) => {
                    session.tokens = new;
                    Swap::Done
                }
            }
        }))
    }

    async fn intend(
        &self,
        key: &StoreKey,
        expected: u64,
        owner: &str,
        grace: Duration,
    ) -> Result<Intent, StoreError> {
        Ok(self.with(|shelves| match shelves.live(key) {
            None => Intent::Gone,
            Some(session) if session.version != expected => Intent::Stale,
            Some(_) => shelves.intend(*key, expected, owner, grace),
        }))
    }

    async fn forget_intent(&self, key: &StoreKey, owner: &str) -> Result<(), StoreError> {
        self.with(|shelves| shelves.forget_intent(key, owner));
        Ok(())
    }

    async fn take(&self, key: &StoreKey) -> Result<Option<StoredSession>, StoreError> {
        Ok(self.with(|shelves| {
            let taken = shelves.sessions.remove(key).filter(Kept::alive);
            taken.map(|kept| kept.value)
        }))
    }

    async fn delete(&self, key: &StoreKey) -> Result<bool, StoreError> {
        Ok(self.with(|shelves| shelves.sessions.remove(key).is_some_and(|kept| kept.alive())))
    }

    async fn delete_version(&self, key: &StoreKey, expected: u64) -> Result<Swap, StoreError> {
        Ok(self.with(|shelves| match shelves.live(key) {
            None => Swap::Gone,
            Some(session) if session.version != expected => Swap::Stale,
            Some(_) => {
                shelves.sessions.remove(key);
                Swap::Done
            }
        }))
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

    async fn index_remove(&self, index: &IndexKey, keys: &[StoreKey]) -> Result<(), StoreError> {
        self.with(|shelves| {
            if let Some(listed) = shelves.indexes.get_mut(index) {
                listed.retain(|_, kept| !keys.contains(&kept.value));
                if listed.is_empty() {
                    shelves.indexes.remove(index);
                }
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

    async fn estimate_sessions(&self) -> Result<u64, StoreError> {
        let alive =
            self.with(|shelves| shelves.sessions.values().filter(|kept| kept.alive()).count());
        Ok(u64::try_from(alive).unwrap_or(u64::MAX))
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
