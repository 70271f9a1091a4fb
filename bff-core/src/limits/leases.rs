//! Owns: permits that this process took ahead, so that not every request of a busy caller asks the store.
//!
//! A batch is at most as large as twice what the caller used of the one before, at most a 64th of what the
//! limit leaves (`session::permits`), and at most [`MOST`]. It is used within a twentieth of the window or not
//! at all. What this does to a limit, exactly:
//!
//! - It is never exceeded: permits count from the moment they are given, and for a lease longer than a window.
//! - A caller may be refused early by what other replicas hold and will not use: each at most a 64th of what
//!   was left when it took them, and none where fewer than 128 permits are left. Limits below 128 are exact.
//!
//! A refusal is remembered for a few seconds, so that a flood of refused requests ends here.

use std::time::{Duration, Instant};

use session::permits::{Grant, Quota};

use super::bounded::{Bounded, Passing};
use super::key::Name;

/// Most permits of a batch.
const MOST: u32 = 64;
/// Longest memory of a refusal: a store that came back empty lets callers in after that.
const STUBBORN: Duration = Duration::from_secs(5);
/// Most callers that something is kept for, about 5 MiB. Whoever is forgotten asks the store again.
const CALLERS: usize = 65_536;

/// What is known here.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Local {
    /// There was a permit.
    Admitted,
    /// There is none anywhere for so long.
    Refused(Duration),
    /// The store must say; ask for so many.
    Ask(u32),
}

#[derive(Debug)]
enum Entry {
    Holds { left: u32, batch: u32, until: Instant },
    Refused { until: Instant, back_at: Instant },
}

impl Passing for Entry {
    fn is_over(&self, now: Instant) -> bool {
        let (Self::Holds { until, .. } | Self::Refused { until, .. }) = self;
        now >= *until
    }
}

#[derive(Debug)]
pub(super) struct Leases(Bounded<Entry>);

impl Default for Leases {
    fn default() -> Self {
        Self(Bounded::new(CALLERS))
    }
}

impl Leases {
    /// Takes one permit of those that are here.
    pub(super) fn take(&self, name: Name, now: Instant) -> Local {
        self.0.with(name, now, |entry| {
            let local = match entry {
                Some(Entry::Refused { until, back_at }) if now < *until => {
                    Local::Refused(back_at.saturating_duration_since(now))
                }
                None | Some(Entry::Refused { .. }) => Local::Ask(1),
                Some(Entry::Holds { left, until, .. }) if *left > 0 && now < *until => {
                    *left -= 1;
                    Local::Admitted
                }
                Some(Entry::Holds { batch, until, .. }) if now < *until => {
                    Local::Ask(batch.saturating_mul(2).min(MOST))
                }
                Some(Entry::Holds { left, batch, .. }) => Local::Ask((*batch - *left).max(1)),
            };
            (None, local)
        })
    }

    /// Keeps what the store gave to a question of the time `asked_at`, less the permit for who asked.
    pub(super) fn put(&self, name: Name, quota: Quota, asked_at: Instant, grant: &Grant) {
        self.0.with(name, asked_at, |entry| {
            if grant.permits == 0 {
                let until = asked_at + grant.back_in.min(STUBBORN);
                return (Some(Entry::Refused { until, back_at: asked_at + grant.back_in }), ());
            }
            let (mut left, mut batch) = (grant.permits - 1, grant.permits);
            let mut until = asked_at + quota.lease();
            // Of two who asked at once, neither loses what the other got.
            if let Some(Entry::Holds { left: other, batch: others, until: end }) = entry
                && *other > 0
                && asked_at < *end
            {
                (left, batch, until) = (left + *other, batch.max(*others), until.min(*end));
            }
            (Some(Entry::Holds { left, batch: batch.max(left + 1), until }), ())
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: fn() -> Name = || Name::numbered(1);

    fn quota() -> Quota {
        Quota::new(1_000, Duration::from_secs(60)).unwrap()
    }

    fn grant(permits: u32) -> Grant {
        Grant { permits, remaining: 0, back_in: Duration::from_secs(5) }
    }

    /// Takes all that are here.
    fn spend(leases: &Leases, now: Instant) -> (u32, Local) {
        let mut spent = 0;
        loop {
            match leases.take(NAME(), now) {
                Local::Admitted => spent += 1,
                other => return (spent, other),
            }
        }
    }

    #[test]
    fn a_busy_caller_gets_more_at_once_and_a_quiet_one_does_not() {
        let (leases, now) = (Leases::default(), Instant::now());
        assert_eq!(leases.take(NAME(), now), Local::Ask(1));
        for (permits, next) in [(1, 2), (2, 4), (4, 8), (64, 64)] {
            leases.put(NAME(), quota(), now, &grant(permits));
            assert_eq!(spend(&leases, now), (permits - 1, Local::Ask(next)));
        }
        leases.put(NAME(), quota(), now, &grant(64));
        for _ in 0..2 {
            assert_eq!(leases.take(NAME(), now), Local::Admitted);
        }
        let later = now + quota().lease();
        assert_eq!(leases.take(NAME(), later), Local::Ask(3), "the rest is not used late");
    }

    #[test]
    fn two_who_asked_at_once_both_leave_what_they_got() {
        let (leases, now) = (Leases::default(), Instant::now());
        leases.put(NAME(), quota(), now, &grant(4));
        leases.put(NAME(), quota(), now + Duration::from_millis(1), &grant(4));
        assert_eq!(spend(&leases, now).0, 6);
        leases.put(NAME(), quota(), now, &grant(4));
        leases.put(NAME(), quota(), now + Duration::from_millis(500), &grant(4));
        assert_eq!(spend(&leases, now + quota().lease()).0, 0, "the earlier end counts for both");
    }

    #[test]
    fn a_refusal_is_remembered_until_it_is_over() {
        let (leases, now) = (Leases::default(), Instant::now());
        leases.put(NAME(), quota(), now, &grant(0));
        assert_eq!(leases.take(NAME(), now), Local::Refused(Duration::from_secs(5)));
        assert_eq!(leases.take(NAME(), now + Duration::from_secs(5)), Local::Ask(1));

        let long = Grant { back_in: Duration::from_secs(3_600), ..grant(0) };
        leases.put(NAME(), quota(), now, &long);
        let (soon, later) = (now + Duration::from_secs(1), now + STUBBORN);
        assert_eq!(leases.take(NAME(), soon), Local::Refused(Duration::from_secs(3_599)));
        assert_eq!(leases.take(NAME(), later), Local::Ask(1), "it is looked at again");
    }
}
