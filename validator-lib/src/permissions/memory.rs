//! Owns: what this process knows of users (L1), and who is being asked about. One lock holds both together: a
//! load whose place on the list was taken away, because what it reads may be old by now, can put nothing here.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::Shared;
use moka::sync::Cache;
use tokio::sync::oneshot;

use super::user::UserKey;
use super::{Rights, Unavailable};

/// Rights, or that there is no such user.
pub(super) type Known = Option<Arc<Rights>>;
pub(super) type Outcome = Result<Known, Unavailable>;
/// Ends with what a load brought. Many may wait for one.
pub(super) type Waiting = Shared<oneshot::Receiver<Outcome>>;

/// Loads under way at once.
const MAX_LOADS: usize = 1_024;

/// For how long what is known may be told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lives {
    pub(super) known: Duration,
    pub(super) unknown: Duration,
    /// Beyond its life, while the source fails.
    pub(super) stale: Duration,
}

pub(super) struct Memory {
    kept: Cache<UserKey, Kept>,
    lives: Lives,
    loads: Mutex<HashMap<UserKey, Load>>,
    next: AtomicU64,
}

#[derive(Clone)]
struct Kept {
    known: Known,
    /// When it was asked for, by the cache's clock.
    at: Duration,
}

struct Load {
    number: u64,
    waiting: Waiting,
}

/// What becomes of somebody who asks.
pub(super) enum Place {
    /// It is known by now.
    Known(Known),
    /// Somebody asks already.
    Wait(Waiting),
    /// The caller has to ask.
    Ask(Ticket, Waiting),
    /// Too many ask.
    Full,
}

impl Memory {
    pub(super) fn new(lives: Lives, bytes: u64) -> Self {
        let weight = |_: &UserKey, kept: &Kept| {
            let rights = kept.known.as_ref().map_or(0, |rights| rights.weight());
            // The entry itself, in moka's own lists.
            u32::try_from(rights.saturating_add(256)).unwrap_or(u32::MAX)
        };
        let life = lives.known.max(lives.unknown).saturating_add(lives.stale);
        let kept = Cache::builder().max_capacity(bytes).weigher(weight).time_to_live(life).build();
        Self { kept, lives, loads: Mutex::default(), next: AtomicU64::new(0) }
    }

    /// What is known of a user and not too old.
    pub(super) fn fresh(&self, key: &UserKey, now: Duration) -> Option<Known> {
        let kept = self.kept.get(key)?;
        let life = if kept.known.is_some() { self.lives.known } else { self.lives.unknown };
        (now.saturating_sub(kept.at) < life).then_some(kept.known)
    }

    /// What was known of a user before the source failed.
    pub(super) fn stale(&self, key: &UserKey, now: Duration) -> Option<Arc<Rights>> {
        let Kept { known, at } = self.kept.get(key)?;
        let life = self.lives.known.saturating_add(self.lives.stale);
        known.filter(|_| now.saturating_sub(at) < life)
    }

    pub(super) fn board(self: &Arc<Self>, key: UserKey, now: Duration) -> Place {
        let mut loads = self.loads();
        // A load may have landed since the caller looked.
        if let Some(known) = self.fresh(&key, now) {
            return Place::Known(known);
        }
        let full = loads.len() >= MAX_LOADS;
        match loads.entry(key) {
            Entry::Occupied(load) => Place::Wait(load.get().waiting.clone()),
            Entry::Vacant(_) if full => Place::Full,
            Entry::Vacant(place) => {
                let (sender, receiver) = oneshot::channel();
                let number = self.next.fetch_add(1, Ordering::Relaxed);
                let waiting = receiver.shared();
                place.insert(Load { number, waiting: waiting.clone() });
                let (memory, sender) = (Arc::clone(self), Some(sender));
                Place::Ask(Ticket { memory, key, number, sender }, waiting)
            }
        }
    }

    /// Forgets a user. A load that is under way will be kept no more, and who asks from now on does not wait
    /// for it.
    pub(super) fn evict(&self, key: &UserKey) {
        let mut loads = self.loads();
        loads.remove(key);
        self.kept.invalidate(key);
    }

    /// Forgets everybody.
    pub(super) fn flush(&self) {
        let mut loads = self.loads();
        loads.clear();
        self.kept.invalidate_all();
    }

    #[cfg(test)]
    pub(super) fn size(&self) -> (u64, u64) {
        self.kept.run_pending_tasks();
        (self.kept.entry_count(), self.kept.weighted_size())
    }

    fn loads(&self) -> MutexGuard<'_, HashMap<UserKey, Load>> {
        self.loads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a load off the list, if it is still the one that stands there.
    fn leave(&self, key: &UserKey, number: u64, keep: Option<Kept>) {
        let mut loads = self.loads();
        if loads.get(key).is_none_or(|load| load.number != number) {
            return;
        }
        loads.remove(key);
        if let Some(kept) = keep {
            self.kept.insert(*key, kept);
        }
    }
}

/// A place on the list of loads. Dropped without having landed, it is free again, and who waits is told.
pub(super) struct Ticket {
    memory: Arc<Memory>,
    key: UserKey,
    number: u64,
    sender: Option<oneshot::Sender<Outcome>>,
}

impl Ticket {
    pub(super) const fn key(&self) -> &UserKey {
        &self.key
    }

    /// Tells who waits, and keeps what was asked for `at` a time unless it may be old by now.
    pub(super) fn land(mut self, outcome: Outcome, at: Duration) {
        let keep = outcome.as_ref().ok().map(|known| Kept { known: known.clone(), at });
        self.memory.leave(&self.key, self.number, keep);
        // Who waited may be gone.
        drop(self.sender.take().map(|sender| sender.send(outcome)));
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.memory.leave(&self.key, self.number, None);
    }
}
