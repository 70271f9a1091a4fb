//! Logout that the real provider begins, and what a page that is open learns of it.

use std::time::Duration;

use e2e::agent::Agent;
use e2e::stack::Stack;
use http::Method;
use serde_json::json;

/// Well below the 15 s after which a stream looks for itself.
const SOON: Duration = Duration::from_secs(5);

async fn signed_out_everywhere(stack: &Stack, agent: &Agent) {
    for bff in stack.bffs() {
        let reply = stack.to_bff(bff, agent, Method::GET, "/api/echo/x").send().await;
        assert_eq!(reply.status, 401, "{}", reply.text());
    }
    for verify in stack.verifies() {
        assert_eq!(stack.ask_verify_at(verify, agent, "/app/").send().await.status, 401);
    }
}

async fn signed_in_everywhere(stack: &Stack, agent: &Agent) {
    for bff in stack.bffs() {
        let reply = stack.to_bff(bff, agent, Method::GET, "/api/echo/x").send().await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    for verify in stack.verifies() {
        assert_eq!(stack.ask_verify_at(verify, agent, "/app/").send().await.status, 200);
    }
}

/// The provider ends its sessions of a user, and tells us.
async fn logout_at_the_provider(stack: &Stack, user: &str) {
    let told = stack.idp.control("logout", &json!({"sub": user})).await;
    let told = told.as_array().expect("a list");
    assert!(!told.is_empty() && told.iter().all(|told| told["ok"] == true), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn c75_c76_a_logout_at_the_provider_ends_the_session_of_that_sid_on_every_replica() {
    let stack = Stack::plan().twice().forwardauth("FORWARDAUTH_CACHE", "tracking").start().await;
    let (here, elsewhere, other) = (stack.agent(), stack.agent(), stack.agent());
    for (agent, user) in [(&here, "alice"), (&elsewhere, "carol"), (&other, "bob")] {
        stack.sign_in_directly(agent, user).await;
        signed_in_everywhere(&stack, agent).await;
    }
    logout_at_the_provider(&stack, "alice").await;
    signed_out_everywhere(&stack, &here).await;
    signed_in_everywhere(&stack, &elsewhere).await;
    signed_in_everywhere(&stack, &other).await;
    assert_eq!(stack.keys("bff:session:").await.len(), 2);
    let ends = stack.audit("session.revoked");
    assert_eq!(ends.len(), 1, "{ends:?}");
    assert_eq!(ends[0]["actor"], "idp", "{ends:?}");
    // The way back is a login.
    stack.sign_in_directly(&here, "alice").await;
    signed_in_everywhere(&stack, &here).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c76_a_logout_token_without_a_sid_ends_every_session_of_the_user() {
    let stack = Stack::plan().twice().idp("OP_BCL_SID", "false").start().await;
    let (one, two, other) = (stack.agent(), stack.agent(), stack.agent());
    for (agent, user) in [(&one, "alice"), (&two, "alice"), (&other, "bob")] {
        stack.sign_in_directly(agent, user).await;
    }
    logout_at_the_provider(&stack, "alice").await;
    signed_out_everywhere(&stack, &one).await;
    signed_out_everywhere(&stack, &two).await;
    signed_in_everywhere(&stack, &other).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c66_an_open_stream_of_events_is_told_of_the_logout_on_another_replica_and_closed() {
    let stack = Stack::plan().twice().start().await;
    for by_the_provider in [false, true] {
        let agent = stack.agent();
        stack.sign_in_directly(&agent, "alice").await;
        let mut streams = Vec::new();
        let path = "/api/auth/events";
        let direct =
            stack.bffs().into_iter().map(|bff| stack.to_bff(bff, &agent, Method::GET, path));
        let through_traefik = agent.fetch(Method::GET, &stack.at(path));
        for call in direct.chain([through_traefik]) {
            let mut stream = call.header("accept", "text/event-stream").open().await;
            assert_eq!(stream.status, 200);
            // The first bytes come at once.
            stream.until("\n", SOON).await;
            streams.push(stream);
        }
        if by_the_provider {
            logout_at_the_provider(&stack, "alice").await;
        } else {
            let bff = stack.bff_address;
            let session = stack.to_bff(bff, &agent, Method::GET, "/api/auth/session").send().await;
            let token = session.json()["csrf_token"].as_str().expect("signed in").to_owned();
            let logout = stack.to_bff(bff, &agent, Method::POST, "/auth/logout");
            assert!(logout.header("x-csrf-token", &token).send().await.status.is_success());
        }
        for mut stream in streams {
            stream.end(SOON).await;
            assert!(stream.text.contains("event: revoked"), "{}", stream.text);
        }
    }
}
