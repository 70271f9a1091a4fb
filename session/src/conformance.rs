//! Owns: the suite that every store passes. What holds for one must hold for all.

mod permits;
mod shelf;

use std::future::Future;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::id::{SessionId, StoreKey};
use crate::shelf::Shelf;
use crate::store::{IndexKey, Intent, Store, StoredSession, Swap};

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(40);

/// Runs the whole suite; `fresh` makes an empty store for each part.
///
/// # Panics
/// Where the store is not as it should be, saying how.
pub async fn run<S, F>(fresh: impl Fn() -> F)
where
    S: Store + Shelf,
    F: Future<Output = S>,
{
    sessions(&fresh).await;
    nothing_else_counts_as_a_session(&fresh().await).await;
    shelf::run(&fresh).await;
}

/// The part about sessions, for stores that hold nothing else.
///
/// # Panics
/// As [`run`].
pub async fn sessions<S, F>(fresh: &impl Fn() -> F)
where
    S: Store,
    F: Future<Output = S>,
{
    a_session_is_read_back_whole(&fresh().await).await;
    a_key_is_taken_once(&fresh().await).await;
    only_the_expected_version_is_replaced(&fresh().await).await;
    only_the_expected_version_is_ended(&fresh().await).await;
    a_late_write_revives_nothing(&fresh().await).await;
    a_slide_changes_the_edge_view_alone(&fresh().await).await;
    new_contents_of_the_token_part_change_nothing_else(&fresh().await).await;
    sessions_expire(&fresh().await).await;
    sessions_are_counted(&fresh().await).await;
    indexes_hold_many_and_forget(&fresh().await).await;
    a_session_is_taken_whole_and_once(&fresh().await).await;
    c52_a_refresh_token_is_spent_by_one(&fresh().await).await;
    c51_a_lost_answer_is_forgiven_once(&fresh().await).await;
    an_intent_is_taken_back_by_its_owner(&fresh().await).await;
    any_bytes_are_kept(&fresh().await).await;
    assert_eq!(fresh().await.ping().await, Ok(()));
}

fn key(byte: u8) -> StoreKey {
    SessionId::from_random([byte; 32]).store_key()
}

/// A session whose tokens are of `version`, sealed by nobody: no store looks into it.
pub fn session(version: u64) -> StoredSession {
    StoredSession {
        edge: Bytes::from(format!("edge {version}")),
        tokens: Bytes::from(format!("tokens {version}")),
        management: "management".into(),
        version,
    }
}

async fn created<S: Store>(store: &S, byte: u8) -> StoreKey {
    assert_eq!(store.create(&key(byte), session(1), LONG).await, Ok(true));
    key(byte)
}

/// Waits until `gone` says so; expiry may be late by a sweep, never by seconds.
async fn eventually<F: Future<Output = bool>>(what: &str, gone: impl Fn() -> F) {
    let deadline = Instant::now() + Duration::from_secs(5);
    while !gone().await {
        assert!(Instant::now() < deadline, "{what}");
        tokio::task::yield_now().await;
    }
}

async fn a_session_is_read_back_whole<S: Store>(store: &S) {
    assert_eq!(store.load(&key(1)).await, Ok(None));
    assert_eq!(store.edge_view(&key(1)).await, Ok(None));
    let key = created(store, 1).await;
    assert_eq!(store.load(&key).await, Ok(Some(session(1))));
    assert_eq!(store.edge_view(&key).await, Ok(Some(session(1).edge)));
    assert_eq!(store.delete(&key).await, Ok(true));
    assert_eq!(store.delete(&key).await, Ok(false));
    assert_eq!(store.load(&key).await, Ok(None));
    assert_eq!(store.edge_view(&key).await, Ok(None));
}

