//! The store or the IdP is away. Nobody is logged out by that.

use serde_json::json;

use crate::oidc::mock::Reply;
use crate::testing::{Browser, World};

#[tokio::test]
async fn c80_without_the_store_everything_that_needs_it_is_503() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    let token = world.csrf(&browser).await;
    let begun = world.begin(&browser, "/auth/login").await;
    let away = world.replica_without_store().await;
    let session = browser.session();
    for ask in [
        browser.get("/api/orders/1").by_our_page(),
        browser.get("/api/maybe").by_our_page(),
        browser.get("/api/auth/session"),
        browser.post("/api/auth/refresh").with_csrf(&token),
        browser.post("/auth/logout").with_csrf(&token),
        browser.get("/auth/logout"),
        browser.get("/auth/login"),
        browser.get(&world.callback(&begun.state)),
    ] {
        let answer = ask.send(&away).await;
        assert_eq!((answer.status, &*answer.code()), (503, "store_unavailable"));
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert!(answer.cookies().is_empty(), "{answer:?}");
    }
    assert_eq!(browser.session(), session);
    assert_eq!(world.idp.seen("/token").len(), 1, "no code was spent");
    let public = Browser::new().get("/api/public").send(&away).await;
    assert_eq!(public.status, 200);
    let health = Browser::new().get("/health").send(&away).await;
    assert_eq!((health.status, &health.json()["checks"]["redis"]), (503, &json!("unavailable")));

    // The same login goes on where the store is.
    assert_eq!(world.finish(&browser, &begun).await.status, 303);
}

#[tokio::test]
async fn c81_without_the_idp_sessions_live_and_logins_wait() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    let away = world.replica();
    world.idp.always("/.well-known/openid-configuration", Reply::text(503, "text/html", ""));
    world.idp.always("/par", Reply::Drop);
    for app in [&world.app, &away] {
        let login = Browser::new().get("/auth/login").send(app).await;
        assert_eq!((login.status, &*login.code()), (503, "idp_unavailable"));
        assert_eq!(login.header("retry-after"), Some("1"));
        assert!(login.cookies().is_empty());
        assert_eq!(world.call(app, &browser).await.status, 200);
    }
    let health = Browser::new().get("/health").send(&away).await;
    assert_eq!((health.status, &health.json()["checks"]["idp"]), (503, &json!("unavailable")));
}

#[tokio::test]
async fn c20_a_person_sees_a_page_that_says_what_to_do() {
    let world = World::start().await;
    let browser = Browser::new();
    let begun = world.begin(&browser, "/auth/login").await;
    let denied = format!(
        "/auth/callback?state={}&error=access_denied&error_description=%3Cscript%3E&iss={}",
        begun.state, world.idp.issuer
    );
    let page = browser.get(&denied).navigating().send(&world.app).await;
    assert_eq!(page.status, 400);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert!(page.body.contains("cancelled or refused") && page.body.contains("/auth/login"));
    assert!(!page.body.contains("script"), "{}", page.body);
    assert_eq!(browser.names(), [""; 0], "the login is over");

    // The login was given away when the IdP could not be asked; the page leads to another one.
    let begun = world.begin(&browser, "/auth/login").await;
    world.idp.once("/token", Reply::text(503, "text/html", ""));
    let page = browser.get(&world.callback(&begun.state)).navigating().send(&world.app).await;
    assert_eq!((page.status, page.header("retry-after")), (503, Some("1")));
    assert!(page.body.contains("/auth/login"));
    assert_eq!(browser.names(), [""; 0]);
}
