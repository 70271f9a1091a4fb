//! Owns: keeping a flood of requests from becoming a flood of log lines.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Lines of one kind that are written in one window, by whoever shares the value.
const LINES: u32 = 10;
const WINDOW: Duration = Duration::from_secs(1);

/// One kind of line. The first few of each second are written, the rest counted; the next one that is
/// written tells how many were not.
#[derive(Debug, Default)]
pub struct Sampled(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    began: Option<Instant>,
    written: u32,
    unwritten: u64,
}

impl Sampled {
    /// Writes a line by `write`, which is told how many were left out before, if it is its turn.
    pub fn line(&self, now: Instant, write: impl FnOnce(u64)) {
        if let Some(unwritten) = self.turn(now) {
            write(unwritten);
        }
    }

    fn turn(&self, now: Instant) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = state.began.is_none_or(|began| now.saturating_duration_since(began) >= WINDOW);
        if fresh {
            state.began = Some(now);
            state.written = 0;
        }
        if state.written >= LINES {
            state.unwritten = state.unwritten.saturating_add(1);
            return None;
        }
        state.written = state.written.saturating_add(1);
        Some(std::mem::take(&mut state.unwritten))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t17_a_flood_writes_few_lines_and_loses_no_count() {
        let (sampled, begin) = (Sampled::default(), Instant::now());
        let written = (0..1_000).filter(|_| sampled.turn(begin).is_some()).count();
        assert_eq!(written, 10);
        assert_eq!(sampled.turn(begin + WINDOW), Some(990));
        assert_eq!(sampled.turn(begin + WINDOW), Some(0));
    }
}
