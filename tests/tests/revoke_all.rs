//! Every session of a user ended at once by an administrator: on each replica, in each verify and its
//! cache, with the logins that are under way, in one Redis and in a Redis Cluster.

use std::collections::BTreeMap;

use e2e::agent::Agent;
use e2e::stack::{Plan, Stack};
use futures_util::{StreamExt as _, stream};
use http::Method;
use serde_json::json;

const SESSIONS: usize = 500;
const TOKEN: &str = "admin-canary-0123456789abcdef0123456789abcdef";

/// Scripts that do not come of a single session: one reads the list, one denies what the user has.
const BESIDE: u64 = 5;

fn plan() -> Plan {
    Stack::plan().twice().bff("BFF_ADMIN_TOKENS", format!("ops:{TOKEN}")).both("RUST_LOG", "info")
}

/// What each of `agents` is told by one `bff` and one verify, by turns.
async fn told(stack: &Stack, agents: &[Agent]) -> Vec<(u16, u16)> {
    let (bffs, verifies) = (stack.bffs(), stack.verifies());
    let all = agents.iter().enumerate().map(|(turn, agent)| {
        let (bff, verify) = (bffs[turn % bffs.len()], verifies[turn % verifies.len()]);
        async move {
            let call = stack.to_bff(bff, agent, Method::GET, "/api/echo/x").send().await;
            let asked = stack.ask_verify_at(verify, agent, "/app/").send().await;
            (call.status.as_u16(), asked.status.as_u16())
        }
    });
    stream::iter(all).buffered(16).collect().await
}

async fn calls(stack: &Stack) -> BTreeMap<String, u64> {
    match &stack.cluster {
        Some(cluster) => cluster.calls().await,
        None => stack.redis.all_calls().await,
    }
}