/// Of so few the estimate is exact.
async fn sessions_are_counted<S: Store>(store: &S) {
    assert_eq!(store.estimate_sessions().await, Ok(0));
    for byte in 1..=5 {
        let key = created(store, byte).await;
        let index = IndexKey::user("", "i", &byte.to_string());
        assert_eq!(store.index_add(&index, &key, LONG).await, Ok(()));
    }
    assert_eq!(store.estimate_sessions().await, Ok(5));
    assert_eq!(store.delete(&key(3)).await, Ok(true));
    assert_eq!(store.estimate_sessions().await, Ok(4));
    assert_eq!(store.create(&key(9), session(1), SHORT).await, Ok(true));
    eventually("a session that expired is counted", || async {
        store.estimate_sessions().await == Ok(4)
    })
    .await;
}

async fn nothing_else_counts_as_a_session<S: Store + Shelf>(store: &S) {
    created(store, 1).await;
    assert_eq!(store.put_login("session:x", "secrets".into(), LONG).await, Ok(()));
    assert_eq!(store.put_note("session:x", "note".into(), None).await, Ok(()));
    assert_eq!(store.estimate_sessions().await, Ok(1));
}

async fn a_key_is_taken_once<S: Store>(store: &S) {
    let key = created(store, 1).await;
    assert_eq!(store.create(&key, session(7), LONG).await, Ok(false));
    assert_eq!(store.load(&key).await, Ok(Some(session(1))));
}

async fn only_the_expected_version_is_replaced<S: Store>(store: &S) {
    let key = created(store, 1).await;
    assert_eq!(store.replace(&key, &session(1), session(2), LONG).await, Ok(Swap::Done));
    assert_eq!(store.replace(&key, &session(1), session(3), LONG).await, Ok(Swap::Stale));
    assert_eq!(store.load(&key).await, Ok(Some(session(2))));

    let old = session(2).edge;
    assert_eq!(store.slide(&key, &old, "suspended".into(), LONG).await, Ok(Swap::Done));
    let undone = store.replace(&key, &session(2), session(3), LONG).await;
    assert_eq!(undone, Ok(Swap::Stale), "what was set meanwhile would be undone");
}

async fn only_the_expected_version_is_ended<S: Store>(store: &S) {
    let key = created(store, 1).await;
    assert_eq!(store.replace(&key, &session(1), session(2), LONG).await, Ok(Swap::Done));
    assert_eq!(store.delete_version(&key, 1).await, Ok(Swap::Stale));
    assert_eq!(store.load(&key).await, Ok(Some(session(2))));
    assert_eq!(store.delete_version(&key, 2).await, Ok(Swap::Done));
    assert_eq!(store.delete_version(&key, 2).await, Ok(Swap::Gone));
    assert_eq!(store.load(&key).await, Ok(None));
}

async fn a_late_write_revives_nothing<S: Store>(store: &S) {
    let key = created(store, 1).await;
    assert_eq!(store.delete(&key).await, Ok(true));
    assert_eq!(store.replace(&key, &session(1), session(2), LONG).await, Ok(Swap::Gone));
    let slide = store.slide(&key, &session(1).edge, "late".into(), LONG).await;
    assert_eq!(slide, Ok(Swap::Gone));
    assert_eq!(store.load(&key).await, Ok(None));
}

async fn a_slide_changes_the_edge_view_alone<S: Store>(store: &S) {
    let key = created(store, 1).await;
    let old = session(1).edge;
    assert_eq!(store.slide(&key, &old, "slid".into(), LONG).await, Ok(Swap::Done));
    assert_eq!(store.slide(&key, &old, "again".into(), LONG).await, Ok(Swap::Stale));
    let expected = StoredSession { edge: "slid".into(), ..session(1) };
    assert_eq!(store.load(&key).await, Ok(Some(expected)));
}

