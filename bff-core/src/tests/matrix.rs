//! The modules of the OpenID Foundation's client tests that need a browser (protocols 4.10), and what
//! the start has to say about an issuer. The others: `bff-core/src/oidc/tests/matrix.rs`.

use serde_json::json;

use crate::startup::check_issuers;
use crate::testing::{Browser, World};

/// Brings the browser back with this query in place of the right one.
async fn came_back_with(change: impl FnOnce(&World, &str) -> String) {
    let world = World::start().await;
    let browser = Browser::new();
    let login = world.begin(&browser, "/auth/login").await;
    let before = world.idp.seen("/token").len();
    let answer = browser.get(&change(&world, &login.state)).send(&world.app).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert!(browser.session().is_none());
    assert_eq!(world.idp.seen("/token").len(), before);
}

#[tokio::test]
async fn c03_ensure_authorization_response_with_invalid_state_fails() {
    came_back_with(|world, _| world.callback("another-state")).await;
    came_back_with(|world, state| world.callback(&format!("{state}x"))).await;
    came_back_with(|world, state| world.callback(&state.to_lowercase())).await;
}

#[tokio::test]
async fn c03_ensure_authorization_response_with_invalid_missing_state_fails() {
    came_back_with(|world, state| world.callback(state).replacen("state=", "nostate=", 1)).await;
    came_back_with(|world, _| world.callback("")).await;
}

#[tokio::test]
async fn jarm_a_signed_answer_finds_its_login_and_finishes_it() {
    let world = World::with(&[("OIDC_JARM", "required")]).await;
    let browser = Browser::new();
    let login = world.begin(&browser, "/auth/login?return_to=/orders").await;
    let now = world.app.now();
    let id_token = world.idp.id_token(&login.nonce, &json!({ "iat": now, "exp": now + 300 }));
    let tokens = crate::oidc::mock::tokens("Bearer", &id_token);
    world.idp.once("/token", crate::oidc::mock::Reply::json(200, tokens));
    let claims = json!({
        "iss": world.idp.issuer, "aud": "client", "exp": now + 60, "code": "canary-code",
        "state": login.state,
    });
    let jwt = world.idp.sign(&json!({ "alg": "ES256", "kid": "k1" }), &claims);
    let answer = browser.get(&format!("/auth/callback?response={jwt}")).send(&world.app).await;
    assert_eq!((answer.status, answer.location()), (303, "/orders"), "{answer:?}");
    assert!(world.is_signed_in(&browser).await);
}

#[tokio::test]
async fn c07_settings_that_the_issuer_rules_out_stop_the_start() {
    let world = World::with(&[("OIDC_PAR", "off")]).await;
    assert!(check_issuers(&world.app).await.is_ok());
    world.idp.metadata(&json!({ "require_pushed_authorization_requests": true }));
    let error = check_issuers(&world.app).await.unwrap_err();
    assert_eq!(error.reason(), "par_required_by_issuer");
}

#[tokio::test]
async fn c81_an_issuer_that_is_away_or_in_trouble_stops_no_start() {
    let world = World::start().await;
    let path = "/.well-known/openid-configuration";
    for reply in [
        crate::oidc::mock::Reply::text(503, "text/plain", ""),
        crate::oidc::mock::Reply::text(200, "text/html", "<html>maintenance</html>"),
        crate::oidc::mock::Reply::Drop,
    ] {
        world.idp.always(path, reply);
        assert!(check_issuers(&world.app).await.is_ok());
    }
}
