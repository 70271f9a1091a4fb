use proptest::prelude::*;

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

fn at(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn a_quota_has_a_limit_and_a_window() {
    assert_eq!(Quota::new(0, MINUTE), None);
    assert_eq!(Quota::new(1, at(999)), None);
    assert_eq!(Quota::new(1, Duration::from_secs(86_401)), None);
    let quota = Quota::new(10, MINUTE).unwrap();
    assert_eq!((quota.lease(), quota.memory()), (at(3_000), at(66_000)));
}

#[test]
fn the_limit_is_reached_and_comes_back() {
    let (mut tally, quota) = (Tally::default(), Quota::new(3, MINUTE).unwrap());
    for remaining in [2, 1, 0] {
        let grant = tally.take(quota, at(1_000), 1);
        assert_eq!(grant, Grant { permits: 1, remaining, back_in: at(65_000) });
    }
    let refused = Grant { permits: 0, remaining: 0, back_in: at(65_000) };
    assert_eq!(tally.take(quota, at(1_000), 1), refused);
    assert_eq!(tally.take(quota, at(65_999), 1), Grant { back_in: at(1), ..refused });
    assert_eq!(tally.take(quota, at(66_000), 1).permits, 1);
}

/// Whoever asks for many gets what leaves enough for others.
#[test]
fn the_last_permits_are_given_one_by_one() {
    let (mut tally, quota) = (Tally::default(), Quota::new(1_000, MINUTE).unwrap());
    assert_eq!(tally.take(quota, at(0), 1_000).permits, 15);
    assert_eq!(tally.take(quota, at(0), 4).permits, 4);
    let mut given = 19;
    while given < 1_000 {
        let grant = tally.take(quota, at(0), 64);
        assert!(
            grant.permits == 1 || grant.permits <= (1_000 - given) / 64,
            "{grant:?} at {given}"
        );
        given += grant.permits;
    }
    assert_eq!((given, tally.take(quota, at(0), 64).permits), (1_000, 0));
}

#[test]
fn a_clock_that_is_set_back_forgets_nothing_and_locks_nobody_out() {
    let (mut tally, quota) = (Tally::default(), Quota::new(2, MINUTE).unwrap());
    let hour = 3_600_000;
    assert_eq!(tally.take(quota, at(hour), 2).permits, 1);
    assert_eq!(tally.take(quota, at(0), 1).permits, 1);
    assert_eq!(tally.take(quota, at(0), 1).permits, 0);
    assert_eq!(tally.take(quota, at(66_000), 1).permits, 1);
}

/// A lower limit of a new configuration holds at once.
#[test]
fn a_lower_limit_counts_what_was_used_before() {
    let mut tally = Tally::default();
    for _ in 0..5 {
        tally.take(Quota::new(10, MINUTE).unwrap(), at(0), 1);
    }
    assert_eq!(tally.take(Quota::new(5, MINUTE).unwrap(), at(0), 1).permits, 0);
}

proptest! {
    /// The promise, for permits that are used as late as they may be: at no time more than the limit within
    /// one window.
    #[test]
    fn no_window_ever_holds_more_than_the_limit(
        limit in 1_u32..300,
        window in 1_000_u64..90_000,
        asks in prop::collection::vec((0_u64..4_000, 1_u32..80, 0.0_f64..=1.0), 1..300),
    ) {
        let quota = Quota::new(limit, at(window)).unwrap();
        let (mut tally, mut now, mut used) = (Tally::default(), 0, Vec::new());
        for (pause, want, late) in asks {
            now += pause;
            let grant = tally.take(quota, at(now), want);
            prop_assert!(grant.permits <= want && grant.remaining <= limit);
            let late = quota.lease().mul_f64(late).as_millis();
            let use_at = now + u64::try_from(late).unwrap();
            used.extend((0..grant.permits).map(|_| use_at));
        }
        used.sort_unstable();
        let most = usize::try_from(limit).unwrap();
        for (first, begin) in used.iter().enumerate() {
            let within = used[first..].iter().take_while(|at| **at <= begin + window).count();
            prop_assert!(within <= most, "{within} of {most} in the window at {begin}");
        }
        prop_assert!(tally.slots.len() <= 22, "at most a number a slot");
    }

    /// Nobody is refused for longer than said.
    #[test]
    fn who_waits_as_long_as_told_is_let_in(
        limit in 1_u32..50,
        window in 1_000_u64..90_000,
        pauses in prop::collection::vec(0_u64..3_000, 1..200),
    ) {
        let quota = Quota::new(limit, at(window)).unwrap();
        let (mut tally, mut now) = (Tally::default(), 0);
        for pause in pauses {
            now += pause;
            let grant = tally.take(quota, at(now), 1);
            if grant.permits == 0 {
                prop_assert!(grant.back_in <= quota.memory());
                now += u64::try_from(grant.back_in.as_millis()).unwrap();
                prop_assert_eq!(tally.take(quota, at(now), 1).permits, 1);
            }
        }
    }
}
