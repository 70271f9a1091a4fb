//! A Redis that may not tell of changes is not believed.

use e2e::verify::{Line, Verify, allow};
use e2e::wait;

use crate::deployment::{ALONE, BACK, SOON, delete, refused, save, verify, warm};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t16_a_redis_that_may_not_tell_of_changes_is_not_read_from() {
    let _alone = ALONE.lock().await;
    let (verify, keys) = verify(&["-client|tracking"]).await;
    let session = save(&verify, &keys, "USER").await;
    // Enough connections that both threads answer.
    for _ in 0..20 {
        let mut line = Line::open(verify.address).await;
        assert_eq!(line.ask(&session.cookie).await.status, 503);
    }
    assert_eq!(verify.redis.calls("hget").await, 0);

    allow(&verify.redis, &["+client|tracking"]).await;
    let mut lines = [Line::open(verify.address).await, Line::open(verify.address).await];
    warm(&mut lines, &session.cookie).await;
    let changed = delete(&verify, &session).await;
    refused(&mut lines, &session.cookie, changed, SOON).await;
}

/// A verify whose right to be told of changes was taken while it ran.
async fn without_the_right() -> Verify {
    let (verify, keys) = verify(&[]).await;
    let session = save(&verify, &keys, "USER").await;
    let mut line = Line::open(verify.address).await;
    assert_eq!(line.ask(&session.cookie).await.status, 200);
    allow(&verify.redis, &["-client|tracking"]).await;
    for id in verify.redis.trackers().await {
        verify.redis.ask(&[b"CLIENT", b"KILL", b"ID", id.as_bytes()]).await;
    }
    wait::until("verify refuses", BACK, async || {
        (line.ask(&session.cookie).await.status == 503).then_some(())
    })
    .await;
    verify
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_redis_that_refuses_to_tell_of_changes_is_named_in_the_log() {
    let _alone = ALONE.lock().await;
    let verify = without_the_right().await;
    wait::until("the log says that Redis refuses", BACK, async || {
        let loud = |line: &str| line.contains(r#""WARN""#) || line.contains(r#""ERROR""#);
        let log = verify.program.log();
        log.lines().any(|line| loud(line) && line.contains("redis")).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn health_is_degraded_where_redis_refuses_to_tell_of_changes() {
    let _alone = ALONE.lock().await;
    let verify = without_the_right().await;
    let health = format!("http://{}/health", verify.program.admin);
    let reply = verify.agent.get(&health).send().await;
    assert_eq!(reply.status, 503, "no session can be served: {}", reply.text());
}
