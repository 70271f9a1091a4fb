//! Login, refresh and logout with each way of proving who the client is, and with signed requests and
//! responses, against the real provider.

use e2e::clock;
use e2e::stack::{Plan, Stack};
use e2e::wait;
use http::Method;
use serde_json::json;

/// Signs in, refreshes and signs out. Returns the scheme under which services got the token.
async fn journey(plan: Plan) -> (Stack, String) {
    let stack = plan.idp("OP_AT_TTL", "1").start().await;
    let agent = stack.agent();
    stack.sign_in_directly(&agent, "alice").await;
    stack.idp.access_token_lifetime(3600).await;
    clock::reach(clock::now() + 2).await;
    let call = stack.to_bff(stack.bff_address, &agent, Method::GET, "/api/echo/x").send().await;
    assert_eq!(call.status, 200, "{}", call.text());
    assert_eq!(stack.idp.count("grant refresh_token").await, 1);
    let seen = stack.upstream.take().pop().expect("the service was called");
    let scheme = seen.header("authorization").split(' ').next().unwrap_or_default().to_owned();

    let session = stack.session(&agent).await;
    let token = session["csrf_token"].as_str().expect("signed in").to_owned();
    let logout = stack.to_bff(stack.bff_address, &agent, Method::POST, "/auth/logout");
    let logout = logout.header("x-csrf-token", &token).json(&json!({})).send().await;
    assert!(logout.status.is_success(), "{}", logout.text());
    wait::until("the provider has taken the refresh token back", wait::START, async || {
        (stack.idp.refresh_tokens().await == 0).then_some(())
    })
    .await;
    assert!(stack.keys("bff:session:").await.is_empty());
    (stack, scheme)
}

fn with_key(client: &'static str) -> Plan {
    Stack::plan()
        .bff("OIDC_CLIENT_ID", client)
        .bff("OIDC_CLIENT_AUTH", "private_key_jwt")
        .bff_without("OIDC_CLIENT_SECRET")
        .bff("OIDC_CLIENT_KEY_FILE", "{scratch}/idp-keys/rp-private.pem")
}

fn with_certificate(client: &'static str, method: &'static str) -> Plan {
    Stack::plan()
        .bff("OIDC_CLIENT_ID", client)
        .bff("OIDC_CLIENT_AUTH", method)
        .bff_without("OIDC_CLIENT_SECRET")
        .bff("OIDC_CLIENT_CERT_FILE", format!("{{scratch}}/{client}.pem"))
        .bff("OIDC_CLIENT_KEY_FILE", format!("{{scratch}}/{client}.key"))
        // The provider binds their tokens to the certificate, and to one thing at most.
        .bff("OIDC_DPOP", "off")
}

/// The parameters with which a browser is sent to the provider.
async fn asked(stack: &Stack) -> Vec<String> {
    let begun = stack.agent().visit(&stack.at("/auth/login")).send().await.location();
    let mut names: Vec<_> = begun.query_pairs().map(|(name, _)| name.into_owned()).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn c23_login_refresh_and_logout_work_with_client_secret_post() {
    let plan = Stack::plan()
        .bff("OIDC_CLIENT_ID", "bff-post")
        .bff("OIDC_CLIENT_AUTH", "client_secret_post")
        .bff("OIDC_CLIENT_SECRET", e2e::idp::POST_SECRET);
    journey(plan).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c01_login_refresh_and_logout_work_for_a_public_client() {
    let plan = Stack::plan()
        .bff("OIDC_CLIENT_ID", "bff-public")
        .bff("OIDC_CLIENT_AUTH", "none")
        .bff_without("OIDC_CLIENT_SECRET");
    let (stack, scheme) = journey(plan).await;
    assert_eq!(scheme, "DPoP");
    assert_eq!(asked(&stack).await, ["client_id", "request_uri"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn c23_login_refresh_and_logout_work_with_private_key_jwt() {
    let (_, scheme) = journey(with_key("bff-pkjwt")).await;
    assert_eq!(scheme, "DPoP");
}

#[tokio::test(flavor = "multi_thread")]
async fn c23_login_refresh_and_logout_work_with_a_certificate_of_an_authority() {
    let (_, scheme) = journey(with_certificate("bff-mtls", "tls_client_auth")).await;
    assert_eq!(scheme, "Bearer");
}

#[tokio::test(flavor = "multi_thread")]
async fn c23_login_refresh_and_logout_work_with_a_self_signed_certificate() {
    let plan = with_certificate("bff-mtls-self", "self_signed_tls_client_auth");
    let (_, scheme) = journey(plan).await;
    assert_eq!(scheme, "Bearer");
}

#[tokio::test(flavor = "multi_thread")]
async fn c04_login_refresh_and_logout_work_with_signed_requests() {
    let (stack, _) = journey(with_key("bff-jar").bff("OIDC_JAR", "required")).await;
    assert_eq!(asked(&stack).await, ["client_id", "request_uri"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn c04_login_refresh_and_logout_work_with_signed_requests_that_are_not_pushed() {
    let plan = with_key("bff-jar").bff("OIDC_JAR", "required").bff("OIDC_PAR", "off");
    let (stack, _) = journey(plan).await;
    assert_eq!(asked(&stack).await, ["client_id", "request"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn c08_login_refresh_and_logout_work_with_signed_responses() {
    let plan = Stack::plan()
        .bff("OIDC_CLIENT_ID", "bff-jarm")
        .bff("OIDC_CLIENT_SECRET", "jarm-secret")
        .bff("OIDC_JARM", "required");
    let (stack, _) = journey(plan).await;
    let agent = stack.agent();
    let callback = stack.up_to_the_callback(&agent, "alice", stack.bff_address).await;
    assert!(callback.contains("response=ey") && !callback.contains("code="), "{callback}");
    // What nobody signed is not taken in its place.
    let forged = stack.visit_bff(stack.bff_address, &agent, "/auth/callback?code=x&state=y").send();
    assert!(forged.await.status.is_client_error());
}

#[tokio::test(flavor = "multi_thread")]
async fn c23_c26_login_refresh_and_logout_work_under_the_fapi_2_profile() {
    let plan = with_key("bff-pkjwt")
        .idp("OP_FAPI", "true")
        .idp("OP_REQUIRE_PAR", "true")
        .idp("OP_REQUIRE_DPOP", "true")
        .idp("OP_DPOP_NONCE", "required")
        .idp("OP_ID_ALG", "ES256")
        .bff("OIDC_PROFILE", "fapi2");
    let (stack, scheme) = journey(plan).await;
    assert_eq!(scheme, "DPoP");
    assert_eq!(asked(&stack).await, ["client_id", "request_uri"]);
}
