//! The keys of sessions and of edge views are exchanged in running programs, as docs/RUNBOOKS.md says:
//! one replica after the other, while sessions of every age are asked for at all of them.

use e2e::agent::Agent;
use e2e::clock;
use e2e::program::Program;
use e2e::stack::{Stack, key};
use http::Method;

/// The number of programs: two replicas of each.
const PROGRAMS: usize = 4;

fn program(stack: &mut Stack, number: usize) -> &mut Program {
    let second = |replica: &'static str| move || panic!("no second {replica}");
    match number {
        0 => &mut stack.forwardauth,
        1 => &mut stack.bff,
        2 => &mut stack.second_verify.as_mut().unwrap_or_else(second("verify")).program,
        _ => &mut stack.second_bff.as_mut().unwrap_or_else(second("bff")).program,
    }
}

/// Whether every replica of both programs serves the session, tokens and all; they must agree.
async fn lives(stack: &Stack, agent: &Agent) -> bool {
    let mut statuses = Vec::new();
    for verify in stack.verifies() {
        statuses.push(stack.ask_verify_at(verify, agent, "/app/").send().await.status.as_u16());
    }
    for bff in stack.bffs() {
        let call = stack.to_bff(bff, agent, Method::GET, "/api/orders");
        statuses.push(call.send().await.status.as_u16());
    }
    assert!(statuses.iter().all(|status| *status == statuses[0]), "of two minds: {statuses:?}");
    statuses[0] == 200
}

/// Gives `keys` to one replica after the other; after each, all sessions live at all replicas.
async fn roll(stack: &mut Stack, name: &str, keys: &str, sessions: &[&Agent]) {
    let asking = stack.agent();
    for number in 0..PROGRAMS {
        let program = program(stack, number);
        if program.environment.get(name).is_empty() {
            continue;
        }
        program.environment = program.environment.clone().set(name, keys);
        program.restart(&asking).await;
        for session in sessions {
            assert!(lives(stack, session).await, "program {number} with other {name}");
        }
    }
}

fn keys(stack: &Stack, name: &str, next: &str) -> (String, String) {
    (stack.bff.environment.get(name).to_owned(), format!("{next}:{}", key()))
}

#[tokio::test(flavor = "multi_thread")]
async fn c40_session_keys_are_exchanged_one_replica_after_the_other_and_nobody_notices() {
    let plan = Stack::plan().twice().idp("OP_AT_TTL", "2").bff("TOKEN_REFRESH_THRESHOLD", "1");
    let mut stack = plan.start().await;
    let (old, new) = keys(&stack, "BFF_SESSION_KEYS", "s2");
    let before = stack.signed_in("alice").await;
    roll(&mut stack, "BFF_SESSION_KEYS", &format!("{old},{new}"), &[&before]).await;
    let between = stack.signed_in("bob").await;
    roll(&mut stack, "BFF_SESSION_KEYS", &format!("{new},{old}"), &[&before, &between]).await;
    let after = stack.signed_in("carol").await;
    // The next refresh of its tokens seals a session with the first key.
    clock::reach(clock::now() + 3).await;
    let refreshes = stack.idp.count("grant refresh_token").await;
    assert!(lives(&stack, &before).await && lives(&stack, &between).await);
    assert!(stack.idp.count("grant refresh_token").await >= refreshes + 2);
    roll(&mut stack, "BFF_SESSION_KEYS", &new, &[&before, &between, &after]).await;
    assert!(stack.audit("session.revoked").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn c40_edge_keys_are_exchanged_in_both_programs_and_one_dropped_too_early_comes_back() {
    let mut stack = Stack::plan().twice().start().await;
    let (old, new) = keys(&stack, "BFF_EDGE_KEYS", "e2");
    let before = stack.signed_in("alice").await;
    roll(&mut stack, "BFF_EDGE_KEYS", &format!("{old},{new}"), &[&before]).await;
    roll(&mut stack, "BFF_EDGE_KEYS", &format!("{new},{old}"), &[&before]).await;
    let after = stack.signed_in("bob").await;
    roll(&mut stack, "BFF_EDGE_KEYS", &new, &[]).await;
    assert!(lives(&stack, &after).await);
    assert!(!lives(&stack, &before).await, "its view has a key that nobody knows");
    roll(&mut stack, "BFF_EDGE_KEYS", &format!("{new},{old}"), &[]).await;
    assert!(lives(&stack, &before).await && lives(&stack, &after).await);
}
