//! Owns: when a call is made again: for which failures, how often, and after which pause.

use std::time::Duration;

use shell::random::Random;
use tower::retry::budget::{Budget as _, TpsBudget};

use super::Failure;

/// The longest pause before the second attempt; doubled with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// What is tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::proxy) struct Retries {
    /// The first one included.
    pub(in crate::proxy) attempts: u32,
    pub(in crate::proxy) on: Vec<Failure>,
}

impl Default for Retries {
    /// Where nothing was sent, once more.
    fn default() -> Self {
        Self { attempts: 2, on: vec![Failure::Connect] }
    }
}

impl Retries {
    pub(super) fn are_for(&self, failure: Failure) -> bool {
        self.on.contains(&failure)
    }
}

/// Anything up to the longest pause, so that those who failed together do not come back together.
pub(super) fn pause(random: &dyn Random, attempt: u32) -> Duration {
    let longest = FIRST_PAUSE
        .saturating_mul(1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX))
        .min(LONGEST_PAUSE);
    let part = u32::from(u16::from_be_bytes(random.bytes()));
    longest.saturating_mul(part) / u32::from(u16::MAX)
}

/// What retries may add to a service's load: a fifth of its requests, and ten a second where there are few.
pub(super) struct Budget(TpsBudget);

impl Default for Budget {
    fn default() -> Self {
        Self(TpsBudget::new(Duration::from_secs(10), 10, 0.2))
    }
}

impl std::fmt::Debug for Budget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Budget").finish_non_exhaustive()
    }
}

impl Budget {
    /// A request is made.
    pub(super) fn deposit(&self) {
        self.0.deposit();
    }

    /// Whether it may be made again.
    pub(super) fn withdraw(&self) -> bool {
        self.0.withdraw()
    }
}

#[cfg(test)]
mod tests {
    use shell::random::{CountingRandom, SystemRandom};

    use super::*;

    #[test]
    fn pauses_are_scattered_and_grow_to_a_limit() {
        let random = SystemRandom;
        let most = |attempt| (0..200).map(|_| pause(&random, attempt)).max().unwrap();
        assert!(most(1) <= FIRST_PAUSE && most(1) > FIRST_PAUSE / 2);
        assert!(most(2) <= 2 * FIRST_PAUSE && most(2) > FIRST_PAUSE);
        for attempt in [10, 40, u32::MAX] {
            assert!(most(attempt) <= LONGEST_PAUSE);
        }
        assert_eq!(pause(&CountingRandom::default(), 1), Duration::ZERO);
    }

    #[test]
    fn t12_retries_cannot_multiply_the_load_of_a_service_that_is_down() {
        let budget = Budget::default();
        let (mut granted, requests) = (0, 10_000);
        for _ in 0..requests {
            budget.deposit();
            granted += usize::from(budget.withdraw());
        }
        assert!((1_000..=2_200).contains(&granted), "{granted}");
    }
}
