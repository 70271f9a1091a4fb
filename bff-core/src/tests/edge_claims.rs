//! What verify learns of a user: groups and claims, at the login and after a refresh.

use serde_json::json;
use session::edge::{AuthenticEdge, claims};
use session::id::StoreKey;
use session::store::Store as _;

use crate::oidc::mock::Reply;
use crate::testing::{Browser, FRESH_TOKEN, World};

/// As verify reads it.
async fn edge(world: &World, browser: &Browser) -> AuthenticEdge {
    let key = StoreKey::parse(&browser.reference()).unwrap();
    let view = world.app.store.edge_view(&key).await.unwrap().unwrap();
    world.app.config.clients.edge_keys.open(&key, view).unwrap()
}

async fn signed_in(world: &World) -> Browser {
    let browser = Browser::new();
    let login = world.begin(&browser, "/auth/login").await;
    let said = json!({
        "groups": ["staff", "on call"], "preferred_username": "al", "name": "Alice Example",
        "email": "alice@example.com", "email_verified": true, "org": { "unit": "Sales" },
    });
    assert_eq!(world.finish_as(&browser, &login, &said).await.status, 303);
    browser
}

#[tokio::test]
async fn verify_learns_groups_and_claims_at_the_login_and_from_a_refresh() {
    let world = World::with(&[("BFF_EDGE_CLAIMS", "org.unit")]).await;
    let browser = signed_in(&world).await;
    let before = edge(&world, &browser).await;
    assert_eq!(before.groups(), b"staff,on%20call");
    assert_eq!(before.claim(claims::USERNAME), Some(&b"al"[..]));
    assert_eq!(before.claim(claims::NAME), Some(&b"Alice Example"[..]));
    assert_eq!(before.claim(claims::EMAIL_VERIFIED), Some(&b"true"[..]));
    assert_eq!(before.claim("org.unit"), Some(&b"Sales"[..]));

    world.clock.advance(301);
    let now = world.app.now();
    let said = json!({
        "iat": now, "exp": now + 300, "groups": ["board"], "email": "other@example.com",
        "org": { "unit": "Legal" },
    });
    let id_token = world.idp.id_token("any", &said);
    let answer = json!({
        "access_token": FRESH_TOKEN, "token_type": "Bearer", "expires_in": 300,
        "id_token": id_token,
    });
    world.idp.once("/token", Reply::json(200, answer));
    assert_eq!(world.call(&world.app, &browser).await.status, 200);
    let after = edge(&world, &browser).await;
    assert_eq!(after.groups(), b"board");
    assert_eq!(after.claim(claims::EMAIL), Some(&b"other@example.com"[..]));
    assert_eq!(after.claim(claims::EMAIL_VERIFIED), None, "nobody said it of this address");
    assert_eq!(after.claim(claims::NAME), Some(&b"Alice Example"[..]));
    assert_eq!(after.claim("org.unit"), Some(&b"Legal"[..]));
}

/// For the time of an update, in which replicas run that know version 1 alone.
#[tokio::test]
async fn edge_views_stay_in_version_1_while_claims_are_off() {
    let world = World::with(&[("BFF_EDGE_CLAIMS", "off")]).await;
    let browser = signed_in(&world).await;
    let view = edge(&world, &browser).await;
    assert_eq!(view.raw().first(), Some(&1));
    assert_eq!(view.groups(), b"staff,on%20call");
    assert_eq!(view.claim(claims::EMAIL), None);
}
