//! The same login with the other ways of the provider: DPoP nonces, `private_key_jwt`, no PAR.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use e2e::agent::Agent;
use e2e::stack::{Plan, Stack};
use e2e::{clock, idp};
use http::Method;
use serde_json::{Value, json};

/// Signs in, reads and writes through the API that checks its tokens, and returns the scheme under
/// which the token went there.
async fn journey(plan: Plan) -> (Stack, Agent, String) {
    let stack = plan.start().await;
    let agent = stack.agent();
    let page = stack.sign_in(&agent, "alice", "/app/").await;
    assert_eq!(page.status, 200, "{}", page.text());
    let token = stack.session(&agent).await["csrf_token"].as_str().expect("a token").to_owned();
    let read = agent
        .fetch(Method::GET, &stack.at("/api/orders"))
        .header("x-csrf-token", &token)
        .send()
        .await;
    assert_eq!(
        (read.status.as_u16(), &read.json()["owner"]),
        (200, &json!("alice")),
        "{}",
        read.text()
    );
    assert_eq!(stack.post(&agent, "/api/orders", &json!({})).await.status, 200);
    let seen = stack.orders.seen().pop().expect("the API was asked");
    let scheme = seen.header("authorization").split(' ').next().unwrap_or_default().to_owned();
    (stack, agent, scheme)
}

async fn refresh_works(stack: &Stack, agent: &Agent) {
    stack.idp.access_token_lifetime(3600).await;
    clock::reach(clock::now() + 4).await;
    let before = stack.idp.count("grant refresh_token").await;
    let reply = stack.post(agent, "/api/auth/refresh", &json!({})).await;
    assert!(reply.status.is_success(), "{}", reply.text());
    assert_eq!(stack.idp.count("grant refresh_token").await, before + 1);
    assert_eq!(stack.post(agent, "/api/orders", &json!({})).await.status, 200);
}

fn claims(jwt: &str) -> Value {
    let payload = jwt.split('.').nth(1).expect("a JWT has a payload");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64url")).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn login_with_what_the_provider_offers_binds_tokens_to_a_key() {
    let (stack, _, scheme) = journey(Stack::plan()).await;
    assert_eq!(scheme, "DPoP");
    assert!(stack.idp.count("POST /request").await > 0, "PAR was offered and not used");
}

