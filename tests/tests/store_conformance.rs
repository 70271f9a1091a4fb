//! The Redis store passes the suite that every store passes, against a real Redis, over TLS and
//! without, and fails as it should while that Redis is away.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use e2e::cluster::Cluster;
use e2e::redis::{Redis, USER};
use e2e::scratch::Scratch;
use e2e::tls::Ca;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use session::conformance::{self, session};
use session::id::SessionId;
use session::redis::{Reads, RedisOptions, RedisStore, RedisTls};
use session::shelf::Shelf as _;
use session::store::{IndexKey, Store as _, StoreError};
use session::tracking::Limits;

const TIMEOUT: Duration = Duration::from_millis(250);

/// How edge views are read: through fred, through a pipe of their own, or kept. All must do the same.
const READS: [Reads; 3] = [
    Reads::Client,
    Reads::Pipe,
    Reads::Tracking(Limits {
        entries: 1_000,
        max_age: Duration::from_secs(5),
        max_lag: Duration::from_millis(500),
    }),
];

fn options(url: String, ca: &Ca, prefix: String, reads: Reads) -> RedisOptions {
    let ca = std::fs::read(ca.file()).expect("the CA is readable");
    RedisOptions {
        url: url.into(),
        prefix,
        command_timeout: TIMEOUT,
        reads,
        exact_lists: false,
        tls: RedisTls { ca: Some(ca), ..RedisTls::default() },
    }
}

async fn store(url: String, ca: &Ca, prefix: String, reads: Reads) -> RedisStore {
    RedisStore::connect(options(url, ca, prefix, reads)).await.expect("the options are usable")
}

/// A cap on sessions ends the oldest, also among those that were made within one second.
#[tokio::test]
async fn c46_lists_that_are_exact_keep_the_order_of_one_second() {
    let scratch = Scratch::new();
    let ca = Ca::new(scratch.path().to_owned());
    let redis = Redis::start(&scratch, &ca).await;
    let exact = RedisOptions {
        exact_lists: true,
        ..options(redis.plain_url(), &ca, "bff:".to_owned(), Reads::Client)
    };
    let store = RedisStore::connect(exact).await.expect("the options are usable");
    let list = IndexKey::user("", "https://idp.example", "alice");
    let keys: Vec<_> =
        (0..50).rev().map(|byte| SessionId::from_random([byte; 32]).store_key()).collect();
    for key in &keys {
        assert_eq!(store.index_add(&list, key, Duration::from_mins(1)).await, Ok(()));
    }
    assert_eq!(store.index_list(&list).await, Ok(keys));
}

#[tokio::test]
async fn redis_passes_the_conformance_suite_over_tls_and_without() {
    let scratch = Scratch::new();
    let ca = Ca::new(scratch.path().to_owned());
    let redis = Redis::start(&scratch, &ca).await;
    let urls = [redis.plain_url(), redis.url()];
    let ways = urls.iter().flat_map(|url| READS.map(|reads| (url, reads)));
    for (way, (url, reads)) in ways.enumerate() {
        let runs = AtomicUsize::new(0);
        conformance::run(|| {
            // A prefix of its own is an empty store, and shows that prefixes keep apart.
            let run = runs.fetch_add(1, Ordering::SeqCst);
            store(url.clone(), &ca, format!("bff:{way}-{run}:"), reads)
        })
        .await;
    }
}

/// Beyond what is counted key by key, a sample tells: within five standard errors, and of a share of one in
/// three that is less than 12 % of all keys.
#[tokio::test]
async fn many_sessions_are_estimated_from_a_sample() {
    let scratch = Scratch::new();
    let ca = Ca::new(scratch.path().to_owned());
    let redis = Redis::start(&scratch, &ca).await;
    let store = store(redis.plain_url(), &ca, "bff:".to_owned(), Reads::Pipe).await;
    let fill: &[u8] = b"for n = 1, 10000 do redis.call('SET', 'bff:session:' .. n, 'x') \
        redis.call('SET', 'bff:uid:' .. n, 'x') redis.call('SET', 'other:' .. n, 'x') end";
    redis.ask(&[b"EVAL", fill, b"0"]).await;
    let estimate = store.estimate_sessions().await.expect("Redis answers");
    assert!((6_400..=13_600).contains(&estimate), "{estimate}");
    assert_eq!((redis.calls("randomkey").await, redis.calls("scan").await), (400, 0));

    // Few enough to be counted.
    let thin: &[u8] = b"for n = 1, 10000 do redis.call('DEL', 'other:' .. n) \
        if n <= 7000 then redis.call('DEL', 'bff:uid:' .. n, 'bff:session:' .. n) end end";
    redis.ask(&[b"EVAL", thin, b"0"]).await;
    assert_eq!(store.estimate_sessions().await, Ok(3_000));
    assert!((1..=40).contains(&redis.calls("scan").await));
}

