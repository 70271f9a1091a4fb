//! The keys of `routes.yaml` that no other test of a whole deployment is about, each seen to let in and to
//! refuse. `tests/streams.rs`, `services.rs`, `rate_limits.rs`, `user_context.rs`, `context_token.rs` and
//! `documents.rs` have the others.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use e2e::agent::{Agent, Reply};
use e2e::idp::AUDIENCE;
use e2e::ports;
use e2e::service::{Service, echo};
use e2e::stack::{Plan, Stack};
use http::Method;
use serde_json::json;

fn plan(slow: &Service) -> Plan {
    let nobody = ports::free();
    Stack::plan()
        .bff("OIDC_DPOP", "off")
        .bff_issuers(
            "idps:\n  - { name: main, issuer: \"{issuer}\", audience: \"{audience}\", jwks_url: \"{issuer}/jwks\" }\n",
        )
        .service(&format!("slow: {{ base_url: \"{}\", timeout: 300ms, description: never in time }}", slow.origin()))
        .service(&format!("gone: {{ base_url: \"http://{nobody}\", retries: {{ attempts: 1, on: [] }}, breaker: {{ failures: 2, window: 1m, open: 1m }} }}"))
        .service(&format!("tokenless: {{ base_url: \"{}/inner\", token: none }}", slow.origin()))
        .service(&format!("narrow: {{ base_url: \"{}\", token: exchange, audience: \"https://narrow.internal\", scope: \"a\" }}", slow.origin()))
        .service(&format!("api: {{ base_url: \"{}\", token: exchange, audience: \"https://api.example.test\", scope: \"api:read\" }}", slow.origin()))
        .route("{ id: exchanged, path: '/api/exchanged/*', target_service: api, methods: [GET, POST], auth: hybrid }")
        .route("{ id: maybe, path: '/api/maybe/*', target_service: echo, methods: [GET], auth: optional, description: whoever it is }")
        .route("{ id: strict, path: '/api/strict/*', target_service: echo, methods: [GET], auth: session, csrf: strict }")
        .route("{ id: any-scope, path: /api/any-scope, target_service: echo, methods: [GET], auth: session, scopes: { any: [orders:read, orders:burn] } }")
        .route("{ id: all-scopes, path: /api/all-scopes, target_service: echo, methods: [GET], auth: session, scopes: { all: [orders:read, orders:burn] } }")
        .route("{ id: any-role, path: /api/any-role, target_service: echo, methods: [GET], auth: session, roles: { any: [admin, auditor] } }")
        .route("{ id: all-roles, path: /api/all-roles, target_service: echo, methods: [GET], auth: session, roles: { all: [admin, auditor] } }")
        .route("{ id: slow, path: /api/slow, target_service: slow, upstream_path: /slow, methods: [GET], auth: none }")
        .route("{ id: patient, path: /api/patient, target_service: slow, upstream_path: /slow, methods: [GET], auth: none, timeout: 20ms, idle_timeout: 5s }")
        .route("{ id: gone, path: /api/gone, target_service: gone, methods: [GET], auth: none }")
        .route("{ id: tokenless, path: '/api/tokenless/*', target_service: tokenless, upstream_path: '/a/{path}/z', methods: [GET], auth: session }")
        .route("{ id: narrow, path: /api/narrow, target_service: narrow, methods: [GET], auth: session }")
        .route("{ id: hybrid, path: '/api/hybrid/*', target_service: echo, methods: [POST], auth: hybrid, idps: [main], preserve_path: true }")
        .route("{ id: wide, path: '/api/wide/*', target_service: echo, upstream_path: '/wide/{path}', methods: [GET], auth: none }")
        .route("{ id: one, path: /api/wide/one, target_service: echo, upstream_path: /one, methods: [GET, DELETE], auth: none }")
        .route("{ id: few, path: /api/few, target_service: echo, methods: [GET], auth: session, rate_limit: { limit: 2, window: 1h, key: user } }")
}

/// Answers at once, but to `/slow` never.
async fn slow() -> Service {
    Service::start(None, async |seen| {
        if seen.target() == "/slow" {
            std::future::pending::<()>().await;
        }
        echo(&seen)
    })
    .await
}