#[tokio::test(flavor = "multi_thread")]
async fn c28_login_and_refresh_work_where_the_provider_demands_dpop_nonces() {
    let plan = Stack::plan()
        .idp("OP_DPOP_NONCE", "required")
        .idp("OP_AT_TTL", "3")
        .bff("OIDC_DPOP", "required");
    let (stack, agent, scheme) = journey(plan).await;
    assert_eq!(scheme, "DPoP");
    // A nonce the provider has forgotten: each endpoint costs one more request, not a loop.
    stack.idp.control("dpop-nonce", &json!({})).await;
    let before = stack.idp.count("POST /token").await;
    refresh_works(&stack, &agent).await;
    assert!(stack.idp.count("POST /token").await <= before + 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn c23_c24_login_and_refresh_work_with_private_key_jwt() {
    let plan = Stack::plan()
        .idp("OP_AT_TTL", "3")
        .bff("OIDC_CLIENT_ID", "bff-pkjwt")
        .bff("OIDC_CLIENT_AUTH", "private_key_jwt")
        .bff_without("OIDC_CLIENT_SECRET")
        .bff("OIDC_CLIENT_KEY_FILE", "{scratch}/idp-keys/rp-private.pem");
    let (stack, agent, _) = journey(plan).await;
    refresh_works(&stack, &agent).await;

    let secrets = stack.idp.secrets().await;
    let assertions: Vec<_> = secrets
        .iter()
        .filter(|(kind, _)| kind == "client_assertion")
        .map(|(_, jwt)| claims(jwt))
        .collect();
    assert!(assertions.len() >= 3, "PAR, code and refresh: {assertions:?}");
    for claims in &assertions {
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!("bff-pkjwt"), &json!("bff-pkjwt")));
        assert_eq!(claims["aud"], stack.idp.issuer.as_str());
        let (issued, expires) = (claims["iat"].as_u64(), claims["exp"].as_u64());
        let lifetime = expires.zip(issued).map(|(expires, issued)| expires - issued);
        assert!(lifetime.is_some_and(|seconds| seconds <= 60), "{claims}");
    }
    let mut ids: Vec<_> = assertions.iter().map(|claims| claims["jti"].to_string()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), assertions.len(), "an assertion was used twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn login_works_with_par_switched_off_here() {
    let (stack, _, scheme) = journey(Stack::plan().bff("OIDC_PAR", "off")).await;
    assert_eq!(scheme, "DPoP");
    assert_eq!(stack.idp.count("POST /request").await, 0);
    let begun = stack.agent().visit(&stack.at("/auth/login")).send().await.location();
    let query: Vec<_> = begun.query_pairs().into_owned().collect();
    for (name, value) in
        [("response_type", "code"), ("code_challenge_method", "S256"), ("client_id", "bff-basic")]
    {
        assert!(query.contains(&(name.to_owned(), value.to_owned())), "{begun}");
    }
    for name in ["state", "nonce", "code_challenge", "redirect_uri"] {
        assert_eq!(query.iter().filter(|(key, _)| key == name).count(), 1, "{name}: {begun}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn login_works_where_the_provider_has_neither_par_nor_dpop() {
    let plan = Stack::plan().idp("OP_PAR", "false").idp("OP_DPOP", "false");
    let (_stack, _, scheme) = journey(plan).await;
    assert_eq!(scheme, "Bearer");
}

#[tokio::test(flavor = "multi_thread")]
async fn login_works_with_dpop_switched_off_here() {
    let (_stack, _, scheme) = journey(Stack::plan().bff("OIDC_DPOP", "off")).await;
    assert_eq!(scheme, "Bearer");
}

#[tokio::test(flavor = "multi_thread")]
async fn c06_required_par_never_falls_back() {
    let stack = Stack::plan().bff("OIDC_PAR", "required").start().await;
    for fault in [
        json!({"status": 500}),
        json!({"status": 400, "body": "{\"error\":\"invalid_request\"}"}),
        json!({"status": 200, "body": "{\"request_uri\":\"urn:x\",\"expires_in\":60}"}),
        json!({"status": 201, "body": "{\"expires_in\":60}"}),
        json!({"status": 201, "body": "{\"request_uri\":7,\"expires_in\":60}"}),
        json!({"status": 201, "body": "{\"request_uri\":\"urn:x\",\"expires_in\":\"60\"}"}),
        json!({"status": 201, "body": "not json"}),
        json!({"drop": true}),
    ] {
        stack.idp.fault("/request", 5, fault.clone()).await;
        let reply = stack.agent().visit(&stack.at("/auth/login")).send().await;
        assert!(
            !reply.status.is_redirection() && !reply.status.is_success(),
            "{fault}: {}",
            reply.status
        );
        stack.idp.control("clear-faults", &json!({})).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c32_required_dpop_refuses_a_bearer_token() {
    let stack = Stack::plan().bff("OIDC_DPOP", "required").start().await;
    let agent = stack.agent();
    let form = agent.navigate(&stack.at("/auth/login")).await;
    let body = json!({"access_token": "a-bearer-token", "token_type": "Bearer", "expires_in": 60, "id_token": "x"});
    stack.idp.fault("/token", 5, json!({"status": 200, "body": body.to_string()})).await;
    let landed = idp::submit_login(&agent, &form, "alice").await;
    assert_eq!(stack.cookie(&agent), "", "{} {}", landed.url, landed.text());
    assert!(stack.redis.keys("bff:session:").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn c20_parts_that_disagree_about_sessions_end_at_a_page_and_not_in_a_loop() {
    let other_key = "e1:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";
    let stack = Stack::plan().forwardauth("BFF_EDGE_KEYS", other_key).start().await;
    let agent = stack.agent();
    let form = agent.navigate(&stack.at("/app/")).await;
    let html = form.text();
    let action =
        html.split_once("action=\"").and_then(|(_, rest)| rest.split_once('"')).expect("a form").0;
    let target = form.url.join(action).expect("a URL");
    let submit =
        agent.request(Method::POST, target.as_str()).form(&[("login", "alice"), ("password", "x")]);
    let mut reply = submit.send().await;
    let mut callbacks = 0;
    // A browser gives up after twenty redirects; the next visit then meets the page.
    for _ in 0..60 {
        if !reply.status.is_redirection() {
            break;
        }
        let next = reply.location();
        callbacks += usize::from(next.path() == "/auth/callback");
        reply = agent.visit(next.as_str()).send().await;
    }
    assert_eq!((reply.status.as_u16(), callbacks), (400, 5), "{} {}", reply.url, reply.text());
    assert!(reply.header("content-type").starts_with("text/html"), "{:?}", reply.headers);
    assert!(reply.text().contains("login_loop") && reply.text().contains("id=\"retry\""));
    // The BFF believes its own sessions: whoever uses one there is in no loop.
    assert_eq!(stack.session(&agent).await["authenticated"], true);
    let again = agent.visit(&stack.at("/auth/login")).send().await;
    assert!(again.status.is_redirection(), "{}", again.text());
}