/// Ends all sessions of alice, of whom there are [`SESSIONS`], and looks everywhere.
async fn revoke_all(stack: &Stack) {
    let agents = stack.sign_in_many("alice", SESSIONS).await;
    let bystander = stack.agent();
    stack.sign_in_directly(&bystander, "bob").await;
    let at_the_provider = stack.agent();
    let callback = stack.up_to_the_callback(&at_the_provider, "alice", stack.bff_address).await;
    // Both turns, so that a cache of verify holds every one of them.
    for _ in 0..2 {
        assert!(told(stack, &agents).await.iter().all(|told| *told == (200, 200)));
    }
    assert_eq!(stack.keys("bff:session:").await.len(), SESSIONS + 1);

    let before = calls(stack).await;
    let reply = stack.admin(Method::DELETE, "/admin/users/alice/sessions", &json!({})).await;
    assert!(reply.status.is_success(), "{} {}", reply.status, reply.text());
    let refused = told(stack, &agents).await;
    assert!(refused.iter().all(|told| *told == (401, 401)), "{refused:?}");
    let after = calls(stack).await;

    // One script takes a session out, and one puts its token on the list. All sessions share the scripts and
    // the connection, so the number of scripts is that of round trips at most; the checks above run none.
    let scripts = |calls: &BTreeMap<String, u64>| calls.get("evalsha").copied().unwrap_or(0);
    let ran = scripts(&after) - scripts(&before);
    assert!(ran <= 2 * SESSIONS as u64 + BESIDE, "{ran} scripts for {SESSIONS} sessions");

    // Nobody else's session ended, and nothing of hers is left.
    assert_eq!(told(stack, std::slice::from_ref(&bystander)).await, [(200, 200)]);
    assert_eq!(stack.keys("bff:session:").await.len(), 1);
    assert_eq!(stack.keys("bff:uid:").await.len(), 1);
    assert_eq!(stack.keys("bff:sid:").await.len(), 1);
    let ends = stack.audit("session.revoked");
    assert_eq!(ends.len(), SESSIONS);
    assert!(ends.iter().all(|end| end["actor"] == "admin:ops"), "{:?}", ends[0]);

    // Her login that was under way loses; the next one does not.
    let late = stack.visit_bff(stack.bffs()[1], &at_the_provider, &callback).send().await;
    assert_eq!(stack.cookie(&at_the_provider), "", "{} {}", late.status, late.text());
    assert_eq!(stack.keys("bff:session:").await.len(), 1);
    let again = stack.agent();
    stack.sign_in_directly(&again, "alice").await;
    assert_eq!(told(stack, &[again]).await, [(200, 200)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn c44_t15_the_end_of_500_sessions_counts_at_the_next_request_everywhere() {
    let stack = plan().forwardauth("FORWARDAUTH_CACHE", "tracking").start().await;
    revoke_all(&stack).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c44_t15_the_end_of_500_sessions_counts_at_the_next_request_on_a_redis_cluster() {
    let stack = plan().cluster().start().await;
    let cluster = stack.cluster.as_ref().expect("a cluster");
    revoke_all(&stack).await;
    assert_eq!(
        cluster.spread("jwt:blacklist:").await,
        3,
        "the slots of one server alone were used"
    );
    assert!(stack.redis.keys("").await.is_empty(), "something went to the single server");
}

#[tokio::test(flavor = "multi_thread")]
async fn c44_a_flag_that_an_administrator_sets_counts_at_the_next_request_of_verify() {
    let stack = plan().forwardauth("FORWARDAUTH_CACHE", "tracking").start().await;
    let agents = stack.sign_in_many("alice", 2).await;
    for (flags, status) in [
        (json!({"suspended": true}), 403),
        (json!({"suspended": false}), 200),
        (json!({"banned": true}), 403),
        (json!({"suspended": false, "banned": false}), 200),
    ] {
        let reply = stack.admin(Method::PUT, "/admin/users/alice/flags", &flags).await;
        assert!(reply.status.is_success(), "{} {}", reply.status, reply.text());
        for verify in stack.verifies() {
            for agent in &agents {
                let reply = stack.ask_verify_at(verify, agent, "/app/").send().await;
                assert_eq!(reply.status, status, "{flags}: {}", reply.text());
            }
        }
        for bff in stack.bffs() {
            let reply = stack.to_bff(bff, &agents[0], Method::GET, "/api/echo/x").send().await;
            assert_eq!(reply.status, status, "{flags}: {}", reply.text());
        }
        // Also for a session that begins now.
        let late = stack.agent();
        stack.sign_in_directly(&late, "alice").await;
        assert_eq!(stack.ask_verify(&late, "/app/").send().await.status, status, "{flags}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c46_of_many_logins_at_once_over_two_replicas_as_many_sessions_remain_as_may() {
    const MOST: usize = 3;
    const LOGINS: usize = 30;
    let stack = plan().bff("SESSION_MAX_PER_USER", MOST).start().await;
    let bffs = stack.bffs();
    let mut agents = Vec::new();
    for turn in 0..LOGINS {
        let agent = stack.agent();
        let callback = stack.up_to_the_callback(&agent, "alice", bffs[turn % 2]).await;
        agents.push((agent, callback));
    }
    let callbacks = agents.iter().enumerate().map(|(turn, (agent, callback))| {
        let (stack, bff) = (&stack, bffs[turn / 2 % 2]);
        async move { stack.visit_bff(bff, agent, callback).send().await.status.as_u16() }
    });
    let landed = futures_util::future::join_all(callbacks).await;
    // Who is pushed out while still on the way in is told so.
    assert!(landed.iter().all(|status| matches!(status, 303 | 400)), "{landed:?}");

    assert_eq!(stack.keys("bff:session:").await.len(), MOST);
    let agents: Vec<_> = agents.into_iter().map(|(agent, _)| agent).collect();
    let told = told(&stack, &agents).await;
    assert_eq!(told.iter().filter(|told| **told == (200, 200)).count(), MOST, "{told:?}");
    assert_eq!(told.iter().filter(|told| **told == (401, 401)).count(), LOGINS - MOST, "{told:?}");
}