async fn new_contents_of_the_token_part_change_nothing_else<S: Store>(store: &S) {
    let (key, short) = (created(store, 1).await, key(2));
    let old = session(1).tokens;
    assert_eq!(store.intend(&key, 1, "a", LONG).await, Ok(Intent::First));
    assert_eq!(store.replace_tokens(&key, &old, "more".into()).await, Ok(Swap::Done));
    assert_eq!(store.replace_tokens(&key, &old, "late".into()).await, Ok(Swap::Stale));
    let expected = StoredSession { tokens: "more".into(), ..session(1) };
    assert_eq!(store.load(&key).await, Ok(Some(expected.clone())));
    assert_eq!(store.intend(&key, 1, "b", Duration::ZERO).await, Ok(Intent::Lost), "forgotten");

    // A refresh that read the session before goes through; what it did not know is lost with it.
    assert_eq!(store.replace(&key, &session(1), session(2), LONG).await, Ok(Swap::Done));
    let late = store.replace_tokens(&key, &expected.tokens, "later".into()).await;
    assert_eq!(late, Ok(Swap::Stale));
    assert_eq!(store.load(&key).await, Ok(Some(session(2))));

    assert_eq!(store.delete(&key).await, Ok(true));
    let late = store.replace_tokens(&key, &session(2).tokens, "later".into()).await;
    assert_eq!(late, Ok(Swap::Gone));
    assert_eq!(store.load(&key).await, Ok(None), "nothing is revived");

    // Long enough that it lives still when a busy machine comes to the next line.
    assert_eq!(store.create(&short, session(1), SHORT * 50).await, Ok(true));
    assert_eq!(store.replace_tokens(&short, &old, "more".into()).await, Ok(Swap::Done));
    eventually("a session outlived its time by new contents", || async {
        store.load(&short).await == Ok(None)
    })
    .await;
}

async fn sessions_expire<S: Store>(store: &S) {
    assert_eq!(store.create(&key(1), session(1), SHORT).await, Ok(true));
    eventually("a session outlived its time", || async { store.load(&key(1)).await == Ok(None) })
        .await;
    assert_eq!(store.replace(&key(1), &session(1), session(2), LONG).await, Ok(Swap::Gone));
}

async fn indexes_hold_many_and_forget<S: Store>(store: &S) {
    let alice = IndexKey::user("", "https://idp.example", "alice");
    let bob = IndexKey::user("", "https://idp.example", "bob");
    for byte in [1, 2, 3] {
        assert_eq!(store.index_add(&alice, &key(byte), LONG * u32::from(byte)).await, Ok(()));
    }
    assert_eq!(store.index_list(&alice).await, Ok(vec![key(1), key(2), key(3)]));
    assert_eq!(store.index_list(&bob).await, Ok(vec![]));
    assert_eq!(store.index_remove(&alice, &[key(2)]).await, Ok(()));
    assert_eq!(store.index_list(&alice).await, Ok(vec![key(1), key(3)]));
    assert_eq!(store.index_remove(&alice, &[]).await, Ok(()));
    assert_eq!(store.index_remove(&alice, &[key(3), key(4), key(1)]).await, Ok(()));
    assert_eq!(store.index_list(&alice).await, Ok(vec![]));

    assert_eq!(store.index_add(&bob, &key(4), SHORT).await, Ok(()));
    eventually("an index entry outlived its time", || async {
        store.index_list(&bob).await == Ok(vec![])
    })
    .await;

    // An entry goes by itself, too, where the list lives on.
    assert_eq!(store.index_add(&bob, &key(5), LONG).await, Ok(()));
    assert_eq!(store.index_add(&bob, &key(4), SHORT).await, Ok(()));
    assert_eq!(store.index_list(&bob).await.map(|listed| listed.contains(&key(5))), Ok(true));
    eventually("an index entry outlived its time in a list that goes on", || async {
        store.index_list(&bob).await == Ok(vec![key(5)])
    })
    .await;

    // Listed again, an entry is one, and ends at the later of its times.
    assert_eq!(store.index_add(&bob, &key(5), LONG * 2).await, Ok(()));
    assert_eq!(store.index_list(&bob).await, Ok(vec![key(5)]));
}