async fn get(stack: &Stack, agent: &Agent, path: &str) -> Reply {
    agent.fetch(Method::GET, &stack.at(path)).send().await
}

async fn status(stack: &Stack, agent: &Agent, path: &str) -> u16 {
    get(stack, agent, path).await.status.as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn c61_each_key_of_a_route_that_says_who_may_call_it_lets_in_and_refuses() {
    let service = slow().await;
    let stack = plan(&service).start().await;
    let (nobody, alice, bob) =
        (stack.agent(), stack.signed_in("alice").await, stack.signed_in("bob").await);

    assert_eq!(status(&stack, &nobody, "/api/maybe/x").await, 200);
    assert_eq!(stack.upstream.take()[0].header("authorization"), "");
    assert_eq!(status(&stack, &alice, "/api/maybe/x").await, 200);
    let seen = stack.upstream.take().remove(0);
    assert!(seen.header("authorization").starts_with("Bearer "));
    assert_eq!((seen.target(), seen.header("x-user-id")), ("/api/maybe/x", "alice"));

    let refused = get(&stack, &alice, "/api/strict/x").await;
    assert_eq!((refused.status.as_u16(), &*refused.problem()), (403, "csrf_header_missing"));
    let csrf = stack.session(&alice).await["csrf_token"].as_str().expect("a token").to_owned();
    let strict = alice.fetch(Method::GET, &stack.at("/api/strict/x"));
    assert_eq!(strict.header("x-csrf-token", &csrf).send().await.status, 200);

    for (who, path, expected) in [
        (&alice, "/api/any-scope", 200),
        (&alice, "/api/all-scopes", 403),
        (&alice, "/api/any-role", 200),
        (&alice, "/api/all-roles", 403),
        (&bob, "/api/any-scope", 200),
        (&bob, "/api/any-role", 403),
        (&nobody, "/api/any-role", 401),
    ] {
        assert_eq!(status(&stack, who, path).await, expected, "{path}");
    }

    // The limit is the user's, on whatever device.
    let elsewhere = stack.signed_in("bob").await;
    assert_eq!(status(&stack, &bob, "/api/few").await, 200);
    assert_eq!(status(&stack, &elsewhere, "/api/few").await, 200);
    let many = get(&stack, &bob, "/api/few").await;
    assert_eq!((many.status.as_u16(), &*many.problem()), (429, "rate_limited"));
    assert!(!many.header("retry-after").is_empty() && !many.header("ratelimit").is_empty());
    assert_eq!(status(&stack, &alice, "/api/few").await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn c61_on_a_hybrid_route_a_token_decides_alone_and_a_cookie_needs_its_csrf_header() {
    let service = slow().await;
    let stack = plan(&service).start().await;
    let alice = stack.signed_in("alice").await;
    let by_cookie = stack.post(&alice, "/api/hybrid/x", &json!({})).await;
    assert_eq!(by_cookie.status, 200, "{}", by_cookie.text());
    let seen = stack.upstream.take().remove(0);
    let token = seen.header("authorization").to_owned();
    assert_eq!((seen.target(), seen.header("x-user-id")), ("/api/hybrid/x", "alice"));

    let call = async |agent: &Agent, authorization: Option<&str>| {
        let call = agent.fetch(Method::POST, &stack.at("/api/hybrid/x")).json(&json!({}));
        let call = match authorization {
            Some(value) => call.header("authorization", value),
            None => call,
        };
        call.send().await.status.as_u16()
    };
    let nobody = stack.agent();
    assert_eq!(call(&nobody, Some(&token)).await, 200);
    assert_eq!(stack.upstream.take()[0].header("x-user-id"), "alice");
    assert_eq!(call(&nobody, None).await, 401);
    assert_eq!(call(&alice, None).await, 403, "a cookie without the CSRF header");
    assert_eq!(call(&alice, Some("Bearer not-a-token")).await, 401, "a cookie saves no bad token");
    assert!(stack.upstream.take().is_empty());
    assert!(token.len() > AUDIENCE.len(), "{token}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_service_is_shown_and_where_is_as_the_table_says() {
    let service = slow().await;
    let stack = plan(&service).start().await;
    let alice = stack.signed_in("alice").await;
    assert_eq!(status(&stack, &alice, "/api/tokenless/b/c?d=e").await, 200);
    let seen = service.take().remove(0);
    assert_eq!(seen.target(), "/inner/a/b/c/z?d=e");
    assert_eq!((seen.header("authorization"), seen.header("x-user-id")), ("", "alice"));

    // The provider knows no such audience: the service is shown nothing, and never the broad token.
    let narrow = get(&stack, &alice, "/api/narrow").await;
    assert_eq!((narrow.status.as_u16(), &*narrow.problem()), (502, "token_exchange_refused"));
    assert_eq!(narrow.json()["service"], "narrow");
    assert!(service.take().is_empty());

    for (method, path, expected) in [
        (Method::GET, "/api/wide/one", "/one"),
        (Method::GET, "/api/wide/one/more", "/wide/one/more"),
        (Method::DELETE, "/api/wide/one", "/one"),
    ] {
        assert_eq!(stack.agent().fetch(method, &stack.at(path)).send().await.status, 200, "{path}");
        assert_eq!(stack.upstream.take()[0].target(), expected);
    }
    let wrong = stack.agent().fetch(Method::DELETE, &stack.at("/api/wide/two")).send().await;
    assert_eq!((wrong.status.as_u16(), wrong.header("allow")), (405, "GET"));
}

/// The claims of the token that the service was shown last.
fn claims(service: &Service) -> serde_json::Value {
    let seen = service.take().pop().expect("a request");
    let token = seen.header("authorization").strip_prefix("Bearer ").expect("a token").to_owned();
    let payload = token.split('.').nth(1).expect("three parts");
    let payload = URL_SAFE_NO_PAD.decode(payload).expect("base64url");
    serde_json::from_slice(&payload).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn t07_a_service_with_a_token_of_its_own_never_sees_the_broad_one() {
    const EXCHANGES: &str = "grant urn:ietf:params:oauth:grant-type:token-exchange";
    let service = slow().await;
    let stack = plan(&service).start().await;
    let alice = stack.signed_in("alice").await;
    for _ in 0..5 {
        let csrf = stack.session(&alice).await["csrf_token"].as_str().expect("a token").to_owned();
        let call = alice.fetch(Method::GET, &stack.at("/api/exchanged/x"));
        let reply = call.header("x-csrf-token", &csrf).send().await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    let shown = claims(&service);
    assert_eq!(
        (&shown["aud"], &shown["scope"], &shown["sub"]),
        (&json!("https://api.example.test"), &json!("api:read"), &json!("alice"))
    );
    // With its first exchange a process begins to hear of sessions that end, and forgets what it had by then.
    let exchanges = stack.idp.count(EXCHANGES).await;
    assert!((1..=2).contains(&exchanges), "{exchanges} for five calls");

    // So is the token of a caller who has one.
    assert_eq!(status(&stack, &alice, "/api/maybe/x").await, 200);
    let broad = stack.upstream.take()[0].header("authorization").to_owned();
    let nobody = stack.agent();
    let call = nobody.fetch(Method::GET, &stack.at("/api/exchanged/x"));
    let reply = call.header("authorization", &broad).send().await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(claims(&service)["aud"], "https://api.example.test");
    assert_eq!(stack.idp.count(EXCHANGES).await, exchanges + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_late_or_gone_is_named_with_the_id_of_the_request() {
    let service = slow().await;
    let stack = plan(&service).start().await;
    let nobody = stack.agent();
    for (path, status, code, service) in [
        ("/api/slow", 504, "upstream_timeout", "slow"),
        ("/api/patient", 504, "upstream_timeout", "slow"),
        ("/api/gone", 502, "upstream_unreachable", "gone"),
        ("/api/gone", 502, "upstream_unreachable", "gone"),
        // Two failures in a row, and it is left alone.
        ("/api/gone", 503, "upstream_unavailable", "gone"),
    ] {
        let reply = get(&stack, &nobody, path).await;
        assert_eq!((reply.status.as_u16(), &*reply.problem()), (status, code), "{path}");
        let problem = reply.json();
        assert_eq!(problem["service"], service);
        let id = problem["request_id"].as_str().expect("an id");
        assert!(stack.bff.log().contains(id), "{id} is in no log");
        assert!(!reply.header("retry-after").is_empty(), "{path}");
    }
}
