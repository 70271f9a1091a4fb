//! A provider in trouble, and a line to it that breaks.

use e2e::scratch::Scratch;
use e2e::stack::Stack;
use e2e::tls::Ca;
use serde_json::{Value, json};

use super::Expired;

#[tokio::test(flavor = "multi_thread")]
async fn c51_an_answer_lost_after_rotation_costs_one_login() {
    let expired = Expired::start(Stack::plan()).await;
    expired.stack.idp.fault("/token", 1, json!({"after": true, "drop": true})).await;
    let reply = expired.call(expired.first()).await;
    assert_eq!(reply.status, 401, "{}", reply.text());
    expired.spent_at_most(1).await;
    expired.told_as_lost();
    expired.ended("refresh_lost").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c51_an_answer_lost_after_rotation_is_got_again_within_the_grace() {
    let expired = Expired::start_with_grace().await;
    expired.stack.idp.fault("/token", 1, json!({"after": true, "drop": true})).await;
    let reply = expired.call(expired.first()).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    expired.lives().await;
    expired.spent_at_most(2).await;
    assert_eq!(expired.refreshes().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn c51_there_is_one_retry_within_the_grace_and_no_more() {
    let expired = Expired::start_with_grace().await;
    expired.stack.idp.fault("/token", 100, json!({"after": true, "drop": true})).await;
    for bff in expired.stack.bffs() {
        let reply = expired.call(bff).await;
        assert_eq!(reply.status, 401, "{}", reply.text());
    }
    expired.spent_at_most(2).await;
    expired.stack.idp.control("clear-faults", &json!({})).await;
    expired.told_as_lost();
    expired.ended("refresh_lost").await;
}

/// Whatever the provider says but `invalid_grant`, the session waits until it says something better.
async fn refused(fault: Value) {
    let expired = Expired::start(Stack::plan()).await;
    expired.stack.idp.fault("/token", 100, fault).await;
    for bff in expired.stack.bffs() {
        let reply = expired.call(bff).await;
        assert_eq!(reply.status, 503, "{}", reply.text());
        assert_ne!(reply.header("retry-after"), "");
        assert_eq!(reply.header("set-cookie"), "");
    }
    expired.stack.idp.control("clear-faults", &json!({})).await;
    expired.lives().await;
    expired.spent_at_most(1).await;
    assert_eq!(expired.refreshes().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn c55_a_500_of_the_provider_ends_no_session() {
    refused(json!({"status": 500, "body": "{\"error\":\"server_error\"}"})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c55_a_429_of_the_provider_ends_no_session() {
    refused(json!({"status": 429, "headers": {"retry-after": "1"}})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c55_invalid_client_ends_no_session() {
    refused(json!({"status": 401, "body": "{\"error\":\"invalid_client\"}"})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c55_a_broken_handshake_with_the_provider_ends_no_session() {
    let expired = Expired::start(Stack::plan()).await;
    expired.stack.idp.wire.cut();
    for bff in expired.stack.bffs() {
        assert_eq!(expired.call(bff).await.status, 503);
    }
    expired.stack.idp.wire.mend();
    expired.lives().await;
    expired.spent_at_most(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c55_a_stranger_in_the_place_of_the_provider_learns_nothing_and_ends_no_session() {
    let expired = Expired::start(Stack::plan()).await;
    let elsewhere = Scratch::new();
    let stranger = Ca::new(elsewhere.path().to_owned()).issue("stranger", &["localhost"]);
    expired.stack.idp.wire.tap(&stranger);
    for bff in expired.stack.bffs() {
        assert_eq!(expired.call(bff).await.status, 503);
    }
    expired.stack.idp.wire.mend();
    expired.lives().await;
    expired.spent_at_most(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c55_a_body_that_trickles_in_is_waited_for() {
    let expired = Expired::start(Stack::plan()).await;
    expired.stack.idp.fault("/token", 1, json!({"slow_ms": 10})).await;
    let reply = expired.call(expired.first()).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    expired.lives().await;
    expired.spent_at_most(1).await;
    assert_eq!(expired.refreshes().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn c51_a_body_that_never_ends_is_an_answer_lost() {
    let expired = Expired::start_with_grace().await;
    expired.stack.idp.fault("/token", 1, json!({"slow_ms": 500})).await;
    // The provider is given ten seconds, then the grace is used; who asks waits for fifteen.
    let reply = expired.call(expired.first()).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    expired.lives().await;
    expired.spent_at_most(2).await;
    assert_eq!(expired.refreshes().await, 2);
}
