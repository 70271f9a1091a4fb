//! The most sessions of one user.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::future::join_all;
use session::store::Store as _;

use crate::testing::{Browser, World, begin_directly};

#[tokio::test]
async fn c46_the_oldest_session_goes() {
    let world = World::administered(&[("SESSION_MAX_PER_USER", "2")]).await;
    let [first, second, third] =
        [world.signed_in().await, world.signed_in().await, world.signed_in().await];
    assert!(!world.is_signed_in(&first).await);
    assert!(world.is_signed_in(&second).await && world.is_signed_in(&third).await);

    // Another user is not counted, nor is a session that is over.
    let browser = Browser::new();
    let login = world.begin(&browser, "/auth/login").await;
    world.finish_as(&browser, &login, &serde_json::json!({ "sub": "bob" })).await;
    assert!(world.is_signed_in(&second).await && world.is_signed_in(&browser).await);
    world.clock.advance(3000);
    second.get("/api/auth/session").send(&world.app).await;
    assert!(world.app.shutdown.drained(Duration::from_secs(5)).await);
    world.clock.advance(1000);
    assert!(!world.is_signed_in(&third).await, "it idled out");
    let fourth = world.signed_in().await;
    assert!(world.is_signed_in(&second).await && world.is_signed_in(&fourth).await);
}

#[tokio::test]
async fn c46_without_a_cap_nobody_goes() {
    let world = World::administered(&[]).await;
    assert_eq!(world.sessions(20).await.len(), 20);
    assert_eq!(world.stored().await.len(), 20);
}

#[tokio::test]
async fn c46_of_fifty_logins_at_once_exactly_as_many_remain_as_may() {
    let world = World::administered(&[("SESSION_MAX_PER_USER", "5")]).await;
    let login = world.logged_in().await;
    let pair = world.pair();
    for seed in 1..=40 {
        pair.pace(seed);
        let logins =
            (0..50).map(|number| begin_directly(&pair.apps[number % 2], &login, Duration::ZERO));
        let begun = join_all(logins).await;
        let left: HashSet<_> = world.stored().await.into_iter().collect();
        assert_eq!(left.len(), 5, "seed {seed}");
        for id in begun.iter().flatten() {
            let lives = world.app.store.load(&id.store_key()).await.unwrap().is_some();
            assert_eq!(lives, left.contains(&id.store_key()), "a session that no list knows");
        }
        for refused in begun.iter().filter_map(|begun| begun.as_ref().err()) {
            assert_eq!(refused.reason(), "too_many_sessions");
        }
    }
}
