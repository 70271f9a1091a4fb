//! The index of denied tokens, which the BFF's store writes and services read.

use std::time::Duration;

use e2e::redis::Redis;
use e2e::scratch::Scratch;
use e2e::tls::Ca;
use session::shelf::Shelf as _;
use session::store::StoreError;

use crate::writer::{INDEX, store};

/// What stands in the index of denied tokens, with its scores.
async fn denied(redis: &Redis) -> Vec<(String, f64)> {
    let all = redis.ask(&[b"ZRANGE", INDEX, b"0", b"-1", b"WITHSCORES"]).await.flatten();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let score = |bytes: &[u8]| text(bytes).parse().expect("a score");
    all.chunks(2).map(|pair| (text(&pair[0]), score(&pair[1]))).collect()
}

async fn number(redis: &Redis, words: &[&[u8]]) -> f64 {
    let answer = redis.ask(words).await.flatten().swap_remove(0);
    String::from_utf8_lossy(&answer).parse().expect("a number")
}

/// A service that starts, or lost its connection, reads one key and not all of them.
#[tokio::test]
async fn t15_every_denied_token_stands_in_one_index_that_ends_by_itself() {
    let scratch = Scratch::new();
    let ca = Ca::new(scratch.path().to_owned());
    let redis = Redis::start(&scratch, &ca).await;
    let store = store(&redis).await;
    let minutes = |minutes| Duration::from_mins(minutes);
    let began = number(&redis, &[b"TIME"]).await;
    assert_eq!(store.deny("a", r#"{"jti":"a"}"#.into(), minutes(5)).await, Ok(()));
    assert_eq!(store.deny("user:b", r#"{"user_id":"b"}"#.into(), minutes(60)).await, Ok(()));
    // A shorter word does not take a longer one back, neither of the entry nor of the whole.
    assert_eq!(store.deny("a", r#"{"jti":"a"}"#.into(), minutes(1)).await, Ok(()));
    let over = number(&redis, &[b"TIME"]).await + 1.0;

    let all = denied(&redis).await;
    let values: Vec<_> = all.iter().map(|(value, _)| value.as_str()).collect();
    assert_eq!(values, [r#"{"jti":"a"}"#, r#"{"user_id":"b"}"#]);
    for ((_, score), seconds) in all.iter().zip([300.0, 3_600.0]) {
        assert!((began + seconds..=over + seconds).contains(score), "{score} after {began}");
    }
    let ttl = number(&redis, &[b"TTL", INDEX]).await;
    assert!(
        (4_100.0..=4_200.0).contains(&ttl),
        "{ttl}: as long as the last entry, and ten minutes"
    );
    // What services that know no index read.
    assert_eq!(redis.keys("jwt:blacklist:").await.len(), 2);
}

/// Whoever hears a message finds it in the index, so it has to be there first.
#[tokio::test]
async fn t15_what_is_not_in_the_index_is_not_denied_and_not_told() {
    let scratch = Scratch::new();
    let ca = Ca::new(scratch.path().to_owned());
    let redis = Redis::start(&scratch, &ca).await;
    let store = store(&redis).await;
    let keep = Duration::from_mins(1);
    redis.ask(&[b"SET", INDEX, b"no index"]).await;
    let refused = StoreError::Refused("WRONGTYPE".to_owned());
    assert_eq!(store.deny("a", "{}".into(), keep).await, Err(refused));
    assert_eq!(redis.keys("jwt:blacklist").await, ["jwt:blacklist"]);
    assert_eq!(redis.calls("publish").await, 0);
    redis.ask(&[b"DEL", INDEX]).await;
    assert_eq!(store.deny("a", "{}".into(), keep).await, Ok(()));
    assert_eq!(redis.calls("publish").await, 1);
}

/// Entries go ten minutes after their end, when validators have refused the token for long, and a thousand
/// at a time, so that Redis does not stand still for a million.
#[tokio::test]
async fn entries_that_are_over_are_cleared_away_a_thousand_at_a_time() {
    let scratch = Scratch::new();
    let ca = Ca::new(scratch.path().to_owned());
    let redis = Redis::start(&scratch, &ca).await;
    let store = store(&redis).await;
    let now = number(&redis, &[b"TIME"]).await;
    let over = format!("{:.0}", now - 600.0);
    let names: Vec<_> = (0..1_500).map(|number| format!("over {number}")).collect();
    let mut words: Vec<&[u8]> = vec![b"ZADD", INDEX];
    words.extend(names.iter().flat_map(|name| [over.as_bytes(), name.as_bytes()]));
    redis.ask(&words).await;
    let late = format!("{:.0}", now - 500.0);
    redis.ask(&[b"ZADD", INDEX, late.as_bytes(), b"late"]).await;

    let keep = Duration::from_mins(1);
    assert_eq!(store.deny("a", "a".into(), keep).await, Ok(()));
    assert_eq!(denied(&redis).await.len(), 502);
    assert_eq!(store.deny("b", "b".into(), keep).await, Ok(()));
    let values: Vec<_> = denied(&redis).await.into_iter().map(|(value, _)| value).collect();
    assert_eq!(values, ["late", "a", "b"]);
}
