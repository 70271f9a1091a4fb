//! The login seen from outside the browser: what is bound to what, and what is refused.

use e2e::agent::{Agent, Reply};
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

fn with_parameter(url: &Url, name: &str, value: Option<&str>) -> String {
    let mut changed = url.clone();
    let kept: Vec<_> = url
        .query_pairs()
        .filter(|(key, _)| key != name)
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect();
    changed.query_pairs_mut().clear().extend_pairs(kept);
    if let Some(value) = value {
        changed.query_pairs_mut().append_pair(name, value);
    }
    changed.into()
}

fn assert_no_session(stack: &Stack, agent: &Agent, reply: &Reply, what: &str) {
    assert!(
        !reply.status.is_success() || reply.header("content-type").starts_with("text/html"),
        "{what}: {}",
        reply.status
    );
    assert!(!reply.status.is_server_error(), "{what}: {} {}", reply.status, reply.text());
    assert_eq!(stack.cookie(agent), "", "{what} made a session");
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
async fn t14_c03_a_callback_in_another_browser_is_refused_before_the_code_is_spent() {
    let stack = Stack::start().await;
    let (victim, attacker) = (stack.agent(), stack.agent());
    let callback = up_to_the_callback(&stack, &attacker, "mallory", "/").await;
    let reply = victim.visit(callback.as_str()).send().await;
    assert_no_session(&stack, &victim, &reply, "a foreign callback");
    assert_eq!(stack.idp.count("POST /token").await, 0);

    // Neither does another login in progress lend its binding.
    victim.visit(&stack.at("/auth/login")).send().await;
    let reply = victim.visit(callback.as_str()).send().await;
    assert_no_session(&stack, &victim, &reply, "a foreign callback beside an own login");
    assert_eq!(stack.idp.count("POST /token").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn c08_c09_c10_c11_a_callback_that_is_not_exact_is_refused_before_the_code_is_spent() {
    let stack = Stack::start().await;
    let issuer = stack.idp.issuer.clone();
    let port = issuer.rsplit(':').next().expect("a port").to_owned();
    let other = [
        "https://evil.test".to_owned(),
        format!("{issuer}/"),
        format!("https://LOCALHOST:{port}"),
        String::new(),
    ];
    let wrong_issuers = other.iter().map(|issuer| ("iss", Some(issuer.as_str())));
    for (name, value) in wrong_issuers.chain([
        ("iss", None),
        ("state", Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")),
        ("state", Some("")),
        ("state", None),
        ("code", None),
        ("error", Some("access_denied<script>alert(1)</script>")),
    ]) {
        let agent = Agent::from_address(&stack.ca, std::net::Ipv4Addr::new(127, 0, 0, 7));
        let callback = up_to_the_callback(&stack, &agent, "alice", "/").await;
        let url = with_parameter(&callback, name, value);
        let reply = agent.visit(&url).send().await;
        assert_no_session(&stack, &agent, &reply, &format!("{name}={value:?}"));
        assert!(!reply.text().contains("<script>alert"), "{name}: {}", reply.text());
        // Ten logins a minute are the limit of one address; this test needs more than its share.
        stack.redis.ask(&[b"FLUSHALL"]).await;
    }
    for name in ["state", "code", "iss"] {
        let agent = Agent::from_address(&stack.ca, std::net::Ipv4Addr::new(127, 0, 0, 8));
        let callback = up_to_the_callback(&stack, &agent, "alice", "/").await;
        let value = parameter(&callback, name).expect("the callback has it");
        let mut doubled = callback.clone();
        doubled.query_pairs_mut().append_pair(name, &value);
        let reply = agent.visit(doubled.as_str()).send().await;
        assert_no_session(&stack, &agent, &reply, &format!("two of {name}"));
    }
    assert_eq!(stack.idp.count("POST /token").await, 0, "a code was spent");
}

#[tokio::test(flavor = "multi_thread")]
async fn c12_a_replayed_callback_makes_no_second_session_and_no_dead_end() {
    let stack = Stack::start().await;
    let agent = stack.agent();
    let callback = up_to_the_callback(&stack, &agent, "alice", "/app/x").await;
    assert_eq!(agent.visit(callback.as_str()).send().await.status, 303);
    let session = stack.cookie(&agent);
    let spent = stack.idp.count("POST /token").await;

    let again = agent.visit(callback.as_str()).send().await;
    assert!(again.status.is_redirection(), "{} {}", again.status, again.text());
    let landed = agent.follow(again).await;
    assert!(landed.url.as_str().starts_with(&stack.origin), "{}", landed.url);
    assert_eq!(stack.cookie(&agent), session, "a replay changed the session");
    assert_eq!(stack.redis.keys("bff:session:").await.len(), 1);
    assert_eq!(stack.idp.count("POST /token").await, spent);
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
async fn t13_c16_return_to_never_leaves_the_site() {
    let stack = Stack::start().await;
    let agent = stack.signed_in("alice").await;
    for hostile in [
        "//evil.test",
        "///evil.test",
        "/\\evil.test",
        "\\\\evil.test",
        "/%5cevil.test",
        "/%2fevil.test",
        "/%09/evil.test",
        "/\t/evil.test",
        "https:evil.test",
        "https:/evil.test",
        "https://evil.test",
        "https://app.wicket.test@evil.test",
        "https://app.wicket.test.evil.test",
        "http:evil.test",
        "javascript:alert(1)",
        "data:text/html,x",
        "/%0d%0aX: y",
        "/\r\nX: y",
        "@evil.test",
        ".evil.test",
        "/..//evil.test",
        "/.//evil.test",
        "/%2e%2e//evil.test",
        "",
        " //evil.test",
        "/x\u{202e}",
        "/\u{0}",
        "//app.wicket.test:1/",
        "/%E3%80%82",
        "?x",
        "#x",
        "evil.test",
    ] {
        // Another address for each: the limit of logins is not the subject.
        stack.redis.ask(&[b"FLUSHALL"]).await;
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("return_to", hostile)
            .finish();
        let reply = agent.visit(&stack.at(&format!("/auth/login?{query}"))).send().await;
        if reply.status.is_client_error() {
            continue;
        }
        assert!(reply.status.is_redirection(), "{hostile:?}: {} {}", reply.status, reply.text());
        let landed = agent.follow(reply).await;
        assert!(
            landed.url.as_str().starts_with(&format!("{}/", stack.origin)),
            "{hostile:?} led to {}",
            landed.url
        );
        // A session that nobody uses, again and again, would be a login loop.
        assert_eq!(stack.session(&agent).await["authenticated"], true, "{hostile:?}");
    }
    for good in ["/app/x?a=b&c=%2F%2Fd", "/app/%C3%A4", "/app/#part"] {
        stack.redis.ask(&[b"FLUSHALL"]).await;
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("return_to", good)
            .finish();
        let landed = agent.navigate(&stack.at(&format!("/auth/login?{query}"))).await;
        assert_eq!(landed.url.as_str(), stack.at(good));
        assert_eq!(stack.session(&agent).await["authenticated"], true, "{good:?}");
    }
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

#[tokio::test(flavor = "multi_thread")]
async fn c72_logout_needs_proof_that_the_user_meant_it() {
    let stack = Stack::start().await;
    let agent = stack.signed_in("alice").await;
    let alive = async || stack.session(&agent).await["authenticated"] == true;

    let bare = agent.visit(&stack.at("/auth/logout")).send().await;
    assert_eq!(bare.status, 200, "a bare GET shows a page that asks: {}", bare.text());
    assert!(alive().await, "a bare GET signed the user out");

    for url in ["/auth/logout?lt=wrong", "/auth/logout?lt=", "/auth/logout?lt=%3Cscript%3E"] {
        let reply = agent.visit(&stack.at(url)).send().await;
        assert!(alive().await, "{url} signed the user out");
        assert!(
            !reply.status.is_server_error() && !reply.text().contains("<script>"),
            "{url}: {}",
            reply.text()
        );
    }
    for (origin, token) in [("https://evil.test", true), (stack.origin.as_str(), false)] {
        let csrf = stack.session(&agent).await["csrf_token"].as_str().expect("a token").to_owned();
        let mut call =
            agent.fetch(Method::POST, &stack.at("/auth/logout")).header("origin", origin);
        if token {
            call = call.header("x-csrf-token", &csrf);
        }
        let reply = call.send().await;
        assert_eq!(reply.status, 403, "{origin}: {}", reply.text());
        assert!(alive().await, "{origin} signed the user out");
    }

    let reply = stack.post(&agent, "/auth/logout", &json!({})).await;
    assert!(
        reply.status.is_success() || reply.status.is_redirection(),
        "{} {}",
        reply.status,
        reply.text()
    );
    assert_eq!(stack.cookie(&agent), "");
    assert!(!alive().await);
}
