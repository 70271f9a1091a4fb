//! The PostgreSQL store passes the suite about sessions that every store passes, and Redis with PostgreSQL beside it the whole
//! one, whether Redis says that it knows all or not.

mod keeper;
mod notes;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use e2e::postgres::{Postgres, USER};
use e2e::redis::Redis;
use e2e::scratch::Scratch;
use e2e::tls::Ca;
use session::conformance;
use session::durable::{COMPLETE, DurableStore, FastStore};
use session::faulty::FaultyStore;
use session::memory::MemoryStore;
use session::postgres::{PostgresOptions, PostgresStore};
use session::redis::{Reads, RedisOptions, RedisStore, RedisTls};
use session::shelf::Shelf as _;
use session::store::{Store as _, StoreError};

/// Where nothing is away, a loaded machine has time.
const PATIENT: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(2);

async fn connect(url: String, command_timeout: Duration) -> PostgresStore {
    let keep_ended = Duration::from_mins(1);
    let options = PostgresOptions { url: url.into(), command_timeout, keep_ended };
    PostgresStore::connect(&options).await.expect("the options are usable")
}

/// Redis, of memory, that fails where it is told to, with a real PostgreSQL beside it.
struct Pair {
    postgres: Postgres,
    redis: FaultyStore,
    store: DurableStore<FaultyStore>,
    _scratch: Scratch,
}

impl Pair {
    async fn start() -> Self {
        Self::within(TIMEOUT).await
    }

    /// Where one statement may take as long as `command_timeout`.
    async fn within(command_timeout: Duration) -> Self {
        let scratch = Scratch::new();
        let ca = Ca::new(scratch.path().to_owned());
        let postgres = Postgres::start(&scratch, &ca).await;
        let redis = FaultyStore::over(MemoryStore::new());
        let kept = connect(postgres.plain_url(), command_timeout).await;
        kept.ping().await.expect("the database is there");
        let store = DurableStore::new(redis.clone(), kept);
        Self { postgres, redis, store, _scratch: scratch }
    }

    /// PostgreSQL goes on, and is known to be there.
    async fn thaw(&self) {
        self.postgres.thaw();
        let is_back = async || self.store.kept().ping().await.ok();
        e2e::wait::until("the database is back", PATIENT, is_back).await;
    }
}

/// A schema of its own is an empty store.
async fn empty(postgres: &Postgres, url: &str, run: usize) -> PostgresStore {
    postgres.query(&format!("CREATE SCHEMA run{run} AUTHORIZATION {USER}"));
    connect(format!("{url}&options=-csearch_path%3Drun{run}"), PATIENT).await
}

#[tokio::test]
async fn postgres_passes_the_conformance_suite_over_tls_and_without() {
    let scratch = Scratch::new();
    let ca = Ca::new(scratch.path().to_owned());
    let postgres = Postgres::start(&scratch, &ca).await;
    let runs = AtomicUsize::new(0);
    for url in [postgres.plain_url(), postgres.url()] {
        conformance::sessions(&async || {
            empty(&postgres, &url, runs.fetch_add(1, Ordering::SeqCst)).await
        })
        .await;
    }
}

#[tokio::test]
async fn redis_with_postgres_beside_it_passes_the_conformance_suite() {
    let scratch = Scratch::new();
    let ca = Ca::new(scratch.path().to_owned());
    let (redis, postgres) =
        (Redis::start(&scratch, &ca).await, Postgres::start(&scratch, &ca).await);
    let runs = AtomicUsize::new(0);
    for is_complete in [true, false] {
        conformance::run(async || {
            let run = runs.fetch_add(1, Ordering::SeqCst);
            let options = RedisOptions {
                url: redis.plain_url().into(),
                prefix: format!("bff:{run}:"),
                command_timeout: PATIENT,
                reads: Reads::Pipe,
                exact_lists: false,
                tls: RedisTls::default(),
            };
            let redis = RedisStore::connect(options).await.expect("the options are usable");
            let fast = FastStore::from(redis);
            if is_complete {
                assert_eq!(fast.put_note(COMPLETE, "1".into(), None).await, Ok(()));
            }
            DurableStore::new(fast, empty(&postgres, &postgres.plain_url(), run).await)
        })
        .await;
    }
}

/// Two replicas make the tables at once, a third finds them, and one with fewer rights may use them.
#[tokio::test]
async fn tables_are_made_once() {
    let scratch = Scratch::new();
    let ca = Ca::new(scratch.path().to_owned());
    let postgres = Postgres::start(&scratch, &ca).await;
    let url = postgres.plain_url();
    let (one, other) = tokio::join!(connect(url.clone(), PATIENT), connect(url.clone(), PATIENT));
    assert_eq!((one.ping().await, other.ping().await), (Ok(()), Ok(())));
    assert_eq!(postgres.query("SELECT version FROM wicketgate_schema"), "1");
    postgres.query(&format!("REVOKE CREATE ON SCHEMA public FROM {USER}, public"));
    assert_eq!(connect(url, PATIENT).await.ping().await, Ok(()));
    assert_eq!(postgres.query("SELECT version FROM wicketgate_schema"), "1");
}

/// Within its time-out, and at once when it is known to be away.
#[tokio::test]
async fn a_database_that_is_away_fails_calls_quickly_and_comes_back_by_itself() {
    let scratch = Scratch::new();
    let ca = Ca::new(scratch.path().to_owned());
    let mut postgres = Postgres::start(&scratch, &ca).await;
    let store = connect(postgres.url(), TIMEOUT).await;
    let back = async |store: &PostgresStore| {
        e2e::wait::until("the store is back", Duration::from_secs(10), async || {
            store.ping().await.ok()
        })
        .await;
    };
    back(&store).await;

    postgres.freeze();
    let began = std::time::Instant::now();
    assert_eq!(store.ping().await, Err(StoreError::TimedOut));
    assert!(began.elapsed() < TIMEOUT * 4, "{:?}", began.elapsed());
    let began = std::time::Instant::now();
    for _ in 0..100 {
        assert_eq!(store.ping().await, Err(StoreError::Unavailable));
    }
    assert!(began.elapsed() < TIMEOUT, "{:?}", began.elapsed());
    postgres.thaw();
    back(&store).await;

    postgres.kill().await;
    assert!(store.ping().await.is_err());
    postgres.restart().await;
    back(&store).await;
}
