//! The configuration files that people are shown, run as they stand: the README's, and those of the first
//! design. Only the addresses of hosts that no test can have are exchanged.

use e2e::agent::Agent;
use e2e::clock;
use e2e::idp::AUDIENCE;
use e2e::place;
use e2e::stack::Stack;
use http::Method;
use serde_json::{Value, json};

const ROUTES: &str = include_str!("../fixtures/first_design/routes.yaml");
const IDPS: &str = include_str!("../fixtures/first_design/idps.yaml");
const ISSUER: &str = "https://idp.ocg.labs.empowernow.ai/api/oidc";

/// The block of YAML in the README that says what `bff` may reach.
fn of_readme() -> String {
    let text = std::fs::read_to_string(place::repository().join("README.md")).expect("a README");
    let block = text.split("```yaml\nversion:").nth(1).expect("a routes.yaml in the README");
    let block = block.split("```").next().expect("an end of the block");
    format!("version:{block}")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_routes_of_the_readme_work_as_they_stand() {
    let file = of_readme();
    assert_eq!(file.matches("http://orders:8000").count(), 1, "{file}");
    let file = file.replace("http://orders:8000", "{upstream}");
    let stack = Stack::plan().routes_file(&file).bff("OIDC_DPOP", "off").start().await;
    let agent = stack.signed_in("alice").await;
    let reply = stack.post(&agent, "/api/orders/7/lines", &json!({ "item": "lamp" })).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let seen = stack.upstream.take().remove(0);
    assert_eq!((seen.method.as_str(), seen.target()), ("POST", "/orders/7/lines"));
    assert!(seen.header("authorization").starts_with("Bearer "));
    let nobody = stack.agent();
    assert_eq!(nobody.fetch(Method::GET, &stack.at("/api/orders/7")).send().await.status, 401);
    assert_eq!(nobody.fetch(Method::GET, &stack.at("/api/echo/7")).send().await.status, 404);
    assert!(stack.upstream.take().is_empty());
}

/// The first design's files; of the two issuers of bearer tokens one has the audience of the provider's
/// tokens, so that tokens of its own making can be shown.
async fn first_design() -> Stack {
    let hosts = ["http://crud_service:8000", "http://pdp_app:8001", "http://idp-app:8002"];
    let routes = hosts.iter().fold(ROUTES.to_owned(), |text, at| text.replace(at, "{upstream}"));
    let idps = IDPS
        .replace(&format!("{ISSUER}/jwks"), "{issuer}/jwks")
        .replace(&format!("\"{ISSUER}\""), "\"{issuer}\"")
        .replace("https://crud-service:8000", "{audience}");
    Stack::plan().routes_file(&routes).bff_issuers(&idps).bff("OIDC_DPOP", "off").start().await
}

/// Shows `token` at a bearer route, and says what came of it: the status, and how many requests the service
/// saw.
async fn show(stack: &Stack, agent: &Agent, token: &str) -> (u16, usize) {
    stack.upstream.take();
    let call = agent.fetch(Method::POST, &stack.at("/api/access/v1/evaluation"));
    let call = call.header("authorization", &format!("Bearer {token}")).json(&json!({}));
    let reply = call.send().await;
    (reply.status.as_u16(), stack.upstream.seen().len())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_files_of_the_first_design_work_with_a_real_provider() {
    let stack = first_design().await;
    let agent = stack.signed_in("alice").await;
    let reply = stack.post(&agent, "/api/crud/workflows/7/steps", &json!({})).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let seen = stack.upstream.take().remove(0);
    assert_eq!(seen.target(), "/workflows/7/steps");
    let own = seen.header("authorization").strip_prefix("Bearer ").expect("a token").to_owned();

    // A token that the provider gave to the BFF, shown by somebody without a session.
    assert_eq!(show(&stack, &stack.agent(), &own).await, (200, 1));
    let seen = stack.upstream.take().remove(0);
    assert_eq!(seen.target(), "/access/v1/evaluation");
    assert_eq!(seen.header("authorization"), format!("Bearer {own}"));
    assert_eq!(seen.header("x-user-id"), "alice");
}

#[tokio::test(flavor = "multi_thread")]
async fn t12_c61_a_bearer_route_takes_good_tokens_alone_whatever_cookie_is_there() {
    let stack = first_design().await;
    let agent = stack.signed_in("alice").await;
    let now = clock::now();
    let signed = async |change: Value| {
        let mut payload = json!({
            "iss": stack.idp.issuer, "aud": AUDIENCE, "sub": "bob", "iat": now, "exp": now + 300,
        });
        let mut header = json!({ "typ": "at+jwt" });
        for (name, value) in change.as_object().into_iter().flatten() {
            if name == "typ" {
                header["typ"] = value.clone();
            } else {
                payload[name] = value.clone();
            }
        }
        let answer =
            stack.idp.control("sign", &json!({ "header": header, "payload": payload })).await;
        answer["jwt"].as_str().expect("a token").to_owned()
    };
    for (what, token, status) in [
        ("good", signed(json!({})).await, 200),
        ("expired", signed(json!({ "iat": now - 900, "exp": now - 600 })).await, 401),
        ("of another audience", signed(json!({ "aud": "https://other.example" })).await, 401),
        ("of another issuer", signed(json!({ "iss": "https://other.example" })).await, 401),
        ("an ID token", signed(json!({ "typ": "JWT" })).await, 401),
        ("a context token", signed(json!({ "typ": "wicket-context+jwt" })).await, 401),
        ("bound to a key", signed(json!({ "cnf": { "jkt": "x" } })).await, 401),
    ] {
        let shown = show(&stack, &agent, &token).await;
        assert_eq!(shown, (status, usize::from(status == 200)), "{what}");
    }
    // The cookie of a bearer route counts for nothing.
    let csrf = stack.session(&agent).await["csrf_token"].as_str().expect("a token").to_owned();
    let call = agent.fetch(Method::POST, &stack.at("/api/access/v1/evaluation"));
    let reply = call.header("x-csrf-token", &csrf).json(&json!({})).send().await;
    assert_eq!(reply.status, 401, "{}", reply.text());
    assert!(reply.header("www-authenticate").contains("Bearer"), "{reply:?}");
}
