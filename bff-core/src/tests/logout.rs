//! Signing out, and who may make a browser do it.

use std::time::Duration;

use url::Url;

use crate::oidc::mock::Reply;
use crate::testing::{APP, Answer, Browser, World};

async fn log_out(world: &World, browser: &Browser) -> Answer {
    let token = world.csrf(browser).await;
    let ask = browser.post("/auth/logout").with_csrf(&token);
    ask.header("accept", "application/json").send(&world.app).await
}

async fn revoked(world: &World) -> Vec<String> {
    assert!(world.app.shutdown.drained(Duration::from_secs(10)).await);
    let requests = world.idp.seen("/revoke");
    requests.iter().map(|request| request.param("token").unwrap().to_owned()).collect()
}

/// The address at the IdP that the page sends the browser to.
fn end_session_url(page: &str) -> Url {
    let link = page.split("id=\"continue\" href=\"").nth(1).expect("a link to go on");
    let link = link.split('"').next().unwrap_or_default().replace("&amp;", "&");
    Url::parse(&link).unwrap()
}

fn parameter(url: &Url, wanted: &str) -> Option<String> {
    url.query_pairs().find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
}

#[tokio::test]
async fn c73_c74_logout_ends_the_session_here_and_at_the_idp() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    let thief = browser.stolen();
    let session = browser.get("/api/auth/session").send(&world.app).await.json();
    let link = session["logout_url"].as_str().unwrap();
    let navigation = browser.get(link).header("sec-fetch-mode", "navigate");
    let answer = navigation.header("accept", "text/html").send(&world.app).await;
    assert_eq!(answer.status, 200);
    assert_eq!(browser.names(), [""; 0]);
    assert!(!world.is_signed_in(&thief).await);

    let url = end_session_url(&answer.body);
    assert!(url.as_str().starts_with(&format!("{}/logout?", world.idp.issuer)));
    let of = |wanted: &str| parameter(&url, wanted).unwrap();
    assert_eq!(of("client_id"), "client");
    assert_eq!(of("post_logout_redirect_uri"), format!("{APP}/auth/login"));
    let (_, claims) = crate::oidc::mock::decode(&of("id_token_hint"));
    assert_eq!(claims["sub"], "alice");
    assert_eq!(revoked(&world).await, ["canary-refresh-token", "canary-access-token"]);
}

#[tokio::test]
async fn t18_a_script_that_signs_out_gets_no_id_token() {
    let world = World::start().await;
    let url = log_out(&world, &world.signed_in().await).await.json()["end_session_url"].clone();
    let url = Url::parse(url.as_str().unwrap()).unwrap();
    assert_eq!(parameter(&url, "client_id").as_deref(), Some("client"));
    assert_eq!(parameter(&url, "id_token_hint"), None);

    let browser = world.signed_in().await;
    let token = world.csrf(&browser).await;
    let fetched = browser.post("/auth/logout").with_csrf(&token).header("sec-fetch-mode", "cors");
    let answer = fetched.header("accept", "text/html").send(&world.app).await;
    assert_eq!(parameter(&end_session_url(&answer.body), "id_token_hint"), None);
}

#[tokio::test]
async fn c74_an_idp_that_never_answers_holds_no_logout() {
    let world = World::start().await;
    let (first, second) = (world.signed_in().await, world.signed_in().await);
    world.idp.always("/revoke", Reply::Hang);
    let at_once = Duration::from_secs(3);
    let answer = tokio::time::timeout(at_once, log_out(&world, &first)).await.unwrap();
    assert_eq!(answer.status, 200);
    assert!(answer.json()["end_session_url"].is_string());

    // A replica that has yet to learn what the IdP offers.
    world.idp.always("/.well-known/openid-configuration", Reply::Hang);
    let (token, other) = (world.csrf(&second).await, world.replica());
    let asked = second.post("/auth/logout").with_csrf(&token).send(&other);
    let answer = tokio::time::timeout(at_once, asked).await.unwrap();
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("You are signed out"), "{answer:?}");
    assert!(!world.is_signed_in(&first).await && !world.is_signed_in(&second).await);
}

#[tokio::test]
async fn c74_a_revocation_that_fails_is_tried_once_more() {
    let world = World::start().await;
    world.idp.once("/revoke", Reply::text(503, "text/plain", ""));
    log_out(&world, &world.signed_in().await).await;
    let twice = "canary-refresh-token";
    assert_eq!(revoked(&world).await, [twice, twice, "canary-access-token"]);
}

#[tokio::test]
async fn c74_a_revocation_that_is_refused_is_not_repeated() {
    let world = World::start().await;
    world.idp.once("/revoke", Reply::error(400, "unsupported_token_type"));
    log_out(&world, &world.signed_in().await).await;
    assert_eq!(revoked(&world).await, ["canary-refresh-token", "canary-access-token"]);
}

