//! Owns: how every store counts permits.

use std::future::Future;
use std::time::{Duration, Instant};

use super::eventually;
use crate::permits::Quota;
use crate::shelf::Shelf;

pub(super) async fn run<S: Shelf, F: Future<Output = S>>(fresh: &impl Fn() -> F) {
    permits_are_used_up(&fresh().await).await;
    parallel_takers_share_one_limit(&fresh().await).await;
    many_permits_are_given_while_there_are_many(&fresh().await).await;
    permits_come_back(&fresh().await).await;
}

#[expect(clippy::expect_used, reason = "the suite tests")]
fn quota(limit: u32, window: Duration) -> Quota {
    Quota::new(limit, window).expect("a quota")
}

async fn permits_are_used_up<S: Shelf>(store: &S) {
    let quota = quota(3, Duration::from_secs(3_600));
    for remaining in [2, 1, 0] {
        let grant = store.take_permits("alice", quota, 1).await;
        let seen = grant.as_ref().map(|grant| (grant.permits, grant.remaining));
        assert_eq!(seen, Ok((1, remaining)));
    }
    let refused = store.take_permits("alice", quota, 1).await;
    assert_eq!(refused.as_ref().map(|grant| (grant.permits, grant.remaining)), Ok((0, 0)));
    let back_in = refused.map(|grant| grant.back_in).unwrap_or_default();
    assert!(back_in > quota.window() && back_in <= quota.memory(), "{back_in:?}");
    let other = store.take_permits("bob", quota, 1).await;
    assert_eq!(other.map(|grant| grant.permits), Ok(1), "another name has its own");
}

async fn parallel_takers_share_one_limit<S: Shelf>(store: &S) {
    let quota = quota(2, Duration::from_secs(3_600));
    // fred's futures are too large for a test's stack.
    let take = || Box::pin(async { store.take_permits("alice", quota, 1).await });
    let (first, second, third, fourth) = tokio::join!(take(), take(), take(), take());
    let given = [first, second, third, fourth].map(|grant| grant.map_or(0, |grant| grant.permits));
    assert_eq!(given.iter().sum::<u32>(), 2, "{given:?}");
}

async fn many_permits_are_given_while_there_are_many<S: Shelf>(store: &S) {
    let quota = quota(1_000, Duration::from_secs(3_600));
    let first = store.take_permits("alice", quota, 64).await;
    assert_eq!(first.map(|grant| (grant.permits, grant.remaining)), Ok((15, 985)));
    let mut given = 15;
    for _ in 0..1_000 {
        let grant = store.take_permits("alice", quota, 8).await;
        given += grant.map_or(0, |grant| grant.permits);
    }
    assert_eq!(given, 1_000);
}

async fn permits_come_back<S: Shelf>(store: &S) {
    let (quota, begun) = (quota(2, Duration::from_secs(1)), Instant::now());
    for _ in 0..2 {
        let grant = store.take_permits("alice", quota, 1).await;
        assert_eq!(grant.map(|grant| grant.permits), Ok(1));
    }
    eventually("a permit never came back", || async {
        matches!(store.take_permits("alice", quota, 1).await, Ok(grant) if grant.permits == 1)
    })
    .await;
    assert!(begun.elapsed() >= quota.window(), "a permit came back early");
}
