//! Many requests at once over two replicas, with an access token that is dead.

use std::collections::BTreeSet;
use std::sync::Arc;

use e2e::agent::Agent;
use e2e::clock;
use e2e::stack::{Stack, to_bff};
use http::Method;
use serde_json::json;
use tokio::task::JoinSet;

const SESSIONS: usize = 100;
const CALLS: usize = 200;

/// All calls of one session, half of them over each replica, sent before any is answered.
async fn storm(stack: &Stack, agent: &Arc<Agent>) {
    let bffs = stack.bffs();
    let mut calls = JoinSet::new();
    for number in 0..CALLS {
        let (origin, agent) = (stack.origin.clone(), Arc::clone(agent));
        let bff = bffs[number % bffs.len()];
        calls.spawn(async move {
            to_bff(&origin, bff, &agent, Method::GET, "/api/echo/x").send().await
        });
    }
    for reply in calls.join_all().await {
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c49_c84_two_hundred_calls_over_two_replicas_cause_one_refresh_each_of_a_hundred_times() {
    let plan = Stack::plan().twice().idp("OP_AT_TTL", "1").both("RUST_LOG", "info");
    let stack = plan.start().await;
    let agents = stack.sign_in_many("alice", SESSIONS).await;
    // Dead on arrival so far; those that come of a refresh last.
    stack.idp.access_token_lifetime(3600).await;
    clock::reach(clock::now() + 2).await;
    assert!(stack.idp.spent().await.is_empty(), "a login refreshed");
    assert!(stack.upstream.seen().is_empty());

    // No refresh is over before a call comes over the other replica.
    stack.idp.fault("/token", u32::MAX, json!({"delay_ms": 100})).await;
    let mut known = BTreeSet::new();
    for (round, agent) in agents.into_iter().enumerate() {
        storm(&stack, &Arc::new(agent)).await;
        let refreshes = stack.idp.count("grant refresh_token").await;
        assert_eq!(refreshes, round as u64 + 1, "in round {round}");
        let seen = stack.upstream.take();
        assert_eq!(seen.len(), CALLS);
        let tokens: BTreeSet<_> =
            seen.iter().map(|seen| seen.header("authorization").to_owned()).collect();
        assert_eq!(tokens.len(), 1, "in round {round} a service got an old token and a new one");
        assert!(known.is_disjoint(&tokens), "in round {round} a service got another session's");
        known.extend(tokens);
    }
    let spent = stack.idp.spent().await;
    assert_eq!(spent.len(), SESSIONS);
    assert!(spent.values().all(|times| *times == 1), "{spent:?}");
    assert!(stack.audit("session.revoked").is_empty());
    counted(&stack).await;
}

/// The metrics tell of the same: who refreshed, who waited, and behind whom.
async fn counted(stack: &Stack) {
    let told = async |name: &str| stack.counted_by_bffs(name, "").await;
    assert_eq!(told("bff_token_refresh_success_total").await, SESSIONS as u64);
    assert_eq!(told("bff_token_refresh_sent_again_total").await, 0);
    assert_eq!(told("bff_refresh_lease_lost_total").await, 0);
    let (waits, joins) =
        (told("bff_refresh_wait_seconds_count").await, told("bff_token_refresh_joins_total").await);
    // A call waits for nobody that comes when its round is over.
    assert!(waits <= (SESSIONS * CALLS) as u64, "{waits}");
    // Who waits without joining anybody began to refresh: of a session at most once at each replica at a time.
    assert!(waits - joins >= SESSIONS as u64, "{waits} waits, {joins} of them joined");
    let behind =
        stack.counted_by_bffs("bff_refresh_lease_wait_seconds_count", "result=\"settled\"").await;
    assert!(behind > 0 && behind <= waits - joins - SESSIONS as u64, "{behind} behind the other");
}
