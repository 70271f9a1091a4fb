//! What lies in PostgreSQL, for how long, and what of it verify alone changes.

use std::time::Duration;

use e2e::stack::Stack;
use e2e::wait;

use super::Scene;

/// What it holds is what Redis holds: sealed, under a hash of the cookie.
#[tokio::test(flavor = "multi_thread")]
async fn t11_nothing_in_postgres_makes_anybody_somebody() {
    let mut scene = Scene::start().await;
    let (alice, bob) = (scene.signed_in("alice").await, scene.signed_in("bob").await);
    scene.lives(&alice).await;
    let mut canaries = scene.stack.canaries().await;
    canaries.plant("a session cookie", &scene.stack.cookie(&alice));
    let (reply, _) = scene.sign_out(&bob).await;
    assert!(reply.status.is_success(), "{}", reply.text());
    scene.told().await;
    let dump = scene.postgres().dump();
    assert!(dump.contains("wicketgate_sessions") && dump.len() > 1_000, "{dump}");
    assert_eq!(canaries.found("PostgreSQL", dump.as_bytes()), Vec::<String>::new());
    // What has ended leaves its key behind, and nothing else.
    let left = "SELECT length(edge) + length(tokens) + length(management) \
                FROM wicketgate_sessions WHERE ended";
    assert_eq!(scene.postgres().query(left), "0");
}

/// Verify moves the idle deadline in Redis alone, and never asks PostgreSQL.
#[tokio::test(flavor = "multi_thread")]
async fn c80_a_session_that_verify_alone_keeps_alive_outlives_redis() {
    let mut scene = Scene::of(Stack::plan().bff("SESSION_IDLE_TTL", "60")).await;
    let agent = scene.signed_in("alice").await;
    let edge = "SELECT encode(edge, 'hex') FROM wicketgate_sessions";
    let begun = scene.postgres().query(edge);
    wait::until("PostgreSQL knows of the use", Duration::from_secs(90), async || {
        assert_eq!(scene.stack.ask_verify(&agent, "/app/").send().await.status, 200);
        tokio::time::sleep(Duration::from_millis(500)).await;
        (scene.postgres().query(edge) != begun).then_some(())
    })
    .await;
    let log = scene.postgres().log();
    assert!(!log.contains("ERROR"), "{log}");
    scene.redis_loses_all().await;
    scene.lives(&agent).await;
}

/// Rows go when their time is over.
#[tokio::test(flavor = "multi_thread")]
async fn c80_what_is_over_is_swept() {
    let mut scene = Scene::start().await;
    let agent = scene.signed_in("alice").await;
    let other = scene.signed_in("bob").await;
    let (reply, _) = scene.sign_out(&other).await;
    assert!(reply.status.is_success(), "{}", reply.text());
    scene.told().await;
    let count = "SELECT count(*) FROM wicketgate_sessions";
    assert_eq!(scene.postgres().query(count), "2");
    scene.postgres().query(
        "UPDATE wicketgate_sessions SET expires_at = now() - interval '2 hours' WHERE ended; \
         UPDATE wicketgate_lists SET expires_at = now() - interval '2 hours'",
    );
    wait::until("it is swept", Duration::from_mins(1), async || {
        let lists = scene.postgres().query("SELECT count(*) FROM wicketgate_lists");
        (scene.postgres().query(count) == "1" && lists == "0").then_some(())
    })
    .await;
    scene.lives(&agent).await;
}
