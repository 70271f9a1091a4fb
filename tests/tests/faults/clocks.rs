//! Replicas whose clocks are two minutes apart.
//!
//! Which of them a login begins at, ends at, or a refresh happens at makes no difference, but for one
//! thing: a token that the one ahead has taken looks alive to the one behind for two minutes more.

use std::net::SocketAddr;

use e2e::agent::Agent;
use e2e::clock;
use e2e::stack::Stack;
use http::Method;

async fn call(stack: &Stack, agent: &Agent, bff: SocketAddr) {
    let reply = stack.to_bff(bff, agent, Method::GET, "/api/echo/x").send().await;
    assert_eq!(reply.status, 200, "{}", reply.text());
}

async fn signed_in_everywhere(stack: &Stack, agent: &Agent) {
    for bff in stack.bffs() {
        let reply = stack.to_bff(bff, agent, Method::GET, "/api/auth/session").send().await;
        assert_eq!(reply.json()["authenticated"], true, "{}", reply.text());
    }
    for verify in stack.verifies() {
        assert_eq!(stack.ask_verify_at(verify, agent, "/app/").send().await.status, 200);
    }
}

/// A session from every login to every refresh, over two replicas of which `ahead` is the one whose
/// clock is two minutes later.
async fn apart(seconds: &str, ahead: usize) {
    let stack = Stack::plan().twice_with_clock(seconds).start().await;
    let bffs = stack.bffs();
    let (ahead, behind) = (bffs[ahead], bffs[1 - ahead]);
    stack.idp.access_token_lifetime(1).await;
    let mut sessions = Vec::new();
    for (from, to) in [(ahead, ahead), (ahead, behind), (behind, ahead), (behind, behind)] {
        for refresher in [ahead, behind] {
            let agent = stack.agent();
            stack.sign_in_over(&agent, "alice", from, to).await;
            signed_in_everywhere(&stack, &agent).await;
            sessions.push((agent, to, refresher));
        }
    }
    stack.idp.access_token_lifetime(3600).await;
    clock::reach(clock::now() + 2).await;
    let mut refreshes = 0;
    for (agent, to, refresher) in sessions {
        call(&stack, &agent, refresher).await;
        refreshes += u64::from((to, refresher) != (ahead, behind));
        assert_eq!(stack.idp.count("grant refresh_token").await, refreshes);
        // What one has refreshed, the other uses.
        call(&stack, &agent, behind).await;
        signed_in_everywhere(&stack, &agent).await;
    }
    assert!(stack.audit("session.revoked").is_empty(), "{:?}", stack.audit("session.revoked"));
    assert!(stack.audit("login.failed").is_empty(), "{:?}", stack.audit("login.failed"));
    assert_eq!(stack.idp.spent_at_most().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn c41_a_replica_two_minutes_ahead_ends_no_session_and_spends_no_token_twice() {
    apart("+120", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c41_a_replica_two_minutes_behind_ends_no_session_and_spends_no_token_twice() {
    apart("-120", 0).await;
}
