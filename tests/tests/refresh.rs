//! Refresh on expiry: once, whatever happens around it, and only a verdict ends the session.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use e2e::agent::Agent;
use e2e::clock;
use e2e::stack::Stack;
use e2e::wait;
use http::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// A deployment with a signed-in user whose access token has run out; new ones last an hour.
async fn expired() -> (Arc<Stack>, Arc<Agent>, String) {
    let stack =
        Stack::plan().idp("OP_AT_TTL", "2").bff("TOKEN_REFRESH_THRESHOLD", "1").start().await;
    let agent = stack.signed_in("alice").await;
    let token = stack.session(&agent).await["csrf_token"].as_str().expect("a token").to_owned();
    stack.idp.access_token_lifetime(3600).await;
    clock::reach(clock::now() + 4).await;
    (Arc::new(stack), Arc::new(agent), token)
}

#[tokio::test(flavor = "multi_thread")]
async fn c49_twenty_requests_with_an_expired_token_cause_one_refresh() {
    let (stack, agent, token) = expired().await;
    assert_eq!(stack.idp.count("grant refresh_token").await, 0);
    let mut calls = JoinSet::new();
    for number in 0..20 {
        let (stack, agent, token) = (Arc::clone(&stack), Arc::clone(&agent), token.clone());
        calls.spawn(async move {
            let method = if number % 2 == 0 { Method::GET } else { Method::POST };
            agent
                .fetch(method, &stack.at("/api/orders"))
                .header("x-csrf-token", &token)
                .json(&json!({}))
                .send()
                .await
        });
    }
    for reply in calls.join_all().await {
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(reply.json()["owner"], "alice");
    }
    assert_eq!(stack.idp.count("grant refresh_token").await, 1);
    let seen = stack.orders.seen();
    let tokens: BTreeSet<_> = seen.iter().map(|seen| seen.header("authorization")).collect();
    assert_eq!((seen.len(), tokens.len()), (20, 1), "an old token was sent to the service");
}

#[tokio::test(flavor = "multi_thread")]
async fn c50_a_browser_that_hangs_up_during_the_refresh_loses_nothing() {
    let (stack, agent, token) = expired().await;
    stack.idp.fault("/token", 1, json!({"delay_ms": 700})).await;
    let call = agent.fetch(Method::GET, &stack.at("/api/orders")).header("x-csrf-token", &token);
    assert!(timeout(Duration::from_millis(200), call.try_send()).await.is_err(), "it was to hang");
    wait::until("the refresh is finished all the same", wait::START, async || {
        (stack.idp.count("grant refresh_token").await == 1).then_some(())
    })
    .await;
    let reply = agent
        .fetch(Method::GET, &stack.at("/api/orders"))
        .header("x-csrf-token", &token)
        .send()
        .await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(stack.idp.count("grant refresh_token").await, 1, "the new token was not stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn c55_a_provider_in_trouble_ends_no_session() {
    let (stack, agent, token) = expired().await;
    let call = async || {
        agent
            .fetch(Method::GET, &stack.at("/api/orders"))
            .header("x-csrf-token", &token)
            .send()
            .await
    };
    for fault in [
        json!({"status": 500, "body": "{\"error\":\"server_error\"}"}),
        json!({"status": 503}),
        json!({"status": 429, "headers": {"retry-after": "1"}}),
        json!({"status": 401, "body": "{\"error\":\"invalid_client\"}"}),
        json!({"status": 400, "body": "{\"error\":\"temporarily_unavailable\"}"}),
        json!({"status": 502, "body": "<html>bad gateway</html>"}),
    ] {
        stack.idp.fault("/token", 3, fault.clone()).await;
        let reply = call().await;
        assert!(
            matches!(reply.status.as_u16(), 502..=504),
            "{fault}: {} {}",
            reply.status,
            reply.text()
        );
        assert!(!reply.problem().is_empty(), "{fault}");
        stack.idp.control("clear-faults", &json!({})).await;
        assert_eq!(stack.session(&agent).await["authenticated"], true, "{fault} ended the session");
    }
    wait::until("the API works again", Duration::from_secs(15), async || {
        (call().await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c43_c55_a_refresh_token_the_provider_has_revoked_ends_the_session_cleanly() {
    let (stack, agent, token) = expired().await;
    stack.idp.control("logout", &json!({"sub": "alice"})).await;
    let reply = agent
        .fetch(Method::GET, &stack.at("/api/orders"))
        .header("x-csrf-token", &token)
        .send()
        .await;
    assert_eq!(reply.status, 401, "{}", reply.text());
    assert!(reply.json()["login_url"].is_string(), "{}", reply.text());
    assert_eq!(stack.session(&agent).await, json!({"authenticated": false}));
    assert_eq!(stack.ask_verify(&agent, "/app/").send().await.status, 401);
    assert!(stack.orders.seen().is_empty(), "the dead token was sent to the service");
}

#[tokio::test(flavor = "multi_thread")]
async fn c43_a_refresh_token_that_is_over_by_itself_ends_the_session_cleanly() {
    let plan = Stack::plan().idp("OP_AT_TTL", "3").idp("OP_RT_TTL", "4");
    let stack = plan.bff("TOKEN_REFRESH_THRESHOLD", "1").start().await;
    let agent = stack.signed_in("alice").await;
    let get = async || agent.fetch(Method::GET, &stack.at("/api/orders")).send().await;
    assert_eq!(get().await.status, 200);
    clock::reach(clock::now() + 6).await;
    let over = get().await;
    assert_eq!(over.status, 401, "{}", over.text());
    assert!(over.json()["login_url"].is_string(), "{}", over.text());
    assert_eq!(stack.session(&agent).await, json!({"authenticated": false}));
    assert_eq!(stack.ask_verify(&agent, "/app/").send().await.status, 401);
    // The provider still knows her.
    let landed = agent.navigate(&stack.at("/auth/login?return_to=/")).await;
    assert_eq!(landed.url.as_str(), stack.at("/"));
    assert_eq!(get().await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn c33_the_key_of_a_session_rotates_at_each_refresh_and_the_provider_keeps_the_grant() {
    let plan = Stack::plan().idp("OP_AT_TTL", "2").bff("TOKEN_REFRESH_THRESHOLD", "1");
    let stack = plan.bff("OIDC_DPOP_ROTATE", "true").start().await;
    let agent = stack.signed_in("alice").await;
    let mut keys = BTreeSet::new();
    for _ in 0..3 {
        let reply = agent.fetch(Method::GET, &stack.at("/api/orders")).send().await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let seen = stack.orders.take().remove(0);
        let token = seen.header("authorization").strip_prefix("DPoP ").expect("bound to a key");
        let claims = token.split('.').nth(1).expect("three parts");
        let claims = URL_SAFE_NO_PAD.decode(claims).expect("base64url");
        let claims: Value = serde_json::from_slice(&claims).expect("JSON");
        keys.insert(claims["cnf"]["jkt"].as_str().expect("a thumbprint").to_owned());
        clock::reach(clock::now() + 3).await;
    }
    assert_eq!(keys.len(), 3, "{keys:?}");
    assert!(stack.idp.spent_at_most().await <= 1);
}
