//! Nothing secret in Redis, in a log, in a metric or in an answer, at the most talkative log level.

use e2e::agent::Agent;
use e2e::canary::Canaries;
use e2e::redis::Entry;
use e2e::stack::{COOKIE, Stack};
use e2e::traefik::HOST;
use e2e::{clock, idp};
use http::Method;
use serde_json::json;

const WRONG_CODE: &str = "a-code-that-is-wrong-5d1f";
const IN_A_BODY: &str = "in-the-body-of-a-user-9c40";
const IN_A_QUERY: &str = "in-the-query-of-a-user-22e7";

fn assert_clean(canaries: &Canaries, place: &str, content: &[u8]) {
    let leaks = canaries.found(place, content);
    assert!(leaks.is_empty(), "{leaks:#?}");
}

/// The cookies of our host, those of a login under way included.
fn remember(canaries: &mut Canaries, agent: &Agent) {
    for cookie in agent.cookies().all().iter().filter(|cookie| cookie.domain == HOST) {
        // Short values are flags, no credentials.
        if cookie.value.len() >= 20 {
            canaries.plant(&format!("cookie {}", cookie.name), &cookie.value);
        }
    }
}

/// Uses everything there is, with success and without; returns what must not be found, and what lay
/// in Redis at each stage.
async fn live_through_everything(stack: &Stack) -> (Canaries, Vec<Entry>) {
    let mut canaries = Canaries::default();
    let mut dumps = Vec::new();

    // A login that is under way, and one that is finished.
    let waiting = stack.agent();
    waiting.navigate(&stack.at("/auth/login?return_to=/app/")).await;
    remember(&mut canaries, &waiting);
    let agent = stack.agent();
    let form = agent.navigate(&stack.at("/auth/login?return_to=/app/")).await;
    remember(&mut canaries, &agent);
    dumps.extend(stack.redis.dump().await);
    idp::submit_login(&agent, &form, "alice").await;
    remember(&mut canaries, &agent);
    let session = stack.session(&agent).await;
    for (name, kind) in [("csrf_token", "CSRF token"), ("logout_url", "logout token")] {
        let value = session[name].as_str().unwrap_or_default();
        canaries.plant(kind, value.rsplit_once("lt=").map_or(value, |(_, token)| token));
    }
    assert_eq!(stack.post(&agent, "/api/orders", &json!({})).await.status, 200);
    clock::reach(clock::now() + 5).await;
    assert!(stack.post(&agent, "/api/auth/refresh", &json!({})).await.status.is_success());
    stack.post(&agent, "/api/orders", &json!({"secret": IN_A_BODY})).await;
    stack.ask_verify(&agent, &format!("/app/x?token={IN_A_QUERY}")).send().await;
    dumps.extend(stack.redis.dump().await);

    // What goes wrong is logged most.
    let wrong = agent.fetch(Method::POST, &stack.at("/api/orders"));
    wrong.header("x-csrf-token", "wrong").send().await;
    agent.visit(&stack.at("/auth/logout?lt=wrong")).send().await;
    let callback = format!("/auth/callback?code={WRONG_CODE}&state=a-state-that-is-wrong");
    agent.visit(&stack.at(&callback)).send().await;
    let error = json!({"status": 500, "body": "{\"error\":\"server_error\"}"});
    stack.idp.fault("/token", 2, error).await;
    stack.post(&agent, "/api/auth/refresh", &json!({})).await;
    stack.idp.control("clear-faults", &json!({})).await;
    stack.redis.freeze();
    stack.ask_verify(&agent, "/app/").send().await;
    stack.redis.thaw();
    stack.post(&stack.signed_in("bob").await, "/auth/logout", &json!({})).await;
    dumps.extend(stack.redis.dump().await);

    // Sessions as others see them and end them.
    let (carol, mallory) = (stack.signed_in("carol").await, stack.signed_in("mallory").await);
    for agent in [&carol, &mallory] {
        remember(&mut canaries, agent);
    }
    let events = carol.fetch(Method::GET, &stack.at("/api/auth/events")).open().await;
    assert_eq!(events.status, 200);
    carol.fetch(Method::GET, &stack.at("/api/auth/sessions")).send().await;
    stack.idp.control("logout", &json!({"sub": "carol"})).await;
    for (method, path, body) in [
        (Method::GET, "/admin/users/mallory/sessions", json!({})),
        (Method::PUT, "/admin/users/mallory/flags", json!({"suspended": true})),
        (Method::DELETE, "/admin/users/mallory/sessions", json!({})),
        (
            Method::POST,
            "/admin/revocations",
            json!({"iss": stack.idp.issuer, "jti": "j1", "exp": clock::now() + 60}),
        ),
        (Method::GET, "/admin/config", json!({})),
    ] {
        let reply = stack.admin(method, path, &body).await;
        assert!(reply.status.is_success(), "{path}: {} {}", reply.status, reply.text());
        assert_clean(&canaries, path, &reply.body);
    }
    dumps.extend(stack.redis.dump().await);

    for (kind, secret) in [("code", WRONG_CODE), ("body", IN_A_BODY), ("query", IN_A_QUERY)] {
        canaries.plant(kind, secret);
    }
    canaries.extend(stack.canaries().await);
    (canaries, dumps)
}

