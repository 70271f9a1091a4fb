//! Owns: a store for tests that fails where it is told to: a bad day of Redis, in one process.

use std::collections::HashMap;
use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::memory::MemoryStore;

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

/// Says of every call when it goes, and how it fares: for tests that try all orders.
pub trait Turnstile: Debug + Send + Sync {
    /// Waits until `call` may go; says how it fails, if it does.
    fn pass(&self, call: &'static str) -> Pin<Box<dyn Future<Output = Option<Fault>> + Send + '_>>;

    /// What the store did at `call` and answered, whether the caller hears of it or not.
    fn passed(&self, call: &'static str, answer: &dyn Debug);
}

/// One replica's way to a store that others may share. Clones fail together.
#[derive(Debug, Clone)]
pub struct FaultyStore {
    memory: Arc<Mutex<MemoryStore>>,
    plan: Arc<Mutex<Plan>>,
    calls: watch::Sender<Vec<&'static str>>,
    turnstile: Option<Arc<dyn Turnstile>>,
}

#[derive(Debug, Default)]
struct Plan {
    faults: HashMap<&'static str, (Fault, usize)>,
    pace: Option<u64>,
    restored: Option<(&'static str, MemoryStore)>,
}

impl FaultyStore {
    /// A way to what `memory` holds.
    pub fn over(memory: MemoryStore) -> Self {
        let (memory, calls) = (Arc::new(Mutex::new(memory)), watch::Sender::default());
        Self { memory, plan: Arc::default(), calls, turnstile: None }
    }

    /// The same way, on which `turnstile` stands.
    #[must_use]
    pub fn through(self, turnstile: Arc<dyn Turnstile>) -> Self {
        Self { turnstile: Some(turnstile), ..self }
    }

    /// The time of the lease `name` is over, whoever holds it.
    pub fn end_lease(&self, name: &str) {
        self.memory().end_lease(name);
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
        self.becomes(MemoryStore::new());
    }

    /// Holds what `memory` holds as soon as it has answered the next `call`: somebody gave it all back.
    pub fn restore_after(&self, call: &'static str, memory: MemoryStore) {
        self.plan().restored = Some((call, memory));
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

    fn becomes(&self, memory: MemoryStore) {
        *self.memory.lock().unwrap_or_else(PoisonError::into_inner) = memory;
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
        let fault = match &self.turnstile {
            Some(turnstile) => turnstile.pass(call).await,
            None => self.fault(call),
        };
        if fault == Some(Fault::Hangs) {
            std::future::pending::<()>().await;
        }
        fault
    }

    fn after(&self, call: &'static str, answer: &dyn Debug) {
        let restored = self.plan().restored.take_if(|(after, _)| *after == call);
        if let Some((_, memory)) = restored {
            self.becomes(memory);
        }
        if let Some(turnstile) = &self.turnstile {
            turnstile.passed(call, answer);
        }
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
        $self.after(stringify!($call), &answer);
        $self.give_way().await;
        if fault == Some(Fault::AnswerLost) { Err(StoreError::TimedOut) } else { answer }
    }};
}

delegate! {
    FaultyStore, hand_on,
    store {
        async fn load(&self, key: &StoreKey) -> Result<Option<StoredSession>, StoreError> {
            hand_on!(self.load(key))
        }

        async fn edge_view(&self, key: &StoreKey) -> Result<Option<Bytes>, StoreError> {
            hand_on!(self.edge_view(key))
        }
    }
    shelf {
        fn follow(&self) -> broadcast::Receiver<News> {
            self.memory().follow()
        }
    }
}