#[tokio::test]
async fn c73_a_hint_that_no_address_can_hold_is_posted_by_a_page() {
    let world = World::start().await;
    let browser = Browser::new();
    let login = world.begin(&browser, "/auth/login").await;
    let long = serde_json::json!({ "name": "n".repeat(2_000) });
    assert_eq!(world.finish_as(&browser, &login, &long).await.status, 303);
    let link = world.session_of(&browser).await["logout_url"].as_str().unwrap().to_owned();
    let answer = browser.get(&link).navigating().send(&world.app).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
    let form = answer.body.split("<form ").nth(1).unwrap();
    assert!(form.starts_with(&format!("method=\"post\" action=\"{}/logout\">", world.idp.issuer)));
    let field = |name: &str| {
        let value = form.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap();
        value.split('"').next().unwrap().to_owned()
    };
    assert_eq!(field("client_id"), "client");
    assert_eq!(field("post_logout_redirect_uri"), format!("{APP}/auth/login"));
    let (_, claims) = crate::oidc::mock::decode(&field("id_token_hint"));
    assert_eq!(claims["sub"], "alice");

    // Only our own line of script runs, and the form may go where the IdP is.
    let policy = answer.header("content-security-policy").unwrap();
    let script = answer.body.split("<script>").nth(1).unwrap().split("</script>").next().unwrap();
    let hash = ring::digest::digest(&ring::digest::SHA256, script.as_bytes());
    let hash = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, hash);
    assert!(policy.contains(&format!("script-src 'sha256-{hash}'")), "{policy}");
    assert!(!policy.contains("form-action"), "{policy}");
    assert_eq!(answer.header("referrer-policy"), Some("strict-origin"));
    assert!(!world.is_signed_in(&browser).await);
}

#[tokio::test]
async fn c45_a_logout_during_a_refresh_wins() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    let thief = browser.stolen();
    world.clock.advance(301);
    world.idp.once("/token", world.fresh_tokens());
    world.gate.close();
    let (answer, ()) = tokio::join!(world.call(&world.app, &thief), async {
        world.gate.someone_waits().await;
        assert_eq!(log_out(&world, &browser).await.status, 200);
        world.gate.open();
    });
    assert_eq!((answer.status, &*answer.code()), (401, "unauthenticated"));
    assert!(!world.is_signed_in(&thief).await);
    assert!(world.service.seen().is_empty());
    // Also what the refresh brought too late.
    let revoked = revoked(&world).await;
    assert!(revoked.contains(&"canary-refresh-token-2".to_owned()), "{revoked:?}");
    assert!(revoked.contains(&"canary-refresh-token".to_owned()), "{revoked:?}");
}

#[tokio::test]
async fn c72_logout_needs_a_proof_of_intent() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    let other = world.signed_in().await;
    let foreign = world.session_of(&other).await["logout_url"].as_str().unwrap().to_owned();
    for (ask, status, code) in [
        (browser.post("/auth/logout"), 403, "csrf_header_missing"),
        (browser.post("/auth/logout").by_our_page(), 403, "csrf_header_missing"),
        (browser.post("/auth/logout").header("origin", "https://evil.test"), 403, "csrf_origin"),
        (browser.post("/auth/logout").header("origin", "null"), 403, "csrf_origin"),
        (browser.post("/auth/logout").form("lt=wrong"), 400, "logout_token_invalid"),
        (browser.get("/auth/logout?lt="), 400, "logout_token_invalid"),
        (browser.get("/auth/logout?lt=%3Cscript%3E"), 400, "logout_token_invalid"),
        (browser.get(&foreign), 400, "logout_token_invalid"),
        (browser.get(&format!("{foreign}&lt=x")), 400, "logout_token_invalid"),
    ] {
        let answer = ask.send(&world.app).await;
        assert_eq!((answer.status, &*answer.code()), (status, code));
        assert!(!answer.body.contains("script"));
        assert!(world.is_signed_in(&browser).await && browser.session().is_some());
    }
    let link = world.session_of(&browser).await["logout_url"].as_str().unwrap().to_owned();
    let answer = browser.get(&link).navigating().send(&world.app).await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("http-equiv=\"refresh\""), "{answer:?}");
    assert!(!world.is_signed_in(&browser).await);
}

#[tokio::test]
async fn c72_a_bare_link_asks_and_its_form_signs_out() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    let page = browser.get("/auth/logout").navigating().send(&world.app).await;
    assert_eq!(page.status, 200);
    assert!(world.is_signed_in(&browser).await);
    // With `no-referrer` the form would come with `Origin: null` and be refused.
    assert_eq!(page.header("referrer-policy"), Some("same-origin"));
    let action = page.body.split("action=\"").nth(1).unwrap().split('"').next().unwrap();
    let form = browser.post(action).navigating().header("origin", APP).form("");
    let answer = form.header("sec-fetch-site", "same-origin").send(&world.app).await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("Signing out"), "{answer:?}");
    assert_eq!(browser.session(), None);
}

#[tokio::test]
async fn c72_nobody_signs_out_as_often_as_they_like() {
    let world = World::start().await;
    let stale = Browser::new();
    stale.plant(&format!("bff_session={}; Path=/", "A".repeat(43)));
    for browser in [Browser::new(), stale] {
        for ask in [browser.get("/auth/logout"), browser.post("/auth/logout")] {
            let answer = ask.send(&world.app).await;
            assert_eq!(answer.status, 200);
            assert!(answer.body.contains("You are signed out"));
            assert_eq!(browser.session(), None);
        }
    }
}

#[tokio::test]
async fn t15_a_strangers_link_takes_no_cookie_that_it_did_not_bring() {
    let world = World::with(&[("BFF_COOKIE_SAMESITE", "Strict")]).await;
    // A link from elsewhere comes without the `Strict` cookie that the browser has.
    let answer = Browser::new().get("/auth/logout").navigating().send(&world.app).await;
    assert!(answer.cookies().is_empty(), "{answer:?}");
}

#[tokio::test]
async fn without_an_end_session_endpoint_a_page_says_that_it_is_over() {
    let world = World::start().await;
    world.idp.metadata(&serde_json::json!({
        "token_endpoint": world.gate.url("/token"), "end_session_endpoint": null,
    }));
    let browser = world.signed_in().await;
    let token = world.csrf(&browser).await;
    let answer = browser.post("/api/auth/logout").with_csrf(&token).send(&world.app).await;
    assert!(answer.body.contains("You are signed out"), "{answer:?}");
}
