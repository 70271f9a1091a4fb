//! A list whose Redis is cut off, stands still, starts again or forgets. What is denied stays denied, and for
//! the rest the list never vouches for longer than it may.

use std::time::{Duration, Instant};

use e2e::wait;
use validator_lib::revocation::Verdict::{Clear, Denied, Unknown};
use validator_lib::revocation::redis::{DEFAULT_MAX_STALENESS, Failure, RedisDenylist};

use crate::writer::{BACK, INDEX, PASSWORD, Place, SERVICE, asked, following, token, until};

/// What a loaded machine may add to a limit.
const SLACK: Duration = Duration::from_millis(250);

/// Asks without a pause for as long as `while_so` says, and how long after the beginning the list last
/// vouched for anybody. The denied token stays denied.
async fn last_clear(list: &RedisDenylist, mut while_so: impl FnMut(Duration) -> bool) -> Duration {
    let began = Instant::now();
    let mut vouched = Duration::ZERO;
    while while_so(began.elapsed()) {
        let at = began.elapsed();
        match asked(list, "other") {
            Clear => vouched = at,
            Unknown => {}
            Denied => panic!("nobody denied it"),
        }
        assert_eq!(asked(list, "denied"), Denied, "after {at:?}");
        tokio::task::yield_now().await;
    }
    vouched
}

async fn denying(place: &Place) -> RedisDenylist {
    place.deny("denied").await;
    let list = place.following().await;
    assert_eq!((asked(&list, "denied"), asked(&list, "other")), (Denied, Clear));
    list
}

/// Redis carries out the commands of one write before it reads from anybody else: the connection is gone
/// before the message, and is not back before it.
#[tokio::test(flavor = "multi_thread")]
async fn t15_what_is_denied_while_the_connection_is_lost_is_known_once_it_is_back() {
    let place = Place::start().await;
    let list = denying(&place).await;
    for round in 0..20 {
        let jti = format!("missed {round}");
        let entry = token(&jti);
        let answers = place
            .redis
            .ask_all(&[
                vec![b"CLIENT", b"KILL", b"USER", SERVICE.as_bytes()],
                vec![b"ZADD", INDEX, b"9999999999", entry.as_bytes()],
                vec![b"PUBLISH", INDEX, entry.as_bytes()],
            ])
            .await;
        assert_eq!(answers[2].clone().flatten(), [b"0"], "nobody hears it");
        until(&list, &jti, Denied).await;
        until(&list, "other", Clear).await;
        assert_eq!(list.last_failure(), Some(Failure::Lost));
    }
    assert_eq!(place.connections().await, 1);
    assert_eq!(list.skipped(), 0);
}

/// A connection that is made again at once costs no request.
#[tokio::test(flavor = "multi_thread")]
async fn a_short_interruption_is_not_noticed() {
    let place = Place::start().await;
    let list = following(place.list().max_staleness(BACK)).await;
    place.redis.ask(&[b"CLIENT", b"KILL", b"USER", SERVICE.as_bytes()]).await;
    wait::until("the list is read again", BACK, async || {
        assert_eq!(asked(&list, "other"), Clear);
        (list.loads() == 2).then_some(())
    })
    .await;
    assert_eq!((list.last_failure(), list.is_synced()), (Some(Failure::Lost), true));
}

#[tokio::test(flavor = "multi_thread")]
async fn t19_a_frozen_redis_vouches_for_nobody_longer_than_it_may() {
    let place = Place::start().await;
    for max_staleness in [Duration::from_millis(600), DEFAULT_MAX_STALENESS] {
        place.deny("denied").await;
        let list = following(place.list().max_staleness(max_staleness)).await;
        place.redis.freeze();
        let vouched = last_clear(&list, |since| since < max_staleness * 2).await;
        assert!(vouched <= max_staleness, "{vouched:?}");
        assert!(!list.is_synced() && list.staleness() > Some(max_staleness));
        place.redis.thaw();
        until(&list, "other", Clear).await;
        assert_eq!((list.loads(), list.last_failure()), (1, None), "the same connection");
    }
}

