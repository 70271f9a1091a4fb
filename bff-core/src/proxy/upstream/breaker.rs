//! Owns: leaving a service alone that does not answer. Time is an argument.
//!
//! Closed, until so many calls in a row have failed within a while; then open, and nothing is sent; then
//! one call may see whether the service is back, while the others are still turned away. An answer of
//! whatever status is a sign of life.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// When it opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::proxy) struct Settings {
    /// In a row; zero for never.
    pub(in crate::proxy) failures: u32,
    pub(in crate::proxy) window: Duration,
    pub(in crate::proxy) open: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { failures: 5, window: Duration::from_secs(10), open: Duration::from_secs(1) }
    }
}

/// The breaker of one service.
#[derive(Debug)]
pub(super) struct Breaker {
    settings: Settings,
    state: Mutex<State>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed {
        failures: u32,
        since: Option<Instant>,
    },
    Open {
        until: Instant,
    },
    /// One call looks whether the service is back.
    Trying,
}

const CLOSED: State = State::Closed { failures: 0, since: None };

impl Breaker {
    pub(super) fn new(settings: Settings) -> Self {
        Self { settings, state: Mutex::new(CLOSED) }
    }

    /// Lets a call through.
    ///
    /// # Errors
    /// How long it is to wait instead.
    pub(super) fn enter(&self, now: Instant) -> Result<Pass<'_>, Duration> {
        let mut state = self.lock();
        let is_trial = match *state {
            State::Closed { .. } => false,
            State::Open { until } if until <= now => {
                *state = State::Trying;
                true
            }
            State::Open { until } => return Err(until.saturating_duration_since(now)),
            State::Trying => return Err(Duration::from_secs(1)),
        };
        Ok(Pass { breaker: self, is_trial, now, is_judged: false })
    }

    /// Whether calls are turned away.
    fn is_open(&self) -> bool {
        !matches!(*self.lock(), State::Closed { .. })
    }

    fn fail(&self, now: Instant, is_trial: bool) {
        let Settings { failures: most, window, open } = self.settings;
        if most == 0 {
            return;
        }
        let mut state = self.lock();
        match *state {
            State::Trying if is_trial => *state = State::Open { until: now + open },
            State::Closed { failures, since } => {
                let within =
                    since.is_some_and(|since| now.saturating_duration_since(since) < window);
                let (failures, since) = if within { (failures, since) } else { (0, Some(now)) };
                let failures = failures.saturating_add(1);
                *state = if failures >= most {
                    State::Open { until: now + open }
                } else {
                    State::Closed { failures, since }
                };
            }
            // What was sent before it opened says nothing new.
            State::Trying | State::Open { .. } => {}
        }
    }

    fn succeed(&self, is_trial: bool) {
        let mut state = self.lock();
        if is_trial || matches!(*state, State::Closed { .. }) {
            *state = CLOSED;
        }
    }

    /// The call ended without telling anything of the service.
    fn abandon(&self, now: Instant, is_trial: bool) {
        let mut state = self.lock();
        if is_trial && *state == State::Trying {
            *state = State::Open { until: now };
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that was let through. Dropped without a word, it says nothing of the service.
pub(super) struct Pass<'a> {
    breaker: &'a Breaker,
    is_trial: bool,
    now: Instant,
    is_judged: bool,
}

impl Pass<'_> {
    /// The service answered. Whether that closed the breaker.
    pub(super) fn succeed(mut self) -> bool {
        self.is_judged = true;
        self.breaker.succeed(self.is_trial);
        self.is_trial
    }

    /// It did not. Whether the breaker is open now.
    pub(super) fn fail(mut self, now: Instant) -> bool {
        self.is_judged = true;
        self.breaker.fail(now, self.is_trial);
        self.breaker.is_open()
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if !self.is_judged {
            self.breaker.abandon(self.now, self.is_trial);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: Duration = Duration::from_secs(1);

    fn breaker() -> (Breaker, Instant) {
        (Breaker::new(Settings { failures: 3, ..Settings::default() }), Instant::now())
    }

    fn fail(breaker: &Breaker, now: Instant, times: u32) {
        for _ in 0..times {
            breaker.enter(now).ok().unwrap().fail(now);
        }
    }

    fn is_refused(breaker: &Breaker, now: Instant) -> Option<Duration> {
        breaker.enter(now).err()
    }

    #[tokio::test]
    async fn it_opens_after_failures_in_a_row_and_lets_one_see_whether_it_is_over() {
        let (breaker, now) = breaker();
        fail(&breaker, now, 3);
        assert!(breaker.is_open());
        assert_eq!(is_refused(&breaker, now), Some(OPEN));
        let later = now + OPEN;
        let trial = breaker.enter(later).ok().unwrap();
        assert!(is_refused(&breaker, later).is_some(), "one is enough");
        trial.fail(later);
        assert_eq!(is_refused(&breaker, later), Some(OPEN));
        breaker.enter(later + OPEN).ok().unwrap().succeed();
        assert!(!breaker.is_open());
        fail(&breaker, later + OPEN, 2);
        assert!(!breaker.is_open(), "the count begins anew");
    }

    #[tokio::test]
    async fn a_success_or_the_time_between_them_forgives_failures() {
        let (breaker, now) = breaker();
        for _ in 0..10 {
            fail(&breaker, now, 2);
            breaker.enter(now).ok().unwrap().succeed();
        }
        for step in 0..10 {
            fail(&breaker, now + Duration::from_secs(11) * step, 2);
        }
        assert!(!breaker.is_open());
    }

    #[tokio::test]
    async fn calls_that_say_nothing_change_nothing_and_leave_the_trial_to_another() {
        let (breaker, now) = breaker();
        let old = breaker.enter(now).ok().unwrap();
        fail(&breaker, now, 3);
        // Sent before it opened.
        old.succeed();
        assert!(breaker.is_open());
        let later = now + OPEN;
        drop(breaker.enter(later).ok().unwrap());
        assert!(breaker.enter(later).is_ok(), "the browser of the first trial went away");
        let off = Breaker::new(Settings { failures: 0, ..Settings::default() });
        fail(&off, now, 1000);
        assert!(!off.is_open());
    }
}
