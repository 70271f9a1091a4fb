//! Owns: counting while the store is away: each process by itself, from nothing, by the same mathematics.
//!
//! With `n` replicas a caller whom the edge spreads over all of them has up to `n` times the limit meanwhile.
//! That is the choice: a limit protects services, and refusing everybody would be the worse failure. What was
//! counted here is forgotten once the store is back, and the store's own count goes on where it stood.

use std::time::Instant;

use session::permits::{Grant, Quota, Tally};

use super::bounded::{Bounded, Passing};
use super::key::Name;

/// Most callers that are counted, at most 8 MiB. One more makes another start anew.
const CALLERS: usize = 16_384;

#[derive(Debug)]
struct Counted {
    tally: Tally,
    until: Instant,
}

impl Passing for Counted {
    fn is_over(&self, now: Instant) -> bool {
        now >= self.until
    }
}

#[derive(Debug)]
pub(super) struct StandIn {
    began: Instant,
    counted: Bounded<Counted>,
}

impl Default for StandIn {
    fn default() -> Self {
        Self { began: Instant::now(), counted: Bounded::new(CALLERS) }
    }
}

impl StandIn {
    /// Takes one permit.
    pub(super) fn take(&self, name: Name, quota: Quota, now: Instant) -> Grant {
        let (time, until) = (now.saturating_duration_since(self.began), now + quota.memory());
        self.counted.with(name, now, |known| {
            if let Some(counted) = known {
                counted.until = until;
                return (None, counted.tally.take(quota, time, 1));
            }
            let mut tally = Tally::default();
            let grant = tally.take(quota, time, 1);
            (Some(Counted { tally, until }), grant)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_caller_has_the_limit_and_it_comes_back() {
        let (stand_in, now) = (StandIn::default(), Instant::now());
        let quota = Quota::new(2, Duration::from_secs(60)).unwrap();
        let taken = |number, at| stand_in.take(Name::numbered(number), quota, at).permits;
        assert_eq!([taken(1, now), taken(1, now), taken(1, now), taken(2, now)], [1, 1, 0, 1]);
        assert_eq!(taken(1, now + quota.memory()), 1);
    }
}
