//! The login seen from outside the browser: what is bound to what, and what is refused.

mod callback;
mod logout;
mod return_to;

use e2e::agent::Agent;
use e2e::idp;
use e2e::stack::{COOKIE, Stack};
use http::Method;
use serde_json::json;
use tokio::task::JoinSet;
use url::Url;

/// Goes to the provider's form and through it, up to the callback, which is not called.
async fn up_to_the_callback(stack: &Stack, agent: &Agent, user: &str, return_to: &str) -> Url {
    let form = agent.navigate(&stack.at(&format!("/auth/login?return_to={return_to}"))).await;
    let html = form.text();
    let action =
        html.split_once("action=\"").and_then(|(_, rest)| rest.split_once('"')).expect("a form").0;
    let target = form.url.join(action).expect("a URL");
    let mut reply = agent
        .request(Method::POST, target.as_str())
        .form(&[("login", user), ("password", "x")])
        .send()
        .await;
    loop {
        let next = reply.location();
        if next.as_str().starts_with(&stack.origin) {
            return next;
        }
        reply = agent.visit(next.as_str()).send().await;
    }
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find_map(|(key, value)| (key == name).then(|| value.into_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn c04_c19_the_browser_carries_only_client_id_and_request_uri_on_303_or_302() {
    let stack = Stack::start().await;
    let agent = stack.agent();
    let begun = agent.visit(&stack.at("/auth/login?return_to=/app/")).send().await;
    assert!(matches!(begun.status.as_u16(), 302 | 303), "{}", begun.status);
    assert!(begun.header("cache-control").contains("no-store"), "{:?}", begun.headers);
    let url = begun.location();
    let mut names: Vec<_> = url.query_pairs().map(|(name, _)| name.into_owned()).collect();
    names.sort();
    assert_eq!(names, ["client_id", "request_uri"], "{url}");

    let callback = up_to_the_callback(&stack, &agent, "alice", "/app/").await;
    let landed = agent.visit(callback.as_str()).send().await;
    assert_eq!(landed.status, 303, "{}", landed.text());
    assert_eq!(landed.location().as_str(), stack.at("/app/"));
    assert!(landed.header("cache-control").contains("no-store"));
    let line = agent.cookies().get(COOKIE).expect("a session cookie").line.clone();
    for attribute in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/"] {
        assert!(line.contains(attribute), "{attribute}: {line}");
    }
    assert!(!line.to_lowercase().contains("domain="), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn t14_c15_each_login_makes_a_new_session_and_the_old_one_is_dead() {
    let stack = Stack::start().await;
    let agent = stack.agent();
    let planted = "A".repeat(43);
    agent.edit_cookies(|jar| jar.plant("app.wicket.test", COOKIE, &planted));
    stack.sign_in(&agent, "alice", "/").await;
    let first = stack.cookie(&agent);
    assert_ne!(first, planted);

    let again = agent.navigate(&stack.at("/auth/login?return_to=/&prompt=login")).await;
    idp::submit_login(&agent, &again, "alice").await;
    let second = stack.cookie(&agent);
    assert_ne!(second, first);
    let old = stack.agent();
    old.edit_cookies(|jar| jar.plant("app.wicket.test", COOKIE, &first));
    assert_eq!(stack.ask_verify(&old, "/app/").send().await.status, 401);
    assert_eq!(stack.ask_verify(&agent, "/app/").send().await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn c13_ten_tabs_may_log_in_at_once() {
    let stack = std::sync::Arc::new(Stack::start().await);
    let agent = std::sync::Arc::new(stack.agent());
    let mut tabs = Vec::new();
    for tab in 0..10 {
        tabs.push(agent.navigate(&stack.at(&format!("/auth/login?return_to=/app/{tab}"))).await);
    }
    let mut logins = JoinSet::new();
    for (tab, form) in tabs.into_iter().enumerate() {
        let agent = std::sync::Arc::clone(&agent);
        logins.spawn(async move { (tab, idp::submit_login(&agent, &form, "alice").await) });
    }
    for (tab, landed) in logins.join_all().await {
        assert_eq!(
            landed.url.as_str(),
            stack.at(&format!("/app/{tab}")),
            "{} {}",
            landed.status,
            landed.text()
        );
        assert_eq!(landed.status, 200, "tab {tab}: {}", landed.text());
    }
    assert_eq!(stack.session(&agent).await["authenticated"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn c14_a_prefetch_starts_no_login() {
    let stack = Stack::start().await;
    let agent = stack.agent();
    for (name, value) in [
        ("sec-purpose", "prefetch"),
        ("sec-purpose", "prefetch;prerender"),
        ("purpose", "prefetch"),
        ("x-moz", "prefetch"),
        ("x-middleware-prefetch", "1"),
        ("next-router-prefetch", "1"),
    ] {
        let reply = agent.visit(&stack.at("/auth/login")).header(name, value).send().await;
        assert!(!reply.status.is_redirection(), "{name}: {value}: {}", reply.status);
        assert!(!reply.status.is_server_error(), "{name}: {value}: {}", reply.status);
    }
    assert_eq!(stack.idp.count("POST /request").await, 0);
    assert!(agent.cookies().all().is_empty(), "{:?}", agent.cookies());
}

#[tokio::test(flavor = "multi_thread")]
async fn c81_while_the_provider_is_away_login_is_503_and_live_sessions_go_on() {
    let stack = Stack::start().await;
    let agent = stack.signed_in("alice").await;
    // The API has the provider's keys from here on, as the product does.
    assert_eq!(stack.post(&agent, "/api/orders", &json!({})).await.status, 200);
    for path in ["/request", "/.well-known", "/token", "/jwks"] {
        stack.idp.fault(path, 1000, json!({"drop": true})).await;
    }
    let login = stack.agent().visit(&stack.at("/auth/login")).send().await;
    assert_eq!(login.status, 503, "{}", login.text());
    assert!(!login.header("retry-after").is_empty(), "{:?}", login.headers);
    assert_eq!(stack.post(&agent, "/api/orders", &json!({})).await.status, 200);
    assert_eq!(stack.ask_verify(&agent, "/app/").send().await.status, 200);

    stack.idp.control("clear-faults", &json!({})).await;
    assert_eq!(stack.session(&stack.signed_in("bob").await).await["authenticated"], true);
}
