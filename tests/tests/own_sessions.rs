//! `/api/auth/sessions` through the real edge: what a user sees of their sessions, and may end.

use e2e::agent::{Agent, Reply};
use e2e::stack::Stack;
use http::Method;
use serde_json::Value;

const ALL: &str = "/api/auth/sessions";

async fn list(stack: &Stack, agent: &Agent) -> Vec<Value> {
    let reply = agent.fetch(Method::GET, &stack.at(ALL)).send().await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert!(!reply.text().contains(&stack.cookie(agent)), "a cookie in the list");
    reply.json()["sessions"].as_array().cloned().expect("a list")
}

async fn end(stack: &Stack, agent: &Agent, path: &str) -> Reply {
    let csrf = stack.session(agent).await["csrf_token"].as_str().expect("a token").to_owned();
    agent.fetch(Method::DELETE, &stack.at(path)).header("x-csrf-token", &csrf).send().await
}

/// Whether the session counts in both programs, and at both replicas of each.
async fn counts(stack: &Stack, agent: &Agent) -> bool {
    let mut answers = Vec::new();
    for verify in stack.verifies() {
        answers.push(stack.ask_verify_at(verify, agent, "/app/").send().await.status == 200);
    }
    for bff in stack.bffs() {
        let call = stack.to_bff(bff, agent, Method::GET, "/api/echo/x");
        answers.push(call.send().await.status == 200);
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "of two minds: {answers:?}");
    answers[0]
}

#[tokio::test(flavor = "multi_thread")]
async fn c47_users_see_and_end_their_own_sessions_and_no_others() {
    let stack = Stack::plan().twice().start().await;
    let (laptop, phone) = (stack.signed_in("alice").await, stack.signed_in("alice").await);
    let (tablet, stranger) = (stack.signed_in("alice").await, stack.signed_in("bob").await);
    let mine = list(&stack, &laptop).await;
    assert_eq!(mine.len(), 3, "{mine:?}");
    let current: Vec<_> = mine.iter().filter(|session| session["current"] == true).collect();
    assert_eq!(current.len(), 1, "{mine:?}");
    let of = async |agent: &Agent| {
        let own = list(&stack, agent).await.into_iter().find(|one| one["current"] == true);
        own.expect("one's own")["ref"].as_str().expect("a reference").to_owned()
    };
    let (of_phone, of_stranger) = (of(&phone).await, of(&stranger).await);

    let refused = end(&stack, &laptop, &format!("{ALL}/{of_stranger}")).await;
    assert_eq!((refused.status.as_u16(), &*refused.problem()), (404, "not_found"));
    assert!(counts(&stack, &stranger).await);
    let path = format!("{ALL}/{of_phone}");
    let without_proof = laptop.fetch(Method::DELETE, &stack.at(&path)).send().await;
    assert_eq!(without_proof.status, 403, "{}", without_proof.text());
    assert!(counts(&stack, &phone).await);

    assert_eq!(end(&stack, &laptop, &path).await.status, 204);
    assert!(!counts(&stack, &phone).await);
    assert!(counts(&stack, &tablet).await && counts(&stack, &laptop).await);
    assert_eq!(end(&stack, &laptop, &path).await.status, 404);

    let others = end(&stack, &laptop, &format!("{ALL}?except=current")).await;
    assert!(others.status.is_success(), "{}", others.text());
    assert!(!counts(&stack, &tablet).await);
    assert!(counts(&stack, &laptop).await && counts(&stack, &stranger).await);
    assert_eq!(list(&stack, &laptop).await.len(), 1);
}
