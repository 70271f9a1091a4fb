//! Owns: edge views kept in this thread's memory for as long as Redis vouches that nobody changed
//! them (`CLIENT TRACKING`, RESP3).
//!
//! One connection reads the views and hears of their changes, so both come in one order. Three things
//! bound how old an answer can be, each by itself:
//! - an invalidation takes the view out, and any doubt takes all of them out: a lost connection,
//!   `FLUSHALL`, a message that cannot be read;
//! - the connection must have proved within [`Limits::max_lag`] that it delivers (it is asked where it
//!   has nothing to say), else the cache is passed by;
//! - no view is used for longer than [`Limits::max_age`], whatever Redis says.
//!
//! A view that was read before an invalidation must not be kept after it: [`TrackedEdges::ticket`] is
//! taken before the read, and every invalidation voids the tickets that are out.

mod entries;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use entries::Entries;

use crate::edge::AuthenticEdge;
use crate::id::StoreKey;

/// What the cache may hold, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most views; the oldest makes room.
    pub entries: usize,
    /// Longest use of a view.
    pub max_age: Duration,
    /// Longest time since the connection last proved that it delivers.
    pub max_lag: Duration,
}

/// What the cache did since it was last asked ([`TrackedEdges::take_stats`]), and how full it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Answers from the cache.
    pub hits: u64,
    /// Questions that went to Redis.
    pub misses: u64,
    /// Views that Redis said were changed.
    pub invalidations: u64,
    /// Times that all was dropped.
    pub flushes: u64,
    /// The oldest that Redis's word was when an answer was given on it.
    pub max_staleness: Duration,
    /// Views held now.
    pub entries: usize,
    /// Whether Redis vouches for them now.
    pub live: bool,
}

/// Permission to keep what is read from now on, void after the next invalidation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket(u64);

/// The cache. Clones are one.
#[derive(Clone)]
pub struct TrackedEdges(Arc<Mutex<State>>);

struct State {
    entries: Entries,
    limits: Limits,
    /// The last proof that the connection delivers; `None` while nobody vouches.
    confirmed: Option<Confirmed>,
    /// Counts whatever voids tickets.
    epoch: u64,
    stats: Stats,
}

/// Redis's word, and how long it is taken.
///
/// Moments are compared and not subtracted: that is done on every request.
#[derive(Debug, Clone, Copy)]
struct Confirmed {
    /// All that Redis did before has reached us.
    at: Instant,
    until: Instant,
    /// When an answer was last given on it.
    used: Instant,
}

impl Confirmed {
    fn new(at: Instant, max_lag: Duration) -> Self {
        Self { at, until: at.checked_add(max_lag).unwrap_or(at), used: at }
    }

    /// The oldest that it was when an answer was given on it.
    fn staleness(&self) -> Duration {
        self.used.saturating_duration_since(self.at)
    }
}

impl std::fmt::Debug for TrackedEdges {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.lock();
        f.debug_struct("TrackedEdges").field("limits", &state.limits).finish_non_exhaustive()
    }
}

impl TrackedEdges {
    /// An empty cache that nobody vouches for yet.
    pub fn new(limits: Limits) -> Self {
        Self(Arc::new(Mutex::new(State {
            entries: Entries::new(limits.entries),
            limits,
            confirmed: None,
            epoch: 0,
            stats: Stats::default(),
        })))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under this lock can panic half-way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The view under `key`, if it may be used at `now`.
    pub fn get(&self, key: &StoreKey, now: Instant) -> Option<AuthenticEdge> {
        let mut state = self.lock();
        let State { entries, confirmed, stats, .. } = &mut *state;
        let vouched = confirmed.as_mut().filter(|confirmed| now <= confirmed.until);
        let hit = vouched.and_then(|confirmed| Some((entries.get(key, now)?, confirmed)));
        // What its key vouched for is asked for anew, and refused.
        let hit = hit.filter(|(edge, _)| !edge.is_retired());
        let Some((edge, confirmed)) = hit else {
            stats.misses += 1;
            return None;
        };
        stats.hits += 1;
        confirmed.used = confirmed.used.max(now);
        Some(edge.clone())
    }

    /// To be taken before a read whose result shall be kept.
    pub fn ticket(&self) -> Ticket {
        Ticket(self.lock().epoch)
    }

    /// Keeps `edge`, read under `key` after `ticket` was taken and no earlier than `read_at`, unless
    /// something was invalidated since.
    pub fn keep(&self, ticket: Ticket, key: StoreKey, edge: AuthenticEdge, read_at: Instant) {
        let mut state = self.lock();
        if state.confirmed.is_some() && ticket == Ticket(state.epoch) {
            let max_age = state.limits.max_age;
            state.entries.insert(key, edge.detached(), read_at, max_age);
        }
    }

    /// Takes out what was counted since the last time.
    pub fn take_stats(&self) -> Stats {
        let mut state = self.lock();
        state.note_staleness();
        let counted = std::mem::take(&mut state.stats);
        Stats { entries: state.entries.len(), live: state.confirmed.is_some(), ..counted }
    }

    /// The connection tracks from now on.
    pub(crate) fn begin(&self, now: Instant) {
        let mut state = self.lock();
        state.drop_all();
        state.note_staleness();
        state.confirmed = Some(Confirmed::new(now, state.limits.max_lag));
    }

    /// Everything that Redis did before `asked` has reached us.
    pub(crate) fn confirm(&self, asked: Instant) {
        let mut state = self.lock();
        state.note_staleness();
        let max_lag = state.limits.max_lag;
        state.confirmed =
            state.confirmed.map(|confirmed| Confirmed::new(confirmed.at.max(asked), max_lag));
    }

    /// Redis says that `key` changed.
    pub(crate) fn invalidate(&self, key: &StoreKey) {
        let mut state = self.lock();
        state.epoch = state.epoch.wrapping_add(1);
        state.stats.invalidations += 1;
        state.entries.remove(key);
    }

    /// Something may have changed, and nobody knows what.
    pub(crate) fn flush(&self) {
        let mut state = self.lock();
        state.drop_all();
        state.stats.flushes += 1;
    }

    /// Nobody vouches any more.
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        state.note_staleness();
        if state.confirmed.take().is_some() {
            state.stats.flushes += 1;
        }
        state.drop_all();
    }
}

impl State {
    /// Before the word changes that answers were given on, or is asked for how old it was.
    fn note_staleness(&mut self) {
        if let Some(confirmed) = &mut self.confirmed {
            self.stats.max_staleness = self.stats.max_staleness.max(confirmed.staleness());
            confirmed.used = confirmed.at;
        }
    }

    fn drop_all(&mut self) {
        self.epoch = self.epoch.wrapping_add(1);
        self.entries.clear();
    }
}

#[cfg(test)]
mod tests;
