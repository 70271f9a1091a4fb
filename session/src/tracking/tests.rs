use super::*;
use crate::edge::{EdgeKeys, EdgeView};
use crate::id::SessionId;
use crate::keys::KeyRing;
use proptest::prelude::*;
use std::collections::VecDeque;

const LIMITS: Limits =
    Limits { entries: 4, max_age: Duration::from_secs(5), max_lag: Duration::from_millis(500) };

fn key(number: u8) -> StoreKey {
    SessionId::from_random([number; 32]).store_key()
}

fn edge(number: u8) -> AuthenticEdge {
    let keys = EdgeKeys::new(&KeyRing::single("k1", [3; 32]));
    let view = EdgeView { token_version: u64::from(number), ..EdgeView::default() };
    keys.open(&key(number), keys.seal(&key(number), &view).unwrap()).unwrap()
}

fn live(now: Instant) -> TrackedEdges {
    let tracked = TrackedEdges::new(LIMITS);
    tracked.begin(now);
    tracked
}

fn keep(tracked: &TrackedEdges, number: u8, now: Instant) {
    tracked.keep(tracked.ticket(), key(number), edge(number), now);
}

fn holds(tracked: &TrackedEdges, number: u8, now: Instant) -> bool {
    tracked.get(&key(number), now).is_some_and(|found| {
        assert_eq!(found.token_version(), u64::from(number), "a view under another's key");
        true
    })
}

#[test]
fn t16_nothing_is_kept_while_nobody_vouches() {
    let now = Instant::now();
    let tracked = TrackedEdges::new(LIMITS);
    keep(&tracked, 1, now);
    tracked.begin(now);
    assert!(!holds(&tracked, 1, now), "kept before tracking began");
    keep(&tracked, 1, now);
    assert!(holds(&tracked, 1, now));
    tracked.end();
    assert!(!holds(&tracked, 1, now), "used after the connection was lost");
    tracked.begin(now);
    assert!(!holds(&tracked, 1, now), "changes made meanwhile were never told");
}

#[test]
fn t16_what_was_read_before_an_invalidation_is_not_kept_after_it() {
    let now = Instant::now();
    let tracked = live(now);
    let void: [fn(&TrackedEdges); 3] = [
        |tracked| tracked.invalidate(&key(1)),
        |tracked| tracked.flush(),
        |tracked| {
            tracked.end();
            tracked.begin(Instant::now());
        },
    ];
    for void in void {
        let ticket = tracked.ticket();
        void(&tracked);
        tracked.keep(ticket, key(1), edge(1), now);
        assert!(!holds(&tracked, 1, now));
    }
}

#[test]
fn t16_a_view_is_never_older_than_the_cap_and_the_connection_never_silent_for_long() {
    let now = Instant::now();
    let tracked = live(now);
    keep(&tracked, 1, now);
    assert!(holds(&tracked, 1, now + LIMITS.max_lag));
    assert!(!holds(&tracked, 1, now + LIMITS.max_lag + Duration::from_millis(1)), "silence");

    tracked.confirm(now + LIMITS.max_age);
    assert!(holds(&tracked, 1, now + LIMITS.max_age.saturating_sub(Duration::from_millis(1))));
    assert!(!holds(&tracked, 1, now + LIMITS.max_age), "age");
}

#[test]
fn it_says_how_it_did() {
    let now = Instant::now();
    let tracked = live(now);
    keep(&tracked, 1, now);
    assert!(holds(&tracked, 1, now + Duration::from_millis(30)));
    assert!(!holds(&tracked, 2, now));
    tracked.invalidate(&key(1));
    tracked.flush();
    let stats = Stats {
        hits: 1,
        misses: 1,
        invalidations: 1,
        flushes: 1,
        max_staleness: Duration::from_millis(30),
        entries: 0,
        live: true,
    };
    assert_eq!(tracked.take_stats(), stats);
    assert_eq!(tracked.take_stats(), Stats { live: true, ..Stats::default() });
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Read(u8),
    /// The answer to the oldest read arrives.
    Arrive,
    Invalidate(u8),
    Flush,
    Reconnect,
    Wait(u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..8_u8).prop_map(Step::Read),
        4 => Just(Step::Arrive),
        3 => (0..8_u8).prop_map(Step::Invalidate),
        1 => Just(Step::Flush),
        1 => Just(Step::Reconnect),
        2 => (0..3_000_u16).prop_map(Step::Wait),
    ]
}

proptest! {
    /// Against a model that knows what Redis said of each key since it was read: whatever the order of
    /// reads, answers and invalidations, no hit survives a change that was told (class T16).
    #[test]
    fn t16_no_order_of_events_leaves_a_stale_view(steps in proptest::collection::vec(step(), 0..120)) {
        let mut now = Instant::now();
        let tracked = live(now);
        let mut under_way: VecDeque<(u8, Ticket, Instant, u64)> = VecDeque::default();
        let mut changes = [0_u64; 8];
        let mut kept: [Option<(u64, Instant)>; 8] = [None; 8];
        for step in steps {
            match step {
                Step::Read(number) => {
                    under_way.push_back((number, tracked.ticket(), now, changes[usize::from(number)]));
                }
                Step::Arrive => if let Some((number, ticket, asked, version)) = under_way.pop_front() {
                    tracked.confirm(asked);
                    tracked.keep(ticket, key(number), edge(number), asked);
                    // The latest to arrive is what the cache may hold.
                    if tracked.get(&key(number), asked).is_some() {
                        kept[usize::from(number)] = Some((version, asked));
                    }
                }
                Step::Invalidate(number) => {
                    changes[usize::from(number)] += 1;
                    tracked.invalidate(&key(number));
                }
                Step::Flush => {
                    changes = changes.map(|change| change + 1);
                    tracked.flush();
                }
                Step::Reconnect => {
                    changes = changes.map(|change| change + 1);
                    under_way.clear();
                    tracked.end();
                    tracked.begin(now);
                }
                Step::Wait(milliseconds) => now += Duration::from_millis(u64::from(milliseconds)),
            }
            tracked.confirm(now);
            for number in 0..8_u8 {
                if holds(&tracked, number, now) {
                    let (version, read_at) = kept[usize::from(number)].unwrap();
                    prop_assert_eq!(version, changes[usize::from(number)], "changed since it was read");
                    prop_assert!(now.duration_since(read_at) < LIMITS.max_age);
                }
            }
            prop_assert!(tracked.take_stats().entries <= LIMITS.entries);
        }
    }
}

#[test]
fn t11_what_is_kept_goes_with_the_key_that_vouched_for_it() {
    let now = Instant::now();
    let tracked = live(now);
    let keys = EdgeKeys::new(&KeyRing::single("k1", [3; 32]));
    let sealed = keys.seal(&key(1), &EdgeView::default()).unwrap();
    let edge = keys.open(&key(1), sealed).unwrap();
    let ticket = tracked.ticket();
    tracked.keep(ticket, key(1), edge.clone(), now);
    assert!(tracked.get(&key(1), now).is_some());
    keys.exchange(&KeyRing::single("k2", [4; 32]));
    assert!(tracked.get(&key(1), now).is_none());
    // A look-up that was under way comes too late.
    tracked.keep(ticket, key(1), edge, now);
    assert!(tracked.get(&key(1), now).is_none());
}
