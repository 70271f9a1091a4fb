//! How soon a change that one service tells of counts in another.

use std::time::{Duration, Instant};

use validator_lib::permissions::User;

use crate::place::Place;

const CHANGES: usize = 2_000;

/// What is promised.
const LONGEST: Duration = Duration::from_secs(1);

/// The share `of_thousand` of all took no longer.
fn within(times: &[Duration], of_thousand: usize) -> Duration {
    times[(times.len() * of_thousand).div_ceil(1_000).saturating_sub(1)]
}

fn report(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let [p50, p99, max] = [500, 990, 1_000].map(|share| within(&times, share));
    eprintln!("{what}: {} changes, known after p50 {p50:?}, p99 {p99:?}, max {max:?}", times.len());
    assert!(p99 < LONGEST, "{p99:?}");
}

/// Counted from the moment that the change is written, so with the time that it takes to tell Redis.
#[tokio::test(flavor = "multi_thread")]
async fn t15_a_change_of_rights_is_known_to_another_service_within_a_second() {
    let place = Place::start().await;
    let (teller, hearer) = (place.service().await, place.service().await);
    let users: Vec<_> = (0..10).map(|number| User::new("i", number.to_string())).collect();
    let mut times = Vec::with_capacity(CHANGES);
    for round in 0..CHANGES {
        let (user, allowed) = (&users[round % users.len()], (round / users.len()) % 2 == 0);
        // It knows the user, and would go by that for a minute.
        assert_ne!(hearer.allows(user).await, Some(allowed));
        place.directory.allow(user, allowed);
        let changed = Instant::now();
        let hearing = async {
            while hearer.allows(user).await != Some(allowed) {
                tokio::task::yield_now().await;
            }
            changed.elapsed()
        };
        let (told, known) = tokio::join!(teller.cache.invalidate(user), hearing);
        told.expect("Redis is told");
        times.push(known);
    }
    report("one user each", times);
    assert_eq!(
        (teller.tier.flushes(), hearer.tier.flushes()),
        (1, 1),
        "nothing else was forgotten"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn t15_a_change_for_everybody_is_known_to_another_service_within_a_second() {
    let place = Place::start().await;
    let (teller, hearer) = (place.service().await, place.service().await);
    let users: Vec<_> = (0..50).map(|number| User::new("i", number.to_string())).collect();
    let mut times = Vec::new();
    for round in 0..50 {
        let allowed = round % 2 == 0;
        for user in &users {
            assert_ne!(hearer.allows(user).await, Some(allowed));
        }
        for user in &users {
            place.directory.allow(user, allowed);
        }
        let changed = Instant::now();
        let hearing = async {
            for user in &users {
                while hearer.allows(user).await != Some(allowed) {
                    tokio::task::yield_now().await;
                }
            }
            changed.elapsed()
        };
        let (told, known) = tokio::join!(teller.cache.invalidate_all(), hearing);
        told.expect("Redis is told");
        times.push(known);
    }
    report("fifty users each", times);
}
