//! Owns: a store for tests that fails where it is told to: a bad day of Redis, in one process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{broadcast, watch};

use crate::id::StoreKey;
use crate::memory::MemoryStore;
use crate::shelf::{News, Shelf, TakenLogin};
use crate::store::{IndexKey, Intent, Store, StoreError, StoredSession, Swap};

/// How long a test waits for something to happen.
const PATIENCE: Duration = Duration::from_secs(10);

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is carried out.
    Away,
    /// It is carried out, and the answer gets lost.
    AnswerLost,
    /// Nothing is carried out, and no answer ever comes.
    Hangs,
}

/// One replica's way to a store that others may share. Clones fail together.
#[derive(Debug, Clone)]
pub struct FaultyStore {
    memory: Arc<Mutex<MemoryStore>>,
    plan: Arc<Mutex<Plan>>,
    calls: watch::Sender<Vec<&'static str>>,
}

#[derive(Debug, Default)]
struct Plan {
    faults: HashMap<&'static str, (Fault, usize)>,
    pace: Option<u64>,
}

impl FaultyStore {
    /// A way to what `memory` holds.
    pub fn over(memory: MemoryStore) -> Self {
        let (memory, calls) = (Arc::new(Mutex::new(memory)), watch::Sender::default());
        Self { memory, plan: Arc::default(), calls }
    }

    /// The next `times` calls of the method `call` fail; the last word about a method counts.
    pub fn fail(&self, call: &'static str, fault: Fault, times: usize) {
        self.plan().faults.insert(call, (fault, times));
    }

    /// Nothing fails any more.
    pub fn heal(&self) {
        self.plan().faults.clear();
    }

    /// Every call gives way to other tasks before and after it, as often as `seed` has it.
    pub fn pace(&self, seed: u64) {
        self.plan().pace = Some(seed);
    }

    /// Comes back empty.
    pub fn restart(&self) {
        *self.memory.lock().unwrap_or_else(PoisonError::into_inner) = MemoryStore::new();
    }

    /// The methods that were called so far.
    pub fn calls(&self) -> Vec<&'static str> {
        self.calls.borrow().clone()
    }

    /// Waits until the method `call` was called `times` times; `false` if that does not happen.
    pub async fn called(&self, call: &'static str, times: usize) -> bool {
        let enough = |calls: &Vec<&'static str>| {
            calls.iter().filter(|called| **called == call).count() >= times
        };
        let mut calls = self.calls.subscribe();
        tokio::time::timeout(PATIENCE, calls.wait_for(enough)).await.is_ok()
    }

    fn plan(&self) -> std::sync::MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn memory(&self) -> MemoryStore {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn fault(&self, call: &'static str) -> Option<Fault> {
        let mut plan = self.plan();
        let (fault, times) = plan.faults.get_mut(call).filter(|(_, times)| *times > 0)?;
        *times -= 1;
        Some(*fault)
    }

    async fn before(&self, call: &'static str) -> Option<Fault> {
        self.give_way().await;
        self.calls.send_modify(|calls| calls.push(call));
        let fault = self.fault(call);
        if fault == Some(Fault::Hangs) {
            std::future::pending::<()>().await;
        }
        fault
    }

    /// Mostly a few turns, sometimes enough of them for a call to the IdP.
    async fn give_way(&self) {
        let turns = {
            let mut plan = self.plan();
            let Some(state) = plan.pace.as_mut() else { return };
            *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let (kind, size) = (*state >> 60, (*state >> 40) % 64);
            if kind < 4 {
                0
            } else if kind < 12 {
                size % 4
            } else {
                size
            }
        };
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
    }
}

macro_rules! hand_on {
    ($self:ident.$call:ident($($argument:expr),*)) => {{
        let fault = $self.before(stringify!($call)).await;
        if fault == Some(Fault::Away) {
            return Err(StoreError::Unavailable);
        }
        let answer = $self.memory().$call($($argument),*).await;
        $self.give_way().await;
        if fault == Some(Fault::AnswerLost) { Err(StoreError::TimedOut) } else { answer }
    }};
}

impl Store for FaultyStore {
    async fn edge_view(&self, key: &StoreKey) -> Result<Option<Bytes>, StoreError> {
        hand_on!(self.edge_view(key))
    }

