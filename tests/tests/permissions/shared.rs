//! What services share in Redis.

use std::time::Duration;

use e2e::resp::Value;
use e2e::wait;
use validator_lib::permissions::User;
use validator_lib::permissions::redis::{DEFAULT_LIFE, DEFAULT_UNKNOWN_LIFE};

use crate::place::{BACK, CHANNEL, Place, alice};

async fn life(place: &Place, key: &str) -> Duration {
    match place.redis.ask(&[b"PTTL", key.as_bytes()]).await {
        Value::Integer(left) => Duration::from_millis(u64::try_from(left).expect("it ends")),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_service_was_told_another_need_not_ask_for() {
    let place = Place::start().await;
    place.directory.allow(&alice(), true);
    let first = place.service().await;
    assert_eq!(first.allows(&alice()).await, Some(true));
    let kept = place.until_kept(1).await;
    let left = life(&place, &kept[0]).await;
    assert!(left <= DEFAULT_LIFE && left > DEFAULT_LIFE / 2, "{left:?}");

    let second = place.service().await;
    assert_eq!(second.allows(&alice()).await, Some(true));
    assert_eq!(place.directory.asked(), 1);
    // Whoever reads Redis learns of no user by name.
    for entry in place.redis.dump().await {
        let all = entry.values.concat();
        for text in [&entry.key, &all] {
            assert!(!String::from_utf8_lossy(text).contains("alice"), "{entry:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t15_who_is_unknown_is_unknown_to_all_for_seconds_and_known_once_it_is_told() {
    let place = Place::start().await;
    let services = [place.service().await, place.service().await];
    assert_eq!(services[0].allows(&alice()).await, Some(false));
    let kept = place.until_kept(1).await;
    assert_eq!(services[1].allows(&alice()).await, Some(false));
    assert_eq!(place.directory.asked(), 1);
    assert!(life(&place, &kept[0]).await <= DEFAULT_UNKNOWN_LIFE);

    place.directory.allow(&alice(), true);
    services[1].tier.invalidate(&alice()).await.expect("Redis is told");
    for service in &services {
        wait::until("the user is known", BACK, async || {
            (service.allows(&alice()).await == Some(true)).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t13_users_of_one_name_share_nothing_in_redis() {
    let place = Place::start().await;
    let service = place.service().await;
    place.directory.allow(&alice(), true);
    let others = [
        User::new("https://idp.example", "alice"),
        User::new("https://idp.example", "alice").tenant("red"),
        User::new("https://idp.example", "ealice").tenant("blu"),
        User::new("https://other.example", "alice").tenant("blue"),
    ];
    assert_eq!(service.allows(&alice()).await, Some(true));
    for other in &others {
        assert_eq!(service.allows(other).await, Some(false), "{other:?}");
    }
    place.until_kept(1 + others.len()).await;
}

/// A message of a later version, or of somebody else, may be about anybody.
#[tokio::test(flavor = "multi_thread")]
async fn t17_a_message_that_cannot_be_read_has_everything_forgotten() {
    let place = Place::start().await;
    let service = place.service().await;
    let long = vec![b'A'; 100_000];
    for (number, message) in [&b""[..], b"alice", b"\xff\x00", &long].iter().enumerate() {
        place.redis.ask(&[b"PUBLISH", CHANNEL, message]).await;
        wait::until("everything is forgotten", BACK, async || {
            (service.tier.flushes() == u64::try_from(number).ok()? + 2).then_some(())
        })
        .await;
    }
    assert!(service.tier.is_listening());
}

#[tokio::test(flavor = "multi_thread")]
async fn t17_what_stands_in_redis_and_is_no_set_of_rights_is_not_believed() {
    let place = Place::start().await;
    place.directory.allow(&alice(), false);
    assert_eq!(place.service().await.allows(&alice()).await, Some(false));
    let kept = place.until_kept(1).await;
    for odd in [&b""[..], b"{", b"[\"orders:refund\"]", b"{\"permissions\":\"orders:refund\"}"] {
        place.redis.ask(&[b"HSET", kept[0].as_bytes(), b"rights", odd]).await;
        let before = place.directory.asked();
        assert_eq!(place.service().await.allows(&alice()).await, Some(false));
        assert_eq!(place.directory.asked(), before + 1);
    }
}