#[tokio::test(flavor = "multi_thread")]
async fn t18_c83_a_dump_of_redis_and_every_log_hold_no_cookie_no_token_and_no_key() {
    let stack = Stack::plan()
        .idp("OP_AT_TTL", "4")
        .both("RUST_LOG", "trace")
        .both("BFF_INTERNAL_TOKEN", "internal-canary-0123456789abcdef0123456789")
        .forwardauth("FORWARDAUTH_BFF_URL", "http://{bff_admin}")
        .bff("BFF_ADMIN_TOKENS", "ops:admin-canary-0123456789abcdef0123456789")
        .start()
        .await;
    let (canaries, dumps) = live_through_everything(&stack).await;
    assert!(canaries.len() > 50, "the provider told nothing");
    for (name, log) in stack.logs() {
        assert!(!log.is_empty(), "{name} is empty");
        assert_clean(&canaries, name, log.as_bytes());
    }
    assert!(dumps.len() > 3, "Redis holds nothing: {dumps:?}");
    for entry in &dumps {
        let key = String::from_utf8_lossy(&entry.key).into_owned();
        for bytes in entry.values.iter().chain([&entry.key]) {
            assert_clean(&canaries, &format!("Redis {key}"), bytes);
        }
        // What an administrator says of a user holds until he takes it back.
        let endless = key.starts_with("bff:note:flags:");
        assert!(entry.ttl > 0 || endless, "{key} has no end");
    }
    let agent = stack.agent();
    for admin in [stack.forwardauth.admin, stack.bff.admin] {
        for path in ["/metrics", "/health/live", "/health/ready"] {
            let reply = agent.get(&format!("http://{admin}{path}")).send().await;
            assert_clean(&canaries, path, &reply.body);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t18_no_answer_to_the_browser_holds_a_token() {
    let stack = Stack::start().await;
    let agent = stack.agent();
    let page = stack.sign_in(&agent, "alice", "/app/").await;
    let token = stack.session(&agent).await["csrf_token"].as_str().expect("a token").to_owned();
    let mut replies = vec![page];
    for path in [
        "/",
        "/app/x",
        "/api/auth/session",
        "/api/orders",
        "/auth/logout",
        "/auth/callback",
        "/auth/login",
        "/.well-known/jwks.json",
        "/api/none",
    ] {
        replies.push(
            agent.fetch(Method::GET, &stack.at(path)).header("x-csrf-token", &token).send().await,
        );
    }
    replies.push(agent.get(&format!("http://{}/health", stack.bff_address)).send().await);
    replies.push(stack.ask_verify(&agent, "/app/").send().await);
    replies.push(stack.post(&agent, "/api/auth/refresh", &json!({})).await);
    let canaries = stack.canaries().await;
    for reply in replies {
        let head = format!("{:?}", reply.headers);
        assert_clean(&canaries, &format!("{} body", reply.url), &reply.body);
        assert_clean(&canaries, &format!("{} head", reply.url), head.as_bytes());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c38_a_key_in_redis_is_not_a_cookie() {
    let stack = Stack::start().await;
    let agent = stack.signed_in("alice").await;
    assert_eq!(stack.redis.keys("bff:session:").await, [stack.session_key(&stack.cookie(&agent))]);
    for key in stack.redis.keys("").await {
        for part in [key.as_str(), key.rsplit(':').next().unwrap_or_default()] {
            let thief = stack.agent();
            thief.edit_cookies(|jar| jar.plant("app.wicket.test", COOKIE, part));
            assert_eq!(stack.ask_verify(&thief, "/app/").send().await.status, 401, "{key}");
        }
    }
}
