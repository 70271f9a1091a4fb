//! Bearer tokens of the real provider, at a route behind Traefik and verify.

use e2e::agent::Agent;
use e2e::clock;
use e2e::idp::AUDIENCE;
use e2e::stack::{Plan, Stack};
use e2e::wait;
use http::Method;
use serde_json::{Value, json};

const POLICIES: &str = r#"
policies:
  api: { bearer: [main], authorization: access }
  plain: { bearer: [main] }
  read: { bearer: [main], scopes: { all: ["orders:read"] } }
  deletes: { bearer: [main], scopes: { all: ["orders:delete"] } }
  cookie: {}
"#;

const ISSUERS: &str = r#"
idps:
  - { name: main, issuer: "{issuer}", audience: "{audience}", jwks_url: "{issuer}/jwks" }
"#;

fn plan() -> Plan {
    Stack::plan()
        .policies(POLICIES)
        .issuers(ISSUERS)
        .edge("WICKETGATE_POLICIES", "api,plain,read,deletes,cookie")
        .bff("OIDC_DPOP", "off")
        .bff("BFF_INTERNAL_TOKEN", "internal-canary-0123456789abcdef0123456789abcdef")
        .forwardauth("BFF_INTERNAL_TOKEN", "internal-canary-0123456789abcdef0123456789abcdef")
        .forwardauth("FORWARDAUTH_BFF_URL", "http://{bff_admin}")
}

async fn start() -> Stack {
    plan().start().await
}

/// An access token that the provider gave to the BFF for somebody, as a service sees it.
async fn token_of(stack: &Stack, agent: &Agent) -> String {
    let reply = agent.fetch(Method::GET, &stack.at("/api/echo/x")).send().await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let seen = stack.upstream.take().pop().expect("the request came");
    seen.header("authorization").strip_prefix("Bearer ").expect("a bearer token").to_owned()
}