/// Longer than it waits for any answer, so that connections are given up and made again meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn t19_a_redis_that_was_frozen_for_long_is_followed_again_by_itself() {
    let place = Place::start().await;
    let list = denying(&place).await;
    place.redis.freeze();
    let vouched = last_clear(&list, |since| {
        assert!(since < wait::START, "{:?}", list.last_failure());
        list.last_failure() != Some(Failure::TimedOut) || since < Duration::from_secs(6)
    });
    let vouched = vouched.await;
    assert!(vouched <= DEFAULT_MAX_STALENESS, "{vouched:?}");
    place.redis.thaw();
    let thawed = Instant::now();
    until(&list, "other", Clear).await;
    eprintln!("in sync {:?} after the thaw", thawed.elapsed());
    place.deny_when_back("later").await;
    until(&list, "later", Denied).await;
    wait::until("what was given up is closed", BACK, async || {
        (place.connections().await == 1).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t19_a_redis_that_starts_again_is_followed_again_with_what_it_kept() {
    let mut place = Place::start().await;
    let list = denying(&place).await;
    // The append-only file is flushed every second.
    let flushed = Instant::now();
    last_clear(&list, |_| flushed.elapsed() < Duration::from_millis(1_500)).await;
    place.redis.kill();
    let vouched = last_clear(&list, |since| since < DEFAULT_MAX_STALENESS * 2).await;
    assert!(vouched <= DEFAULT_MAX_STALENESS, "{vouched:?}");
    assert_eq!(list.last_failure(), Some(Failure::Connect));
    place.redis.restart().await;
    until(&list, "other", Clear).await;
    let newcomer = place.following().await;
    assert_eq!(asked(&newcomer, "denied"), Denied);
}

/// Redis loses everything; a service that knew does not.
#[tokio::test(flavor = "multi_thread")]
async fn t15_a_redis_that_forgets_lets_nobody_back_in() {
    let mut place = Place::start().await;
    let list = denying(&place).await;
    place.redis.ask(&[b"FLUSHALL"]).await;
    let flushed = Instant::now();
    wait::until("a proof comes after", BACK, async || {
        let since = flushed.elapsed();
        list.staleness().filter(|staleness| *staleness < since).map(drop)
    })
    .await;
    assert_eq!((asked(&list, "denied"), asked(&list, "other"), list.loads()), (Denied, Clear, 1));
    place.deny("later").await;
    until(&list, "later", Denied).await;

    place.redis.kill();
    place.redis.restart_empty().await;
    wait::until("the empty list was read", BACK, async || (list.loads() > 1).then_some(())).await;
    until(&list, "other", Clear).await;
    for jti in ["denied", "later"] {
        assert_eq!(asked(&list, jti), Denied, "{jti}");
    }
}

/// A replica hears late and cannot say how late; one that was the primary a moment ago as well.
#[tokio::test(flavor = "multi_thread")]
async fn t19_a_replica_vouches_for_nobody() {
    let place = Place::start().await;
    let list = denying(&place).await;
    place.redis.ask(&[b"REPLICAOF", b"127.0.0.1", b"1"]).await;
    let vouched = last_clear(&list, |since| since < DEFAULT_MAX_STALENESS * 2).await;
    assert!(vouched <= DEFAULT_MAX_STALENESS + SLACK, "{vouched:?}");
    wait::until("it says why", BACK, async || {
        (list.last_failure() == Some(Failure::Replica)).then_some(())
    })
    .await;
    place.redis.ask(&[b"REPLICAOF", b"NO", b"ONE"]).await;
    until(&list, "other", Clear).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_may_start_before_its_redis() {
    let mut place = Place::start().await;
    place.deny("denied").await;
    place.redis.kill();
    let list = place.list().start().expect("the options are usable");
    assert_eq!((asked(&list, "denied"), asked(&list, "other")), (Unknown, Unknown));
    let failure = wait::until("it fails", BACK, async || list.last_failure()).await;
    assert_eq!(failure, Failure::Connect);
    assert!(!format!("{list:?} {failure} {failure:?}").contains(PASSWORD));
    let synced = tokio::spawn({
        let list = list.clone();
        async move { list.synced().await }
    });
    place.redis.restart().await;
    tokio::time::timeout(BACK, synced).await.expect("in time").expect("no panic");
    assert_eq!(asked(&list, "other"), Clear);
}
