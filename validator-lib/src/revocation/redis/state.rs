//! Owns: what a list knows of itself: its entries, when they were last known to be complete, and what went
//! wrong.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::entry::Entry;
use crate::redis::failure::Failure;
use crate::revocation::{Denylist as _, LocalDenylist, TokenName, Verdict};

pub(super) type Clock = Box<dyn Fn() -> u64 + Send + Sync>;

pub(super) struct State {
    list: LocalDenylist,
    max_staleness: Duration,
    clock: Clock,
    began: Instant,
    /// Nanoseconds from `began` to the last proof, and one more; zero without one.
    proven: AtomicU64,
    synced: watch::Sender<bool>,
    skipped: AtomicU64,
    loads: AtomicU64,
    failure: Mutex<Option<Failure>>,
}

impl State {
    pub(super) fn new(capacity: usize, max_staleness: Duration, clock: Clock) -> Self {
        Self {
            list: LocalDenylist::new(capacity),
            max_staleness,
            clock,
            began: Instant::now(),
            proven: AtomicU64::new(0),
            synced: watch::Sender::new(false),
            skipped: AtomicU64::new(0),
            loads: AtomicU64::new(0),
            failure: Mutex::new(None),
        }
    }

    /// Enters what Redis has or says. `ends` is its score, where that is known. Whether it is an entry about
    /// a user.
    pub(super) fn enter(&self, json: Option<&[u8]>, ends: Option<u64>) -> bool {
        let Some(entry) = json.and_then(Entry::read) else {
            self.skipped.fetch_add(1, Ordering::Relaxed);
            return false;
        };
        entry.enter(&self.list, ends, (self.clock)());
        entry.is_user()
    }

    /// The list held, at `at`, everything that Redis had.
    pub(super) fn prove(&self, at: Instant) {
        let since = at.saturating_duration_since(self.began).as_nanos();
        let since = u64::try_from(since).unwrap_or(u64::MAX).saturating_add(1);
        // Whoever sees the proof sees what was entered before.
        self.proven.fetch_max(since, Ordering::AcqRel);
        self.synced.send_if_modified(|synced| !std::mem::replace(synced, true));
    }

    pub(super) fn loaded(&self) {
        self.loads.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn fail(&self, failure: Failure) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
    }

    pub(super) fn staleness(&self) -> Option<Duration> {
        let since = self.proven.load(Ordering::Acquire).checked_sub(1)?;
        Some(self.began.elapsed().saturating_sub(Duration::from_nanos(since)))
    }

    pub(super) fn is_fresh(&self) -> bool {
        self.staleness().is_some_and(|staleness| staleness <= self.max_staleness)
    }

    pub(super) fn verdict(&self, token: &TokenName<'_>, now: u64) -> Verdict {
        // The proof before the list: one that comes in between vouches for more than was looked at.
        let fresh = self.is_fresh();
        match self.list.verdict(token, now) {
            Verdict::Clear if !fresh => Verdict::Unknown,
            verdict => verdict,
        }
    }

    pub(super) async fn synced(&self) {
        // The sender is a field of `self`, so it cannot be gone.
        drop(self.synced.subscribe().wait_for(|synced| *synced).await);
    }

    pub(super) const fn list(&self) -> &LocalDenylist {
        &self.list
    }

    pub(super) fn skipped(&self) -> u64 {
        self.skipped.load(Ordering::Relaxed)
    }

    pub(super) fn loads(&self) -> u64 {
        self.loads.load(Ordering::Relaxed)
    }

    pub(super) fn failure(&self) -> Option<Failure> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::State;
    use crate::revocation::{TokenName, Verdict};
    use crate::testkit::NOW;

    const ALICE: TokenName<'_> =
        TokenName { issuer: "i", id: Some("t"), subject: "alice", issued_at: Some(NOW) };
    const AGES: Duration = Duration::from_secs(3_600);

    fn state(max_staleness: Duration) -> State {
        State::new(10, max_staleness, Box::new(|| NOW))
    }

    fn deny(state: &State) {
        let json = format!(r#"{{"iss":"i","jti":"t","exp":{}}}"#, NOW + 60);
        state.enter(Some(json.as_bytes()), None);
    }

    #[test]
    fn t19_a_list_that_never_was_complete_vouches_for_nobody() {
        let state = state(AGES);
        assert_eq!((state.staleness(), state.is_fresh()), (None, false));
        assert_eq!(state.verdict(&ALICE, NOW), Verdict::Unknown);
        deny(&state);
        assert_eq!(state.verdict(&ALICE, NOW), Verdict::Denied);
    }

    #[test]
    fn t19_a_stale_list_denies_and_vouches_for_nobody() {
        let state = state(Duration::ZERO);
        state.prove(Instant::now());
        while state.is_fresh() {
            std::hint::spin_loop();
        }
        assert_eq!(state.verdict(&ALICE, NOW), Verdict::Unknown);
        deny(&state);
        assert_eq!(state.verdict(&ALICE, NOW), Verdict::Denied);
    }

    #[test]
    fn an_older_proof_takes_no_newer_one_back() {
        let state = state(AGES);
        let asked = Instant::now();
        state.prove(asked + Duration::from_secs(5));
        state.prove(asked);
        assert!(state.staleness().is_some_and(|staleness| staleness < Duration::from_secs(5)));
        assert_eq!(state.verdict(&ALICE, NOW), Verdict::Clear);
    }

    #[test]
    fn t17_what_cannot_be_read_is_counted_and_nothing_else() {
        let state = state(AGES);
        assert!(!state.enter(Some(b"{"), None));
        assert!(!state.enter(None, None));
        assert_eq!((state.skipped(), state.list().len()), (2, 0));
    }

    #[tokio::test]
    async fn whoever_waits_is_woken_by_the_first_proof() {
        let state = state(AGES);
        let waited = async {
            tokio::join!(state.synced(), state.synced(), async { state.prove(Instant::now()) });
        };
        tokio::time::timeout(Duration::from_secs(5), waited).await.unwrap();
        state.synced().await;
    }
}
