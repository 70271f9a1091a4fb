//! Owns: something that checks tokens, and the CPU time that so many checks take.

use std::fmt;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use rustix::time::{ClockId, clock_gettime};

/// Checks one token after the other.
trait Check {
    /// Makes ready for `count` checks. Not measured.
    fn prepare(&mut self, count: usize) -> anyhow::Result<()>;
    /// Checks the next token; whether it was accepted.
    fn check(&mut self) -> bool;
}

/// Something that checks tokens.
pub struct Subject {
    /// Its name in the tables.
    pub name: String,
    /// What its ratio to the yardstick may be at most.
    pub limit: Option<f64>,
    check: Box<dyn Check>,
}

impl Subject {
    /// Checks `inputs` in turn, again and again. A real service does not see one token alone, and a
    /// single one would teach the branch predictor what it is.
    pub fn over<T: 'static>(
        name: impl Into<String>,
        inputs: Vec<T>,
        accepts: impl FnMut(&T) -> bool + 'static,
    ) -> Self {
        let check = InTurn { make: None, inputs, next: 0, accepts };
        Self { name: name.into(), limit: None, check: Box::new(check) }
    }

    /// Checks each input once; `make` makes so many new ones, which is not measured.
    pub fn once<T: 'static>(
        name: impl Into<String>,
        make: impl FnMut(usize) -> anyhow::Result<Vec<T>> + 'static,
        accepts: impl FnMut(&T) -> bool + 'static,
    ) -> Self {
        let make: Option<Make<T>> = Some(Box::new(make));
        let check = InTurn { make, inputs: Vec::new(), next: 0, accepts };
        Self { name: name.into(), limit: None, check: Box::new(check) }
    }

    /// Sets what its ratio to the yardstick may be at most.
    #[must_use]
    pub fn at_most(mut self, limit: f64) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Nanoseconds of CPU time of this thread for each of `count` checks, after `warm` others.
    ///
    /// # Errors
    /// If a token is refused.
    pub fn slot(&mut self, warm: u32, count: u32) -> anyhow::Result<f64> {
        self.prepare(warm.saturating_add(count))?;
        self.all(warm)?;
        let before = thread_time();
        self.all(count)?;
        let spent = thread_time() - before;
        Ok(spent / f64::from(count.max(1)))
    }

    /// Runs `count` checks, after `warm` others, in a way that callgrind can tell: see [`COUNTED`].
    ///
    /// # Errors
    /// If a token is refused.
    pub fn counted(&mut self, warm: u32, count: u32) -> anyhow::Result<()> {
        self.prepare(warm.saturating_add(count))?;
        self.all(warm)?;
        let refused = checks_that_count(&mut *self.check, count);
        anyhow::ensure!(refused == 0, "{} refused {refused} good tokens", self.name);
        Ok(())
    }

    fn prepare(&mut self, count: u32) -> anyhow::Result<()> {
        self.check.prepare(usize::try_from(count)?)
    }

    fn all(&mut self, count: u32) -> anyhow::Result<()> {
        let refused: u32 = (0..count).map(|_| u32::from(!self.check.check())).sum();
        anyhow::ensure!(refused == 0, "{} refused {refused} good tokens", self.name);
        Ok(())
    }
}

/// The one function whose instructions callgrind is to count.
pub const COUNTED: &str = "benches::validator::subject::checks_that_count";

#[inline(never)]
fn checks_that_count(check: &mut dyn Check, count: u32) -> u32 {
    (0..count).map(|_| u32::from(!check.check())).sum()
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("name", &self.name).finish_non_exhaustive()
    }
}

type Make<T> = Box<dyn FnMut(usize) -> anyhow::Result<Vec<T>>>;

struct InTurn<T, F> {
    make: Option<Make<T>>,
    inputs: Vec<T>,
    next: usize,
    accepts: F,
}

impl<T, F: FnMut(&T) -> bool> Check for InTurn<T, F> {
    fn prepare(&mut self, count: usize) -> anyhow::Result<()> {
        if let Some(make) = &mut self.make {
            self.inputs = make(count)?;
            self.next = 0;
        }
        Ok(())
    }

    fn check(&mut self) -> bool {
        let Some(input) = self.inputs.get(self.next) else { return false };
        self.next += 1;
        if self.make.is_none() && self.next == self.inputs.len() {
            self.next = 0;
        }
        (self.accepts)(black_box(input))
    }
}

/// What `future` gives without waiting: with keys that are there, no check waits.
pub fn ready<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// Nanoseconds of CPU time of this thread so far: while the machine runs somebody else, none pass.
#[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 nanoseconds")]
fn thread_time() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_token_is_an_error_and_not_a_fast_check() {
        let mut subject = Subject::over("odd", vec![1, 2, 3], |number| number % 2 == 1);
        assert!(subject.slot(0, 1).is_ok());
        assert!(subject.slot(0, 1).is_err());
    }

    #[test]
    fn an_input_that_counts_once_is_used_once() {
        let make = |count| Ok((0..count).collect());
        let mut subject = Subject::once("once", make, |_: &usize| true);
        subject.prepare(2).unwrap();
        assert!(subject.all(3).is_err());
    }

    #[test]
    fn a_future_that_waits_gives_nothing() {
        assert_eq!(ready(async { 7 }), Some(7));
        assert_eq!(ready(std::future::pending::<u8>()), None);
    }
}
