//! Replicas that die or stand still while they refresh.

use std::time::Duration;

use e2e::stack::Stack;
use e2e::wait;
use rustix::process::Signal;
use serde_json::json;
use tokio::time::Instant;

use super::Expired;

/// How long a replica that died keeps the others waiting: its lease, and what a shared machine adds.
const TAKEN_OVER: Duration = Duration::from_secs(10);

/// The first replica dies while the provider holds its refresh; then the second is asked.
async fn killed(mut expired: Expired, how: serde_json::Value, answer: u16) -> Expired {
    let call = expired.call_until_held(how).await;
    expired.stack.bff.process().kill();
    expired.stack.idp.release().await;
    call.await.expect("the call ended with its replica");
    let begun = Instant::now();
    let reply = expired.call(expired.second()).await;
    assert_eq!(reply.status.as_u16(), answer, "{}", reply.text());
    assert!(begun.elapsed() < TAKEN_OVER, "{:?}", begun.elapsed());
    let agent = expired.stack.agent();
    expired.stack.bff.restart(&agent).await;
    expired
}

#[tokio::test(flavor = "multi_thread")]
async fn c52_a_replica_killed_before_the_provider_worked_costs_one_login() {
    let expired = Expired::start(Stack::plan()).await;
    let expired = killed(expired, json!({"hold": true, "drop": true}), 401).await;
    // Nobody can know that the provider did nothing.
    expired.spent_at_most(1).await;
    expired.told_as_lost();
    expired.ended("refresh_lost").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c52_a_replica_killed_before_the_provider_worked_costs_nothing_within_the_grace() {
    let expired = Expired::start_with_grace().await;
    let expired = killed(expired, json!({"hold": true, "drop": true}), 200).await;
    expired.lives().await;
    expired.spent_at_most(2).await;
    assert_eq!(expired.refreshes().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn c52_a_replica_killed_after_the_provider_worked_costs_one_login() {
    let expired = Expired::start(Stack::plan()).await;
    let expired = killed(expired, json!({"hold": true, "after": true}), 401).await;
    expired.spent_at_most(1).await;
    expired.told_as_lost();
    expired.ended("refresh_lost").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c52_a_replica_killed_after_the_provider_worked_costs_nothing_within_the_grace() {
    let expired = Expired::start_with_grace().await;
    let expired = killed(expired, json!({"hold": true, "after": true}), 200).await;
    expired.lives().await;
    expired.spent_at_most(2).await;
    assert_eq!(expired.refreshes().await, 2);
}

/// The first replica stands still while the provider holds the answer to its refresh, until its lease
/// is over. Then the second is asked, and then the first goes on.
async fn overtaken(mut expired: Expired, how: serde_json::Value, answer: u16) -> Expired {
    let call = expired.call_until_held(how).await;
    expired.stack.bff.process().signal(Signal::STOP);
    expired.stack.idp.release().await;
    wait::until("the lease is over", wait::START, async || {
        expired.stack.keys("bff:lease:").await.is_empty().then_some(())
    })
    .await;
    let reply = expired.call(expired.second()).await;
    assert_eq!(reply.status.as_u16(), answer, "{}", reply.text());
    expired.stack.bff.process().signal(Signal::CONT);
    call.await.expect("the first replica answers");
    expired
}

fn rotated() -> serde_json::Value {
    json!({"hold": true, "after": true})
}

#[tokio::test(flavor = "multi_thread")]
async fn c52_an_answer_that_comes_after_the_lease_revives_nothing() {
    let expired = overtaken(Expired::start(Stack::plan()).await, rotated(), 401).await;
    expired.spent_at_most(1).await;
    expired.told_as_lost();
    wait::until("the tokens that came too late are revoked", wait::START, async || {
        (expired.stack.idp.count("POST /token/revocation").await > 0).then_some(())
    })
    .await;
    expired.ended("refresh_lost").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c52_an_answer_that_comes_after_the_lease_replaces_nothing_newer() {
    let expired = overtaken(Expired::start_with_grace().await, rotated(), 200).await;
    expired.lives().await;
    expired.spent_at_most(2).await;
    assert_eq!(expired.refreshes().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn c54_invalid_grant_that_comes_after_newer_tokens_were_stored_ends_nothing() {
    let refused = json!({"hold": true, "status": 400, "body": "{\"error\":\"invalid_grant\"}"});
    let expired = overtaken(Expired::start_with_grace().await, refused, 200).await;
    expired.lives().await;
    expired.spent_at_most(1).await;
    assert_eq!(expired.refreshes().await, 1);
}