/// Status, code and challenge; and what reached the service.
async fn show(
    stack: &Stack,
    agent: &Agent,
    path: &str,
    authorization: &str,
) -> (u16, String, usize) {
    stack.protected.take();
    let call = agent.fetch(Method::GET, &stack.at(path)).header("authorization", authorization);
    let reply = call.send().await;
    let challenge = reply.header("www-authenticate").to_owned();
    (reply.status.as_u16(), challenge, stack.protected.seen().len())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_the_provider_passes_where_a_policy_takes_it() {
    let stack = start().await;
    let token = token_of(&stack, &stack.signed_in("alice").await).await;
    let nobody = stack.agent();
    let bearer = format!("Bearer {token}");
    for (path, status) in [
        ("/app/api/x", 200),
        ("/app/plain/x", 200),
        ("/app/read/x", 200),
        ("/app/deletes/x", 403),
        ("/app/cookie/x", 401),
        ("/app/x", 401),
    ] {
        let (answered, challenge, reached) = show(&stack, &nobody, path, &bearer).await;
        assert_eq!(
            (answered, reached),
            (status, usize::from(status == 200)),
            "{path}: {challenge}"
        );
    }
    show(&stack, &nobody, "/app/api/x", &bearer).await;
    let seen = stack.protected.take().remove(0);
    assert_eq!(seen.header("authorization"), bearer);
    assert_eq!((seen.header("x-user-id"), seen.header("x-session-id")), ("alice", ""));
    // Where the policy hands nothing on, Traefik takes the client's away.
    show(&stack, &nobody, "/app/plain/x", &bearer).await;
    assert_eq!(stack.protected.take()[0].header("authorization"), "");
    for (name, log) in stack.logs() {
        assert!(!log.contains(&token), "{name} holds a token");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t12_anything_else_is_refused_whatever_cookie_is_there() {
    let stack = start().await;
    let agent = stack.signed_in("alice").await;
    let good = token_of(&stack, &agent).await;
    let bob = token_of(&stack, &stack.signed_in("bob").await).await;
    let now = clock::now();
    let signed = async |change: Value| {
        let mut payload = json!({
            "iss": stack.idp.issuer, "aud": AUDIENCE, "sub": "alice", "iat": now, "exp": now + 300,
        });
        let mut header = json!({ "typ": "at+jwt" });
        for (name, value) in change.as_object().into_iter().flatten() {
            match name.as_str() {
                "typ" => header["typ"] = value.clone(),
                _ => payload[name] = value.clone(),
            }
        }
        let answer =
            stack.idp.control("sign", &json!({ "header": header, "payload": payload })).await;
        answer["jwt"].as_str().expect("a token").to_owned()
    };
    let (head, signature) = good.rsplit_once('.').expect("three parts");
    let reversed: String = signature.chars().rev().collect();
    for (what, token, status) in [
        ("good", signed(json!({})).await, 200),
        ("tampered", format!("{head}.{reversed}"), 401),
        ("expired", signed(json!({ "iat": now - 900, "exp": now - 600 })).await, 401),
        ("of another audience", signed(json!({ "aud": "https://other.example" })).await, 401),
        ("of another issuer", signed(json!({ "iss": "https://other.example" })).await, 401),
        ("an ID token", signed(json!({ "typ": "JWT" })).await, 401),
        ("bound", signed(json!({ "cnf": { "jkt": "x" } })).await, 401),
        ("no token", "x y".to_owned(), 400),
    ] {
        let shown = show(&stack, &agent, "/app/plain/x", &format!("Bearer {token}")).await;
        assert_eq!((shown.0, shown.2), (status, usize::from(status == 200)), "{what}: {shown:?}");
        assert_eq!(shown.1.starts_with("Bearer error="), status != 200, "{what}: {shown:?}");
    }
    // Of a good token and a good cookie the token decides.
    show(&stack, &agent, "/app/plain/x", &format!("Bearer {bob}")).await;
    assert_eq!(stack.protected.take()[0].header("x-user-id"), "bob");
    let cookie = agent.fetch(Method::GET, &stack.at("/app/plain/x")).send().await;
    assert_eq!(cookie.status, 200, "{}", cookie.text());
    assert_eq!(stack.protected.take()[0].header("x-user-id"), "alice");
}

#[tokio::test(flavor = "multi_thread")]
async fn c80_keys_that_cannot_be_had_are_503_and_sessions_go_on() {
    let stack = start().await;
    let agent = stack.signed_in("alice").await;
    let token = token_of(&stack, &agent).await;
    stack.idp.fault("/jwks", 1, json!({ "status": 500 })).await;
    let nobody = stack.agent();
    let call = nobody.fetch(Method::GET, &stack.at("/app/plain/x"));
    let reply = call.header("authorization", &format!("Bearer {token}")).send().await;
    assert_eq!((reply.status.as_u16(), reply.problem().as_str()), (503, "keys_unavailable"));
    assert_eq!(reply.header("retry-after"), "1");
    assert_eq!(agent.fetch(Method::GET, &stack.at("/app/plain/x")).send().await.status, 200);
}

/// One list for both programs: what an administrator takes back is refused at the next request, and while the
/// list cannot be read nobody passes.
#[tokio::test(flavor = "multi_thread")]
async fn t15_t19_a_denied_token_is_refused_at_once_by_both_programs_and_by_none_without_the_list() {
    const ADMIN: &str = "admin-canary-0123456789abcdef0123456789abcdef";
    const PATHS: [&str; 2] = ["/app/plain/x", "/api/bearer/x"];
    let plan = plan().bff_issuers(ISSUERS).bff("BFF_ADMIN_TOKENS", format!("ops:{ADMIN}")).route(
        "{ id: bearer, path: '/api/bearer/*', target_service: echo, methods: [GET], auth: bearer }",
    );
    let mut stack = plan.start().await;
    let agent = stack.agent();
    let now = clock::now();
    let signed = async |jti: &str, sub: &str| {
        let payload = json!({
            "iss": stack.idp.issuer, "aud": AUDIENCE, "sub": sub, "jti": jti, "iat": now, "exp": now + 300,
        });
        let asked = json!({ "header": { "typ": "at+jwt" }, "payload": payload });
        stack.idp.control("sign", &asked).await["jwt"].as_str().expect("a token").to_owned()
    };
    let ask = async |stack: &Stack, path: &str, token: &str| {
        let call = agent.fetch(Method::GET, &stack.at(path));
        let reply = call.header("authorization", &format!("Bearer {token}")).send().await;
        (reply.status.as_u16(), reply.header("www-authenticate").to_owned())
    };
    let [one, other, bobs] = [
        signed("one", "alice").await,
        signed("other", "alice").await,
        signed("third", "bob").await,
    ];
    for path in PATHS {
        for token in [&one, &other, &bobs] {
            assert_eq!(ask(&stack, path, token).await.0, 200, "{path}");
        }
    }
    let revoke = async |what: Value| {
        let url = format!("http://{}/admin/revocations", stack.bff.admin);
        let call = agent.request(Method::POST, &url).json(&what);
        let reply = call.header("authorization", &format!("Bearer {ADMIN}")).send().await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    };
    revoke(json!({ "iss": stack.idp.issuer, "jti": "one", "exp": now + 300 })).await;
    revoke(json!({ "iss": stack.idp.issuer, "user_id": "bob" })).await;
    for path in PATHS {
        for (token, status) in [(&one, 401), (&bobs, 401), (&other, 200)] {
            let (answered, challenge) = ask(&stack, path, token).await;
            assert_eq!(answered, status, "{path}");
            assert_eq!(challenge == "Bearer error=\"invalid_token\"", status == 401, "{challenge}");
        }
    }

    stack.redis.kill();
    for path in PATHS {
        for token in [&one, &other] {
            assert_eq!(ask(&stack, path, token).await, (503, String::new()), "{path}");
        }
    }
    stack.redis.restart_empty().await;
    for path in PATHS {
        wait::until("the list is back", wait::START, async || {
            let status = ask(&stack, path, &other).await.0;
            assert!(matches!(status, 200 | 503), "{path}: {status}");
            (status == 200).then_some(())
        })
        .await;
    }
}