async fn a_session_is_taken_whole_and_once<S: Store>(store: &S) {
    let key = created(store, 1).await;
    assert_eq!(store.take(&key).await, Ok(Some(session(1))));
    assert_eq!(store.take(&key).await, Ok(None));
    assert_eq!(store.load(&key).await, Ok(None));
}

async fn c52_a_refresh_token_is_spent_by_one<S: Store>(store: &S) {
    let none = Duration::ZERO;
    let key = created(store, 1).await;
    assert_eq!(store.intend(&key, 2, "a", LONG).await, Ok(Intent::Stale));
    assert_eq!(store.intend(&key, 1, "a", none).await, Ok(Intent::First));
    assert_eq!(store.intend(&key, 1, "a", none).await, Ok(Intent::First), "asked again");
    assert_eq!(store.intend(&key, 1, "b", none).await, Ok(Intent::Lost));

    assert_eq!(store.replace(&key, &session(1), session(2), LONG).await, Ok(Swap::Done));
    assert_eq!(store.intend(&key, 1, "a", none).await, Ok(Intent::Stale));
    assert_eq!(store.intend(&key, 2, "b", none).await, Ok(Intent::First), "a new token");
    assert_eq!(store.replace(&key, &session(2), session(2), LONG).await, Ok(Swap::Done));
    assert_eq!(store.intend(&key, 2, "c", none).await, Ok(Intent::First), "as new as any other");

    assert_eq!(store.delete(&key).await, Ok(true));
    assert_eq!(store.intend(&key, 2, "b", LONG).await, Ok(Intent::Gone));
    assert_eq!(store.load(&key).await, Ok(None), "an intent revives nothing");
}

async fn c51_a_lost_answer_is_forgiven_once<S: Store>(store: &S) {
    let key = created(store, 1).await;
    assert_eq!(store.intend(&key, 1, "a", LONG).await, Ok(Intent::First));
    assert_eq!(store.intend(&key, 1, "b", LONG).await, Ok(Intent::Again));
    assert_eq!(store.intend(&key, 1, "b", LONG).await, Ok(Intent::Again), "asked again");
    assert_eq!(store.intend(&key, 1, "c", LONG).await, Ok(Intent::Lost));
    assert_eq!(store.intend(&key, 1, "a", LONG).await, Ok(Intent::Lost), "its turn is over");
    assert_eq!(store.forget_intent(&key, "a").await, Ok(()));
    assert_eq!(store.intend(&key, 1, "c", LONG).await, Ok(Intent::Lost), "not its own");

    // What the second never sent may be sent once still, and not as the first.
    assert_eq!(store.forget_intent(&key, "b").await, Ok(()));
    assert_eq!(store.intend(&key, 1, "c", Duration::ZERO).await, Ok(Intent::Lost), "too late");
    assert_eq!(store.intend(&key, 1, "c", LONG).await, Ok(Intent::Again));
    assert_eq!(store.intend(&key, 1, "d", LONG).await, Ok(Intent::Lost));
}

async fn an_intent_is_taken_back_by_its_owner<S: Store>(store: &S) {
    let key = created(store, 1).await;
    assert_eq!(store.intend(&key, 1, "a", LONG).await, Ok(Intent::First));
    assert_eq!(store.forget_intent(&key, "b").await, Ok(()));
    assert_eq!(store.forget_intent(&key, "a").await, Ok(()));
    assert_eq!(store.intend(&key, 1, "b", LONG).await, Ok(Intent::First));
    assert_eq!(store.load(&key).await, Ok(Some(session(1))));
}

async fn any_bytes_are_kept<S: Store>(store: &S) {
    let odd: Bytes = (0..=255).collect::<Vec<u8>>().into();
    let stored = StoredSession {
        edge: odd.clone(),
        tokens: odd.clone(),
        management: odd,
        version: u64::MAX,
    };
    assert_eq!(store.create(&key(1), stored.clone(), LONG).await, Ok(true));
    assert_eq!(store.load(&key(1)).await, Ok(Some(stored)));
}