    async fn slide(
        &self,
        key: &StoreKey,
        old: &Bytes,
        new: Bytes,
        keep: Duration,
    ) -> Result<Swap, StoreError> {
        hand_on!(self.slide(key, old, new, keep))
    }

    async fn create(
        &self,
        key: &StoreKey,
        session: StoredSession,
        keep: Duration,
    ) -> Result<bool, StoreError> {
        hand_on!(self.create(key, session, keep))
    }

    async fn load(&self, key: &StoreKey) -> Result<Option<StoredSession>, StoreError> {
        hand_on!(self.load(key))
    }

    async fn replace(
        &self,
        key: &StoreKey,
        old: &StoredSession,
        session: StoredSession,
        keep: Duration,
    ) -> Result<Swap, StoreError> {
        hand_on!(self.replace(key, old, session, keep))
    }

    async fn intend(
        &self,
        key: &StoreKey,
        expected: u64,
        owner: &str,
        grace: Duration,
    ) -> Result<Intent, StoreError> {
        hand_on!(self.intend(key, expected, owner, grace))
    }

    async fn forget_intent(&self, key: &StoreKey, owner: &str) -> Result<(), StoreError> {
        hand_on!(self.forget_intent(key, owner))
    }

    async fn take(&self, key: &StoreKey) -> Result<Option<StoredSession>, StoreError> {
        hand_on!(self.take(key))
    }

    async fn delete(&self, key: &StoreKey) -> Result<bool, StoreError> {
        hand_on!(self.delete(key))
    }

    async fn index_add(
        &self,
        index: &IndexKey,
        key: &StoreKey,
        keep: Duration,
    ) -> Result<(), StoreError> {
        hand_on!(self.index_add(index, key, keep))
    }

    async fn index_remove(&self, index: &IndexKey, keys: &[StoreKey]) -> Result<(), StoreError> {
        hand_on!(self.index_remove(index, keys))
    }

    async fn index_list(&self, index: &IndexKey) -> Result<Vec<StoreKey>, StoreError> {
        hand_on!(self.index_list(index))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        hand_on!(self.ping())
    }
}

impl Shelf for FaultyStore {
    async fn put_login(&self, name: &str, sealed: Bytes, keep: Duration) -> Result<(), StoreError> {
        hand_on!(self.put_login(name, sealed, keep))
    }

    async fn take_login(&self, name: &str) -> Result<Option<TakenLogin>, StoreError> {
        hand_on!(self.take_login(name))
    }

    async fn acquire_lease(
        &self,
        name: &str,
        owner: &str,
        keep: Duration,
    ) -> Result<bool, StoreError> {
        hand_on!(self.acquire_lease(name, owner, keep))
    }

    async fn extend_lease(
        &self,
        name: &str,
        owner: &str,
        keep: Duration,
    ) -> Result<bool, StoreError> {
        hand_on!(self.extend_lease(name, owner, keep))
    }

    async fn release_lease(&self, name: &str, owner: &str) -> Result<(), StoreError> {
        hand_on!(self.release_lease(name, owner))
    }

    async fn put_tombstone(&self, index: &IndexKey, keep: Duration) -> Result<(), StoreError> {
        hand_on!(self.put_tombstone(index, keep))
    }

    async fn tombstone(&self, index: &IndexKey) -> Result<Option<Duration>, StoreError> {
        hand_on!(self.tombstone(index))
    }

    async fn put_note(
        &self,
        name: &str,
        text: Bytes,
        keep: Option<Duration>,
    ) -> Result<(), StoreError> {
        hand_on!(self.put_note(name, text, keep))
    }

    async fn note(&self, name: &str) -> Result<Option<Bytes>, StoreError> {
        hand_on!(self.note(name))
    }

    async fn remove_note(&self, name: &str) -> Result<(), StoreError> {
        hand_on!(self.remove_note(name))
    }

    async fn deny(&self, name: &str, value: Bytes, keep: Duration) -> Result<(), StoreError> {
        hand_on!(self.deny(name, value, keep))
    }

    async fn publish(&self, message: Bytes) -> Result<(), StoreError> {
        hand_on!(self.publish(message))
    }

    fn follow(&self) -> broadcast::Receiver<News> {
        self.memory().follow()
    }
}
