//! What the keeper makes of two stores of which one, or each in its turn, was away.

use std::time::Duration;

use e2e::postgres::{Postgres, USER};
use session::conformance::session;
use session::durable::COMPLETE;
use session::durable::keeper::{Beat, Keeper};
use session::faulty::Fault;
use session::id::StoreKey;
use session::memory::MemoryStore;
use session::shelf::Shelf as _;
use session::store::{IndexKey, Intent, Store as _, StoreError, StoredSession, Swap};

use super::{PATIENT, Pair};

/// The database was away as the session was made, and Redis as it ended: what is owed of the one must not undo the other.
#[tokio::test]
async fn c80_a_session_that_ended_before_the_database_was_told_of_it_stays_ended() {
    let pair = Pair::start().await;
    let Pair { postgres, redis, store, .. } = &pair;
    let mut keeper = Keeper::new(store.clone(), "the only one".to_owned());
    assert_eq!(keeper.beat().await, Ok(Beat::Restored(0)));

    postgres.freeze();
    let (key, made) = (StoreKey::parse(&"A".repeat(43)).expect("a key"), session(1));
    assert_eq!(store.create(&key, made.clone(), PATIENT * 60).await, Ok(true));
    assert_eq!(store.counted().waiting_writes, 1);
    pair.thaw().await;
    for call in ["take", "delete", "note", "load"] {
        redis.fail(call, Fault::Away, usize::MAX);
    }
    store.take(&key).await.expect("the database remembers that");
    assert_eq!(keeper.beat().await, Err(StoreError::Unavailable));
    redis.heal();
    assert_eq!(redis.load(&key).await, Ok(Some(made)), "Redis comes back with what it had");

    assert_eq!(keeper.beat().await, Ok(Beat::Kept));
    assert_eq!(store.counted().waiting_writes, 0);
    assert_eq!(redis.load(&key).await, Ok(None));
    assert_eq!(store.load(&key).await, Ok(None));
    // Nor is it made once more by what an outage kept on its way.
    assert_eq!(store.kept().create(&key, session(1), PATIENT).await, Ok(false));
    assert_eq!(store.kept().load(&key).await, Ok(None));
}

/// The keeper must not forget that Redis was away because something else failed before it asked: the database, which says
/// who the keeper is, or what is owed to it.
#[tokio::test]
async fn c80_an_outage_of_redis_is_not_forgotten_behind_one_of_the_database_or_of_a_debt() {
    let pair = Pair::start().await;
    let Pair { postgres, redis, store, .. } = &pair;
    let mut keeper = Keeper::new(store.clone(), "the only one".to_owned());
    assert_eq!(keeper.beat().await, Ok(Beat::Restored(0)));
    let (key, other) =
        (StoreKey::parse(&"A".repeat(43)).expect("a key"), [&"B".repeat(42), "A"].concat());
    let other = StoreKey::parse(&other).expect("a key");

    for is_owed in [false, true] {
        assert_eq!(redis.create(&key, session(1), PATIENT * 60).await, Ok(true));
        assert_eq!(store.delete(&key).await, Ok(true));
        postgres.query(
            "UPDATE wicketgate_sessions SET owed = false, look_at = now() + interval '1 day'",
        );
        assert_eq!(keeper.beat().await, Ok(Beat::Kept), "all is well");

        postgres.freeze();
        if is_owed {
            assert_eq!(store.create(&other, session(1), PATIENT * 60).await, Ok(true));
            pair.thaw().await;
            for call in ["load", "note"] {
                redis.fail(call, Fault::Away, usize::MAX);
            }
        }
        assert!(keeper.beat().await.is_err(), "both are away");
        // Redis comes back with what it had on its disk.
        redis.heal();
        assert_eq!(redis.create(&key, session(1), PATIENT * 60).await, Ok(true));
        if !is_owed {
            pair.thaw().await;
        }
        assert_eq!(keeper.beat().await, Ok(Beat::Kept));
        assert_eq!(redis.load(&key).await, Ok(None), "owed: {is_owed}");
    }
}

/// What PostgreSQL decided of the same tokens says nothing of whether they are spent.
#[tokio::test]
async fn c52_a_session_that_was_used_while_redis_was_away_keeps_what_is_intended_with_its_token() {
    let pair = Pair::start().await;
    let Pair { redis, store, .. } = &pair;
    let mut keeper = Keeper::new(store.clone(), "the only one".to_owned());
    assert_eq!(keeper.beat().await, Ok(Beat::Restored(0)));
    let (key, made, keep) =
        (StoreKey::parse(&"A".repeat(43)).expect("a key"), session(1), PATIENT * 60);
    assert_eq!(store.create(&key, made.clone(), keep).await, Ok(true));
    assert_eq!(store.intend(&key, 1, "who died", Duration::ZERO).await, Ok(Intent::First));

    redis.fail("slide", Fault::Away, 1);
    redis.fail("replace_tokens", Fault::Away, 1);
    assert_eq!(store.slide(&key, &made.edge, "used".into(), keep).await, Ok(Swap::Done));
    assert_eq!(store.replace_tokens(&key, &made.tokens, "more".into()).await, Ok(Swap::Done));
    assert_eq!(redis.load(&key).await, Ok(Some(made.clone())), "it was not told");
    assert_eq!(keeper.beat().await, Ok(Beat::Kept));
    let brought = StoredSession { edge: "used".into(), tokens: "more".into(), ..made };
    assert_eq!(redis.load(&key).await, Ok(Some(brought)));
    assert_eq!(store.intend(&key, 1, "another", Duration::ZERO).await, Ok(Intent::Lost));
}

