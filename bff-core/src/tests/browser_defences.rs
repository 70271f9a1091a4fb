//! What browsers are told with every answer, and what `OPTIONS` and `HEAD` do.

use http::Method;

use crate::testing::{Answer, Browser, LISTED, World};

/// Our own endpoints, and the methods that they have.
const OWN: [(&str, &str); 11] = [
    ("/auth/login", "GET,HEAD"),
    ("/auth/callback", "GET,HEAD,POST"),
    ("/auth/logout", "GET,HEAD,POST"),
    ("/api/auth/logout", "GET,HEAD,POST"),
    ("/api/auth/session", "GET,HEAD"),
    ("/api/auth/refresh", "POST"),
    ("/api/auth/events", "GET,HEAD"),
    ("/api/auth/sessions", "GET,HEAD,DELETE"),
    ("/api/auth/sessions/x", "DELETE"),
    ("/api/v1/metrics", "POST"),
    ("/auth/backchannel-logout", "POST"),
];

fn lists(answer: &Answer, name: &str, value: &str) -> bool {
    let values = answer.headers.get_all(name).iter().map(|value| value.to_str().unwrap());
    values.flat_map(|line| line.split(',')).any(|one| one.trim().eq_ignore_ascii_case(value))
}

/// Of our own, for nobody else's eyes.
fn assert_private(what: &str, answer: &Answer) {
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{what}");
    assert!(answer.header("referrer-policy").is_some(), "{what}");
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{what}: {answer:?}");
    assert!(lists(answer, "vary", "cookie"), "{what}: {answer:?}");
    assert_eq!(answer.header("cross-origin-resource-policy"), Some("same-origin"), "{what}");
    let html = answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html"));
    if html {
        assert_eq!(answer.header("x-frame-options"), Some("DENY"), "{what}");
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("frame-ancestors 'none'"), "{what}: {policy}");
    }
}

#[tokio::test]
async fn c71_every_answer_of_our_own_is_for_who_asked_alone() {
    let world = World::start().await;
    world.idp.always("/par", crate::oidc::mock::pushed("urn:example:1"));
    let browser = world.signed_in().await;
    for method in [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE] {
        for (path, _) in OWN {
            if path.ends_with("/events") {
                continue;
            }
            for signed_in in [false, true] {
                let browser = if signed_in { browser.stolen() } else { Browser::new() };
                for navigates in [false, true] {
                    let what = format!("{method} {path} {signed_in} {navigates}");
                    let ask = browser.ask(method.clone(), path);
                    let ask = if navigates { ask.navigating() } else { ask.by_our_page() };
                    assert_private(&what, &ask.send(&world.app).await);
                }
            }
        }
    }
    for path in ["/nowhere", "/auth/nowhere", "/api//x", "/api/orders/1", "/api/gone"] {
        let answer = Browser::new().get(path).send(&world.app).await;
        assert!(answer.status >= 400, "{path}");
        assert_private(path, &answer);
        assert!(!answer.code().is_empty());
    }
    let doubled = browser.get("/auth/login").header("x-forwarded-host", "evil.test");
    assert_private("two hosts", &doubled.send(&world.app).await);
    let jwks = browser.get("/.well-known/jwks.json").send(&world.app).await;
    assert_eq!(jwks.header("cross-origin-resource-policy"), Some("cross-origin"));
    assert!(!lists(&jwks, "vary", "cookie"), "public, for every cache");
}

#[tokio::test]
async fn c71_what_a_service_says_to_a_signed_in_user_is_embedded_by_nobody() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    let answer = world.call(&world.app, &browser).await;
    assert_eq!(answer.header("cross-origin-resource-policy"), Some("same-origin"));
    assert!(lists(&answer, "vary", "cookie"));
    let public = browser.get("/api/public").send(&world.app).await;
    assert_eq!(public.header("cross-origin-resource-policy"), None, "the service's own word");
    assert_eq!(public.header("x-content-type-options"), Some("nosniff"));
}

#[tokio::test]
async fn options_of_our_own_endpoints_is_405_that_says_what_there_is() {
    let world = World::start().await;
    for (path, methods) in OWN {
        let answer = Browser::new().ask(Method::OPTIONS, path).send(&world.app).await;
        assert_eq!((answer.status, &*answer.code()), (405, "method_not_allowed"), "{path}");
        assert_eq!(answer.header("allow"), Some(methods), "{path}");
    }
}

/// A preflight goes no further; any other `OPTIONS` is a request as others are.
#[tokio::test]
async fn c62_c65_t04_t05_options_reaches_a_service_only_where_it_is_listed_and_without_identity() {
    let world = World::start().await;
    let service = &world.service.url;
    let route = |id: &str, auth: &str| {
        format!(
            "  - {{ id: {id}, path: /api/{id}, target_service: api, methods: [OPTIONS], \
             auth: {auth} }}\n"
        )
    };
    let routes = route("open", "none") + &route("inner", "session");
    world.write(
        "routes.yaml",
        &format!("services: {{ api: {{ base_url: \"{service}\" }} }}\nroutes:\n{routes}"),
    );
    let app = world.replica();
    let browser = world.signed_in().await;
    let token = world.csrf(&browser).await;
    let options = |path: &str| {
        browser
            .ask(Method::OPTIONS, path)
            .header("x-user-id", "evil")
            .header("x_tenant_id", "evil")
            .header("authorization", "Bearer evil")
            .header("dpop", "evil")
            .header("cookie", "other=evil")
            .header("connection", "x-user-id")
    };
    for path in ["/api/open", "/api/inner"] {
        let preflight = options(path).header("access-control-request-method", "POST");
        let answer = preflight.header("origin", LISTED).send(&app).await;
        assert_eq!(answer.status, 204, "{path}");
        let stranger = options(path).header("access-control-request-method", "POST");
        assert_eq!(stranger.header("origin", "https://evil.test").send(&app).await.status, 403);
    }
    let nobody = Browser::new().ask(Method::OPTIONS, "/api/inner").by_our_page().send(&app).await;
    assert_eq!(nobody.status, 401);
    let foreign = options("/api/inner").header("origin", "https://evil.test").send(&app).await;
    assert_eq!(foreign.status, 403);
    assert!(world.service.seen().is_empty(), "nothing of this is for a service");

    assert_eq!(options("/api/open").send(&app).await.status, 200);
    let open = world.service.last();
    assert_eq!((open.method.as_str(), open.header("x-user-id")), ("OPTIONS", None));
    assert_eq!(options("/api/inner").with_csrf(&token).send(&app).await.status, 200);
    let inner = world.service.last();
    assert_eq!((inner.method.as_str(), inner.header("x-user-id")), ("OPTIONS", Some("alice")));
    for seen in world.service.seen() {
        let shown = format!("{:?}", seen.headers);
        assert!(!shown.contains("evil"), "{shown}");
        assert_eq!((seen.header("cookie"), seen.header("dpop")), (None, None));
    }
}
