//! A connection to Redis leads nowhere, and nothing closes it: a packet filter forgot it.

use std::time::Duration;

use bytes::Bytes;
use e2e::cluster::Cluster;
use e2e::redis::{PASSWORD, Redis, USER};
use e2e::resp::Value;
use e2e::scratch::Scratch;
use e2e::tls::Ca;
use e2e::wait;
use e2e::wire::Wire;
use session::id::SessionId;
use session::redis::{Reads, RedisOptions, RedisStore, RedisTls};
use session::shelf::{News, Shelf as _};
use session::store::{Store as _, StoreError, StoredSession};
use session::tracking::Limits;
use tokio::sync::broadcast::Receiver;
use tokio::time::timeout;

/// From the return of the line.
const BACK: Duration = Duration::from_secs(2);
/// By when a listener that heard nothing asks whether anybody is there, three times, and connects anew.
const HEARD: Duration = Duration::from_secs(5);

/// Longer than between two signs of life, and three time-outs.
const QUIET: Duration = Duration::from_secs(2);

async fn store(url: String, ca: Option<&Ca>, reads: Reads) -> RedisStore {
    let ca = ca.map(|ca| std::fs::read(ca.file()).expect("the CA is readable"));
    RedisStore::connect(RedisOptions {
        url: url.into(),
        prefix: "bff:".to_owned(),
        command_timeout: Duration::from_millis(250),
        reads,
        exact_lists: false,
        tls: RedisTls { ca, ..RedisTls::default() },
    })
    .await
    .expect("the options are usable")
}

#[tokio::test(flavor = "multi_thread")]
async fn c80_a_connection_to_a_server_of_a_cluster_that_leads_nowhere_is_made_anew() {
    let scratch = Scratch::new();
    let mut cluster = Cluster::start_with_replica(&scratch).await;
    cluster.whole().await;
    let store = store(cluster.url(), None, Reads::Client).await;
    let keys: Vec<_> = (0..16).map(|byte| SessionId::from_random([byte; 32]).store_key()).collect();
    for key in &keys {
        let [edge, tokens, management] = [b"e", b"t", b"m"].map(|part| Bytes::from_static(part));
        let session = StoredSession { edge, tokens, management, version: 1 };
        assert_eq!(store.create(key, session, Duration::from_mins(1)).await, Ok(true));
    }
    for _ in 0..2 {
        let master = cluster.master().await;
        master.wire.mute();
        wait::until("some are out of reach, and others are not", wait::START, async || {
            let mut answers = Vec::new();
            for key in &keys {
                answers.push(store.edge_view(key).await);
            }
            let is_some_silent = answers.contains(&Err(StoreError::TimedOut));
            (is_some_silent && answers.iter().any(Result::is_ok)).then_some(())
        })
        .await;
        master.wire.mend();
        wait::until("all are in reach", BACK, async || {
            for key in &keys {
                store.load(key).await.ok()?.expect("nothing is lost");
            }
            Some(())
        })
        .await;
    }
}

/// A replica to which nobody spoke meanwhile may be the one that all turn to.
#[tokio::test(flavor = "multi_thread")]
async fn c80_idle_connections_that_lead_nowhere_are_made_anew_before_anybody_asks() {
    let scratch = Scratch::new();
    let ca = Ca::new(scratch.path().to_owned());
    let redis = Redis::start(&scratch, &ca).await;
    let wire = Wire::to(redis.address());
    let way = format!("rediss://{USER}:{PASSWORD}@127.0.0.1:{}", wire.address.port());
    let limits = Limits {
        entries: 1_000,
        max_age: Duration::from_secs(5),
        max_lag: Duration::from_millis(500),
    };
    let key = SessionId::from_random([7; 32]).store_key();
    for (reads, lines) in [(Reads::Client, 1), (Reads::Pipe, 2), (Reads::Tracking(limits), 2)] {
        let store = store(way.clone(), Some(&ca), reads).await;
        assert_eq!(store.edge_view(&key).await, Ok(None));
        let last = clients(&redis).await.into_iter().max();
        wire.mute();
        wire.mend();
        wait::until("all lines are made anew", HEARD, async || {
            let made = clients(&redis).await.into_iter().filter(|id| Some(*id) > last).count();
            (made >= lines && store.ping().await.is_ok()).then_some(())
        })
        .await;
        assert_eq!(store.edge_view(&key).await, Ok(None), "the first one is answered");
    }
}

/// The numbers of the connections that Redis has, but for that of the question.
async fn clients(redis: &Redis) -> Vec<u64> {
    let Value::Bulk(list) = redis.ask(&[b"CLIENT", b"LIST"]).await else { panic!("a list") };
    let list = String::from_utf8(list).expect("text");
    let others = list.lines().filter(|line| !line.contains("cmd=client"));
    others
        .map(|line| line.split(['=', ' ']).nth(1).expect("a number").parse().expect("a number"))
        .collect()
}

/// Streams of events live on what replicas tell each other.
#[tokio::test(flavor = "multi_thread")]
async fn c80_a_listener_whose_line_leads_nowhere_connects_anew_and_is_told_that_it_missed_something()
 {
    let scratch = Scratch::new();
    let ca = Ca::new(scratch.path().to_owned());
    let redis = Redis::start(&scratch, &ca).await;
    let wire = Wire::to(redis.address());
    let way = format!("rediss://{USER}:{PASSWORD}@127.0.0.1:{}", wire.address.port());
    let teller = store(redis.url(), Some(&ca), Reads::Client).await;
    let listener = store(way, Some(&ca), Reads::Client).await;
    let mut heard = listener.follow();
    assert_eq!(next(&mut heard).await, News::Missed, "told of the first connection");
    teller.publish(Bytes::from_static(b"before")).await.expect("redis answers");
    assert_eq!(next(&mut heard).await, News::Message(Bytes::from_static(b"before")));
    assert!(timeout(QUIET, heard.recv()).await.is_err(), "nothing happened");
    wire.mute();
    teller.publish(Bytes::from_static(b"meanwhile")).await.expect("redis answers");
    wire.mend();
    assert_eq!(next(&mut heard).await, News::Missed);
    teller.publish(Bytes::from_static(b"afterwards")).await.expect("redis answers");
    assert_eq!(next(&mut heard).await, News::Message(Bytes::from_static(b"afterwards")));
}

async fn next(heard: &mut Receiver<News>) -> News {
    timeout(HEARD, heard.recv()).await.expect("something is heard").expect("it is followed")
}