#[tokio::test]
async fn sessions_are_not_estimated_without_the_right_and_nothing_else_fails() {
    let scratch = Scratch::new();
    let ca = Ca::new(scratch.path().to_owned());
    let redis = Redis::start(&scratch, &ca).await;
    for right in ["dbsize", "scan"] {
        let (less, more) = (format!("-{right}"), format!("+{right}"));
        redis.ask(&[b"ACL", b"SETUSER", USER.as_bytes(), less.as_bytes()]).await;
        let store = store(redis.plain_url(), &ca, format!("bff:{right}:"), Reads::Pipe).await;
        let refused = StoreError::Refused("NOPERM".to_owned());
        assert_eq!(store.estimate_sessions().await, Err(refused), "{right}");
        let key = SessionId::from_random([1; 32]).store_key();
        assert_eq!(store.create(&key, session(1), Duration::from_mins(10)).await, Ok(true));
        redis.ask(&[b"ACL", b"SETUSER", USER.as_bytes(), more.as_bytes()]).await;
        assert_eq!(store.estimate_sessions().await, Ok(1), "{right}");
    }
}

#[tokio::test]
async fn of_a_cluster_the_sessions_of_all_servers_are_counted() {
    let scratch = Scratch::new();
    let ca = Ca::new(scratch.path().to_owned());
    let cluster = Cluster::start(&scratch).await;
    let store = store(cluster.url(), &ca, "bff:".to_owned(), Reads::Pipe).await;
    for byte in 0..60 {
        let key = SessionId::from_random([byte; 32]).store_key();
        assert_eq!(store.create(&key, session(1), Duration::from_mins(10)).await, Ok(true));
    }
    assert_eq!(cluster.spread("bff:session:").await, 3);
    assert_eq!(store.estimate_sessions().await, Ok(60));

    // Beyond what is counted of each server: one in three is a session.
    let mut keys: Vec<_> = Vec::new();
    for byte in 0..=u8::MAX {
        for other in 0..48 {
            let mut id = [byte; 32];
            id[0] = other;
            keys.push(SessionId::from_random(id).store_key());
        }
    }
    let written = stream::iter(&keys).map(async |key| {
        let name = format!("{key:?}");
        store.put_note(&name, "note".into(), None).await?;
        store.put_note(&format!("{name}+"), "note".into(), None).await?;
        store.create(key, session(1), Duration::from_mins(10)).await
    });
    written.buffer_unordered(32).try_for_each(async |_| Ok(())).await.expect("the servers answer");
    let sessions = cluster.keys("bff:session:").await.len();
    let all = cluster.keys("bff:").await.len();
    assert!(all > 36_000, "{all}");
    let estimate = usize::try_from(store.estimate_sessions().await.expect("they answer"));
    assert!(estimate.expect("small").abs_diff(sessions) < all / 12, "{sessions} of {all}");
    assert_eq!(cluster.calls().await.get("randomkey"), Some(&1_200));

    // Half an answer would look like half of the users gone.
    cluster.freeze_one();
    assert!(store.estimate_sessions().await.is_err());
    cluster.thaw_it();
}

#[tokio::test]
async fn a_frozen_redis_is_noticed_under_traffic_and_answered_for_at_once() {
    let scratch = Scratch::new();
    let ca = Ca::new(scratch.path().to_owned());
    let redis = Redis::start(&scratch, &ca).await;
    for (number, reads) in READS.into_iter().enumerate() {
        let store = store(redis.plain_url(), &ca, format!("bff:{number}:"), reads).await;
        frozen(&redis, &store).await;
    }
}

async fn frozen(redis: &Redis, store: &RedisStore) {
    let key = SessionId::from_random([1; 32]).store_key();
    assert_eq!(store.create(&key, session(1), Duration::from_mins(10)).await, Ok(true));

    redis.freeze();
    let frozen = Instant::now();
    let mut answers = Vec::new();
    while answers.last() != Some(&Err(StoreError::Unavailable)) {
        let begun = Instant::now();
        answers.push(store.edge_view(&key).await);
        assert!(begun.elapsed() < TIMEOUT * 2, "a call outlived its time-out");
        assert!(
            frozen.elapsed() < Duration::from_secs(5),
            "the freeze was never noticed: {answers:?}"
        );
    }
    assert!(answers.iter().all(Result::is_err), "{answers:?}");
    let begun = Instant::now();
    assert_eq!(store.edge_view(&key).await, Err(StoreError::Unavailable));
    assert!(begun.elapsed() < Duration::from_millis(50), "known to be away, and still waited for");

    redis.thaw();
    let thawed = Instant::now();
    while store.edge_view(&key).await != Ok(Some(session(1).edge)) {
        assert!(thawed.elapsed() < Duration::from_secs(2), "not back in time");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_killed_redis_is_found_again_without_a_restart_of_ours() {
    let scratch = Scratch::new();
    let ca = Ca::new(scratch.path().to_owned());
    let mut redis = Redis::start(&scratch, &ca).await;
    for (number, reads) in READS.into_iter().enumerate() {
        let store = store(redis.plain_url(), &ca, format!("bff:{number}:"), reads).await;
        killed(&mut redis, &store).await;
    }
}

async fn killed(redis: &mut Redis, store: &RedisStore) {
    let key = SessionId::from_random([1; 32]).store_key();
    assert_eq!(store.create(&key, session(1), Duration::from_mins(10)).await, Ok(true));
    // The append-only file is flushed every second.
    let saved = Instant::now();
    while saved.elapsed() < Duration::from_millis(1_500) {
        assert_eq!(store.ping().await, Ok(()));
    }

    redis.kill();
    assert!(store.edge_view(&key).await.is_err());
    redis.restart().await;
    let back = Instant::now();
    while store.edge_view(&key).await != Ok(Some(session(1).edge)) {
        assert!(back.elapsed() < Duration::from_secs(2), "not back in time");
        tokio::task::yield_now().await;
    }
}
