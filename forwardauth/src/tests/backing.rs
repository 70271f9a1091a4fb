//! The store that the tests run over: memory, or where `VERIFY_TABLE_REDIS` names a Redis, that one, read
//! as `VERIFY_TABLE_READS` says. `tests/verify-table` runs all of them over each.

#![expect(clippy::disallowed_methods, reason = "the environment says which store is tested")]

use std::env;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use session::any::AnyStore;
use session::memory::MemoryStore;
use session::redis::{Reads, RedisOptions, RedisStore, RedisTls};
use session::store::Store as _;
use session::tracking::Limits;
use shell::clock::{Clock as _, SystemClock};

/// A store that nobody else uses.
pub(super) async fn empty_store() -> AnyStore {
    static STORES: AtomicU64 = AtomicU64::new(0);
    let Ok(url) = env::var("VERIFY_TABLE_REDIS") else {
        return AnyStore::Memory(MemoryStore::new());
    };
    let number = STORES.fetch_add(1, Ordering::SeqCst);
    let started = SystemClock.since_epoch().as_nanos();
    let options = RedisOptions {
        url: url.into(),
        prefix: format!("table-{}-{started}-{number}:", std::process::id()),
        command_timeout: Duration::from_secs(5),
        reads: reads(),
        exact_lists: false,
        tls: RedisTls::default(),
    };
    let store = RedisStore::connect(options).await.unwrap();
    let connected = async {
        while store.ping().await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), connected).await.expect("a connection");
    assert_eq!(store.tracked().is_some(), matches!(reads(), Reads::Tracking(_)));
    AnyStore::Redis(store)
}

fn reads() -> Reads {
    match env::var("VERIFY_TABLE_READS").as_deref() {
        Ok("client") => Reads::Client,
        Ok("pipe") => Reads::Pipe,
        Ok("tracking") => Reads::Tracking(Limits {
            entries: 100,
            max_age: Duration::from_secs(5),
            max_lag: Duration::from_millis(500),
        }),
        other => panic!("VERIFY_TABLE_READS is {other:?} and not client, pipe or tracking"),
    }
}
