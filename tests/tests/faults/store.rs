//! A store that is away, refuses or forgets while tokens are rotated.

use std::time::Duration;

use e2e::stack::Stack;
use e2e::verify::allow;
use e2e::wait;
use serde_json::json;

use super::Expired;

#[tokio::test(flavor = "multi_thread")]
async fn c56_a_store_that_is_away_before_the_refresh_costs_nothing() {
    let expired = Expired::start(Stack::plan()).await;
    expired.stack.redis.freeze();
    for bff in expired.stack.bffs() {
        assert_eq!(expired.call(bff).await.status, 503);
    }
    expired.stack.redis.thaw();
    assert!(expired.stack.idp.spent().await.is_empty(), "spent without being written down");
    expired.lives().await;
    expired.spent_at_most(1).await;
    assert_eq!(expired.refreshes().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn c56_rotated_tokens_that_come_while_the_store_is_away_are_stored_when_it_is_back() {
    let expired = Expired::start(Stack::plan()).await;
    let call = expired.call_until_held(json!({"hold": true, "after": true})).await;
    expired.stack.redis.freeze();
    expired.stack.idp.release().await;
    wait::until("a write has failed", wait::START, async || {
        expired.stack.bff.log().contains("rotated tokens not stored yet").then_some(())
    })
    .await;
    expired.stack.redis.thaw();
    call.await.expect("the caller is answered");
    expired.lives().await;
    expired.spent_at_most(1).await;
    assert_eq!(expired.refreshes().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn c56_rotated_tokens_that_the_store_never_takes_cost_one_login() {
    let expired = Expired::start(Stack::plan()).await;
    let call = expired.call_until_held(json!({"hold": true, "after": true})).await;
    allow(&expired.stack.redis, &["-hset"]).await;
    expired.stack.idp.release().await;
    wait::until("the loss is on record", Duration::from_secs(40), async || {
        (!expired.stack.audit("session.refresh_lost").is_empty()).then_some(())
    })
    .await;
    allow(&expired.stack.redis, &["+hset"]).await;
    call.await.expect("the caller is answered");
    expired.spent_at_most(1).await;
    // Whoever asks next ends it.
    let reply = expired.call(expired.second()).await;
    assert_eq!(reply.status, 401, "{}", reply.text());
    expired.spent_at_most(1).await;
    expired.ended("refresh_lost").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t15_a_store_that_comes_back_empty_has_no_sessions_and_the_new_tokens_are_revoked() {
    let mut expired = Expired::start(Stack::plan()).await;
    let call = expired.call_until_held(json!({"hold": true, "after": true})).await;
    expired.stack.redis.kill();
    expired.stack.redis.restart_empty().await;
    expired.stack.idp.release().await;
    call.await.expect("the caller is answered");
    wait::until("the new tokens are revoked", wait::START, async || {
        (expired.stack.idp.count("POST /token/revocation").await > 0).then_some(())
    })
    .await;
    for bff in expired.stack.bffs() {
        wait::until("the replica has found the store", wait::START, async || {
            let reply = expired.call(bff).await;
            assert!(matches!(reply.status.as_u16(), 401 | 503), "{}", reply.text());
            (reply.status == 401).then_some(())
        })
        .await;
    }
    expired.spent_at_most(1).await;
    assert!(expired.stack.keys("bff:session:").await.is_empty(), "a session came back");
    expired.back_after_one_login().await;
}