/// Redis has all again between our look for something and our question whether it has: what it said before counts no more.
#[tokio::test]
async fn c80_what_is_given_back_while_somebody_looks_for_it_is_found() {
    let pair = Pair::start().await;
    let Pair { redis, store, .. } = &pair;
    let (key, keep) = (StoreKey::parse(&"A".repeat(43)).expect("a key"), PATIENT * 60);
    let alice = IndexKey::user("", "https://idp.example", "alice");
    let restored = MemoryStore::new();
    assert_eq!(restored.create(&key, session(1), keep).await, Ok(true));
    assert_eq!(restored.index_add(&alice, &key, keep).await, Ok(()));
    assert_eq!(restored.put_note("flags:alice", "banned".into(), None).await, Ok(()));
    assert_eq!(restored.put_note(COMPLETE, "1".into(), None).await, Ok(()));
    let lost = |call| {
        redis.restart();
        redis.restore_after(call, restored.clone());
    };

    lost("load");
    assert_eq!(store.load(&key).await, Ok(Some(session(1))));
    lost("edge_view");
    assert_eq!(store.edge_view(&key).await, Ok(Some(session(1).edge)));
    lost("slide");
    let slid = store.slide(&key, &session(1).edge, "used".into(), keep).await;
    assert_eq!(slid, Ok(Swap::Done));
    lost("index_list");
    assert_eq!(store.index_list(&alice).await, Ok(vec![key]));
    lost("note");
    assert_eq!(store.note("flags:alice").await, Ok(Some("banned".into())));
}

/// What changing all rows of [`many`] at once would exceed, and what a batch of them takes a tenth of.
const LIMIT: Duration = Duration::from_secs(10);

/// Rows, one of which is `key`, of which none is due for a day. To change one takes five milliseconds.
fn many(postgres: &Postgres, key: &StoreKey, ended: bool, changed: &str) {
    assert_eq!(key.as_bytes(), &[0; 32]);
    postgres.query(&format!(
        "INSERT INTO wicketgate_sessions
            (key, edge, tokens, management, version, ended, expires_at, keep_ms, changed_at, look_at)
        SELECT decode(lpad(to_hex(n), 64, '0'), 'hex'), 'edge 1', 'tokens 1', 'management',
            decode('0000000000000001', 'hex'), {ended}, now() + interval '1 hour', 3600000,
            now() - interval '{changed}' - n * interval '1 ms', now() + interval '1 day'
        FROM generate_series(0, 2399) AS n;
        CREATE OR REPLACE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN PERFORM pg_sleep(0.005); RETURN new; END';
        CREATE OR REPLACE TRIGGER slow BEFORE UPDATE ON wicketgate_sessions
            FOR EACH ROW EXECUTE FUNCTION slow()"
    ));
}

const NOT_LOOKED_AT: &str =
    "SELECT count(*) FROM wicketgate_sessions WHERE look_at > now() + interval '12 hours'";

/// As many as change in a quarter of an hour do not keep a keeper from beginning.
#[tokio::test]
async fn c80_a_keeper_looks_at_any_number_of_sessions_that_were_changed_lately() {
    let pair = Pair::within(LIMIT).await;
    let Pair { postgres, redis, store, .. } = &pair;
    let key = StoreKey::parse(&"A".repeat(43)).expect("a key");
    assert_eq!(redis.put_note(COMPLETE, "1".into(), None).await, Ok(()));
    assert_eq!(redis.create(&key, session(2), PATIENT * 60).await, Ok(true));
    many(postgres, &key, false, "1 minute");

    let mut keeper = Keeper::new(store.clone(), "the only one".to_owned());
    assert_eq!(keeper.beat().await, Ok(Beat::Kept));
    assert_eq!(postgres.query(NOT_LOOKED_AT), "0");
    assert_eq!(store.kept().load(&key).await, Ok(Some(session(2))), "what Redis has is newer");
}

/// And what ended long ago is taken from a Redis that was put back to an older state.
#[tokio::test]
async fn c80_a_keeper_looks_at_any_number_of_sessions_that_ended() {
    let pair = Pair::within(LIMIT).await;
    let Pair { postgres, redis, store, .. } = &pair;
    let key = StoreKey::parse(&"A".repeat(43)).expect("a key");
    assert_eq!(redis.create(&key, session(1), PATIENT * 60).await, Ok(true));
    many(postgres, &key, true, "1 hour");

    let mut keeper = Keeper::new(store.clone(), "the only one".to_owned());
    assert_eq!(keeper.beat().await, Ok(Beat::Restored(0)));
    assert_eq!(postgres.query(NOT_LOOKED_AT), "0");
    assert_eq!(redis.load(&key).await, Ok(None));
}

/// It would hold its locks, and whoever tries again would wait behind it.
#[tokio::test]
async fn a_statement_that_nobody_waits_for_any_more_is_ended_by_the_database() {
    let pair = Pair::start().await;
    let Pair { postgres, store, .. } = &pair;
    let key = StoreKey::parse(&"A".repeat(43)).expect("a key");
    postgres.query(
        "CREATE FUNCTION stuck() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN PERFORM pg_sleep(3600); RETURN new; END';
        CREATE TRIGGER stuck BEFORE INSERT ON wicketgate_sessions
            FOR EACH ROW EXECUTE FUNCTION stuck()",
    );
    assert!(store.kept().create(&key, session(1), PATIENT).await.is_err());
    let busy = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE usename = '{USER}' AND state = 'active'"
    );
    e2e::wait::until("the statement has ended", PATIENT, async || {
        (postgres.query(&busy) == "0").then_some(())
    })
    .await;
}
