//! Owns: what every store must do beside the sessions.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{LONG, SHORT, eventually};
use crate::denied::DeniedKey;
use crate::shelf::{News, Shelf};
use crate::store::IndexKey;

pub(super) async fn run<S: Shelf, F: Future<Output = S>>(fresh: &impl Fn() -> F) {
    a_login_is_taken_once(&fresh().await).await;
    parallel_takers_share_one_login(&fresh().await).await;
    a_lease_has_one_holder(&fresh().await).await;
    a_lease_is_extended_by_its_holder(&fresh().await).await;
    a_tombstone_tells_its_age(&fresh().await).await;
    notes_are_written_over_and_taken_away(&fresh().await).await;
    a_denial_stands_for_its_time(&fresh().await).await;
    news_reach_every_follower(&fresh().await).await;
    super::permits::run(fresh).await;
}

async fn a_login_is_taken_once<S: Shelf>(store: &S) {
    assert_eq!(store.put_login("state", "sealed".into(), LONG).await, Ok(()));
    let taken = store.take_login("state").await.ok().flatten();
    assert_eq!(taken.as_ref().map(|taken| &*taken.sealed), Some(&b"sealed"[..]));
    let remaining = taken.map(|taken| taken.remaining).unwrap_or_default();
    assert!(remaining <= LONG && remaining > LONG / 2, "{remaining:?}");
    assert_eq!(store.take_login("state").await, Ok(None));

    assert_eq!(store.put_login("old", "sealed".into(), SHORT).await, Ok(()));
    // Reading takes it, so its end can only be waited for.
    tokio::time::sleep(SHORT * 2).await;
    assert_eq!(store.take_login("old").await, Ok(None));
}

async fn parallel_takers_share_one_login<S: Shelf>(store: &S) {
    assert_eq!(store.put_login("state", "sealed".into(), LONG).await, Ok(()));
    let (a, b, c) = tokio::join!(
        store.take_login("state"),
        store.take_login("state"),
        store.take_login("state")
    );
    let winners = [a, b, c].into_iter().filter(|taken| matches!(taken, Ok(Some(_)))).count();
    assert_eq!(winners, 1);
}

async fn a_lease_has_one_holder<S: Shelf>(store: &S) {
    assert_eq!(store.acquire_lease("refresh", "a", LONG).await, Ok(true));
    assert_eq!(store.acquire_lease("refresh", "b", LONG).await, Ok(false));
    assert_eq!(store.release_lease("refresh", "b").await, Ok(()));
    assert_eq!(store.acquire_lease("refresh", "b", LONG).await, Ok(false));
    assert_eq!(store.release_lease("refresh", "a").await, Ok(()));
    assert_eq!(store.acquire_lease("refresh", "b", SHORT).await, Ok(true));
    eventually("a lease outlived its time", || async {
        store.acquire_lease("refresh", "c", LONG).await == Ok(true)
    })
    .await;
}

async fn a_lease_is_extended_by_its_holder<S: Shelf>(store: &S) {
    assert_eq!(store.extend_lease("refresh", "a", LONG).await, Ok(false), "nobody holds it");
    assert_eq!(store.acquire_lease("refresh", "a", LONG).await, Ok(true));
    assert_eq!(store.extend_lease("refresh", "b", LONG).await, Ok(false));
    assert_eq!(store.extend_lease("refresh", "a", SHORT).await, Ok(true));
    eventually("the new end does not count", || async {
        store.acquire_lease("refresh", "b", LONG).await == Ok(true)
    })
    .await;
    assert_eq!(store.extend_lease("refresh", "a", LONG).await, Ok(false), "it is b's by now");
}

async fn a_tombstone_tells_its_age<S: Shelf>(store: &S) {
    let alice = IndexKey::user("", "https://idp.example", "alice");
    let bob = IndexKey::user("", "https://idp.example", "bob");
    assert_eq!(store.tombstone(&alice).await, Ok(None));
    assert_eq!(store.put_tombstone(&alice, LONG).await, Ok(()));
    let standing = store.tombstone(&alice).await.ok().flatten().unwrap_or_default();
    assert!(standing <= LONG && standing > LONG / 2, "{standing:?}");
    assert_eq!(store.tombstone(&bob).await, Ok(None));

    assert_eq!(store.put_tombstone(&bob, SHORT).await, Ok(()));
    eventually("a tombstone outlived its time", || async {
        store.tombstone(&bob).await == Ok(None)
    })
    .await;
}

async fn notes_are_written_over_and_taken_away<S: Shelf>(store: &S) {
    assert_eq!(store.note("flags").await, Ok(None));
    assert_eq!(store.put_note("flags", "one".into(), None).await, Ok(()));
    assert_eq!(store.put_note("flags", "two".into(), Some(LONG)).await, Ok(()));
    assert_eq!(store.note("flags").await, Ok(Some("two".into())));
    assert_eq!(store.remove_note("flags").await, Ok(()));
    assert_eq!(store.note("flags").await, Ok(None));

    assert_eq!(store.put_note("nonce", "n".into(), Some(SHORT)).await, Ok(()));
    eventually("a note outlived its time", || async { store.note("nonce").await == Ok(None) })
        .await;
}

async fn a_denial_stands_for_its_time<S: Shelf>(store: &S) {
    // The list is one for all who share a server, so each run has names of its own.
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let name = format!("t{}", RUNS.fetch_add(1, Ordering::Relaxed));
    let (token, user) = (DeniedKey::token("i", &name), DeniedKey::user("i", &name));
    assert_eq!(store.denial(&token).await, Ok(None));
    assert_eq!(store.put_denial(&token, Bytes::new(), LONG).await, Ok(()));
    assert_eq!(store.denial(&token).await, Ok(Some(Bytes::new())));
    assert_eq!(store.denial(&user).await, Ok(None));
    assert_eq!(store.put_denial(&user, "7".into(), SHORT).await, Ok(()));
    eventually("a denial outlived its time", || async { store.denial(&user).await == Ok(None) })
        .await;
    assert_eq!(store.denial(&token).await, Ok(Some(Bytes::new())));
}

async fn news_reach_every_follower<S: Shelf>(store: &S) {
    let (mut one, mut other) = (store.follow(), store.follow());
    let (mut one_heard, mut other_heard) = (Vec::new(), Vec::new());
    let message = Bytes::from_static(b"ended\0\xff");
    let deadline = Instant::now() + Duration::from_secs(5);
    // Nothing is promised before the connection stands, so it is said until it is heard.
    while one_heard.is_empty() || other_heard.is_empty() {
        assert!(Instant::now() < deadline, "nothing was heard");
        assert_eq!(store.publish(message.clone()).await, Ok(()));
        for (follower, heard) in [(&mut one, &mut one_heard), (&mut other, &mut other_heard)] {
            while let Ok(Ok(news)) = tokio::time::timeout(SHORT, follower.recv()).await {
                heard.extend(match news {
                    News::Message(heard) => Some(heard),
                    News::Missed => None,
                });
            }
        }
    }
    assert!(one_heard.iter().chain(&other_heard).all(|heard| *heard == message));
}
