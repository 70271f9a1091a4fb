//! Context tokens as services meet them: behind Traefik and verify, and behind the proxy of the BFF.

use e2e::agent::Agent;
use e2e::scratch::Scratch;
use e2e::service::Seen;
use e2e::stack::{Plan, Stack};
use e2e::wait;
use http::{Method, Request};
use serde_json::{Value, json};
use validator_lib::http_fetch::HttpFetch;
use validator_lib::{ContextClaims, Refusal, Token, Validator};

const ISSUER: &str = "https://edge.wicket.test";
const APP: &str = "https://app.internal";
const TOLD: &str = "https://told.internal";
const POLICIES: &str = r"
policies:
  orders: { aud: 'https://orders.internal' }
  silent: { authorization: none }
";

/// RFC 8037 appendix A.1, and RFC 7515 appendix A.3: known to all the world.
fn keys() -> [Value; 2] {
    [
        json!({
            "kid": "old", "kty": "OKP", "crv": "Ed25519",
            "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        }),
        json!({
            "kid": "new", "kty": "EC", "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
            "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
        }),
    ]
}

fn plan() -> Plan {
    let [old, _] = keys();
    Stack::plan()
        .both("BFF_CONTEXT_KEYS", old)
        .both("BFF_CONTEXT_ISSUER", ISSUER)
        .forwardauth("FORWARDAUTH_AUTHORIZATION", "context")
        .forwardauth("FORWARDAUTH_CONTEXT_AUD", APP)
        .policies(POLICIES)
        .edge("WICKETGATE_POLICIES", "orders,silent")
}

/// What a service writes to check them, but for where it finds the keys.
async fn validator(stack: &Stack, audience: &str) -> Validator {
    let keys = format!("http://{}/.well-known/jwks.json", stack.bff_address);
    let fetch = HttpFetch::new().expect("a machine with roots");
    Validator::context(ISSUER, audience).keys_at(keys).discover_with(fetch).await.expect("keys")
}

async fn check(validator: &Validator, seen: &Seen) -> Result<Token, Refusal> {
    let mut request = Request::new(());
    *request.headers_mut() = seen.headers.clone();
    validator.check(&request.into_parts().0).await
}

/// What reaches the service behind verify.
async fn visit(stack: &Stack, agent: &Agent, path: &str) -> Seen {
    stack.protected.take();
    let page = agent.visit(&stack.at(path)).header("authorization", "Bearer forged").send().await;
    assert_eq!(page.status, 200, "{}", page.text());
    Seen::clone(&*stack.protected.take().remove(0))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_behind_traefik_is_told_whose_request_it_is() {
    let stack = plan().start().await;
    let agent = stack.signed_in("alice").await;
    for (path, audience) in
        [("/app/x", APP), ("/app/orders/x", "https://orders.internal"), ("/app/x", APP)]
    {
        let seen = visit(&stack, &agent, path).await;
        let token = check(&validator(&stack, audience).await, &seen).await.expect("a good token");
        let claims: ContextClaims = token.claims().expect("those of a context token");
        assert_eq!(token.subject(), seen.header("x-user-id"));
        assert_eq!(claims.sid, seen.header("x-session-id"));
        assert_eq!(token.roles().join(","), seen.header("x-user-roles"));
        assert_eq!(
            token.authenticated_at().map(|at| at.to_string()).as_deref(),
            Some(seen.header("x-auth-time"))
        );
        assert!(token.has_scope("orders:read"));
        // It is for one audience.
        let other = validator(&stack, TOLD).await;
        assert_eq!(check(&other, &seen).await.expect_err("for another").status(), 401);
    }
    assert_eq!(visit(&stack, &agent, "/app/silent/x").await.header("authorization"), "");
    let first = visit(&stack, &agent, "/app/x").await.header("authorization").to_owned();
    assert!(first.starts_with("Bearer ey"), "nothing is handed on");
    // Nobody takes it for an access token.
    let orders = agent.get(&format!("{}/orders", stack.orders.origin()));
    assert_eq!(orders.header("authorization", &first).send().await.status, 401);
    for (name, log) in stack.logs() {
        assert!(!log.contains(first.trim_start_matches("Bearer ")), "{name} holds a token");
        assert!(!log.contains("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"), "{name} holds a key");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_behind_the_bff_is_told_the_same() {
    let upstream = e2e::service::Service::echo().await;
    let stack = plan()
        .service(&format!(
            "told: {{ base_url: '{}', audience: '{TOLD}', token: context }}",
            upstream.origin()
        ))
        .route("{ id: told, path: /api/told, target_service: told, methods: [GET], auth: session }")
        .start()
        .await;
    let agent = stack.signed_in("alice").await;
    let reply = agent.fetch(Method::GET, &stack.at("/api/told")).send().await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let seen = upstream.take().remove(0);
    let token = check(&validator(&stack, TOLD).await, &seen).await.expect("a good token");
    assert_eq!(token.subject(), seen.header("x-user-id"));
    // It says the same as that of verify, of the same session.
    let page = visit(&stack, &agent, "/app/x").await;
    let other = check(&validator(&stack, APP).await, &page).await.expect("a good token");
    let sid = |token: &Token| token.claims::<ContextClaims>().expect("claims").sid;
    assert_eq!((sid(&token), token.roles()), (sid(&other), other.roles()));
}

/// As an operator writes a mounted secret anew: no program starts again.
#[tokio::test(flavor = "multi_thread")]
async fn c82_keys_are_rotated_without_a_restart_and_without_a_token_that_is_refused() {
    const FILE: &str = "BFF_CONTEXT_KEYS_FILE";
    let scratch = Scratch::new();
    let write = |keys: &[Value]| scratch.write("keys.json", Value::from(keys).to_string());
    let [old, new] = keys();
    let file = write(std::slice::from_ref(&old));
    let plan = plan().both("BFF_CONTEXT_KEYS", "").both(FILE, file.display());
    let stack = plan.start().await;
    let agent = stack.signed_in("alice").await;
    // One validator for all of it, as a service has that knows nothing of the rotation.
    let service = validator(&stack, APP).await;
    let mut seen = vec![visit(&stack, &agent, "/app/x").await];
    let rotations: [(&[Value], &str); 3] = [
        (&[old.clone(), new.clone()], "old"),
        (&[new.clone(), old.clone()], "new"),
        (std::slice::from_ref(&new), "new"),
    ];
    for (number, (keys, signs)) in (1_u8..).zip(rotations) {
        write(keys);
        let labels = format!("file=\"{FILE}\",result=\"ok\"");
        wait::until("both programs have the new keys", wait::START, async || {
            let operator = stack.agent();
            let (bff, verify) = tokio::join!(
                stack.bff.metric(&operator, "config_reloads_total", &labels),
                stack.forwardauth.metric(&operator, "config_reloads_total", &labels),
            );
            (bff.min(verify) >= f64::from(number)).then_some(())
        })
        .await;
        let published = stack.agent().get(&stack.at("/.well-known/jwks.json")).send().await.json();
        let published = published["keys"].as_array().expect("keys").iter();
        let ours = published.filter(|key| key["kid"] == "old" || key["kid"] == "new").count();
        assert_eq!(ours, keys.len());
        seen.push(visit(&stack, &agent, "/app/x").await);
        let token = seen.last().expect("just pushed").header("authorization").to_owned();
        assert_eq!(kid(&token), signs);
        for request in &seen {
            if let Err(refusal) = check(&service, request).await {
                // The first ones may have lived their minute.
                assert_eq!(refusal.reason(), "expired");
            }
        }
        assert!(check(&service, seen.last().expect("just pushed")).await.is_ok());
    }
    write(&[]);
    wait::until("both programs refuse what signs nothing", wait::START, async || {
        let operator = stack.agent();
        let (bff, verify) = tokio::join!(
            stack.bff.metric(&operator, "config_last_reload_successful", ""),
            stack.forwardauth.metric(&operator, "config_last_reload_successful", ""),
        );
        (bff + verify < 0.5).then_some(())
    })
    .await;
    let last = visit(&stack, &agent, "/app/x").await;
    assert_eq!(kid(last.header("authorization")), "new", "the last good ones stay");
}

fn kid(authorization: &str) -> String {
    use base64::Engine as _;
    let header = authorization.trim_start_matches("Bearer ").split('.').next().unwrap_or_default();
    let header =
        base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(header).expect("base64url");
    let header: Value = serde_json::from_slice(&header).expect("JSON");
    header["kid"].as_str().expect("a kid").to_owned()
}
