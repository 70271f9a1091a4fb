//! What a service is shown that wants to know the user and is to have no access token.

use serde_json::Value;
use session::id::SessionId;
use validator_lib::{ContextClaims, Incoming, KeySet, Token, Validator};

use crate::testing::{AUDIENCE, Browser, CONTEXT_ISSUER, CONTEXT_KEY, World};

/// As the service checks it, by what `bff` publishes.
async fn checked(world: &World, authorization: &str) -> Token {
    let published = Browser::new().get("/.well-known/jwks.json").send(&world.app).await.json();
    let now = world.app.now();
    let validator = Validator::context(CONTEXT_ISSUER, AUDIENCE)
        .clock(move || now)
        .with_keys(KeySet::from_jwks_json(published.to_string().as_bytes()).unwrap())
        .unwrap();
    let lines = [authorization.as_bytes()];
    validator.check_incoming(&Incoming::new("GET", "/told/api/told", &lines)).await.unwrap()
}

async fn told(world: &World, browser: &Browser) -> Option<String> {
    let answer = browser.get("/api/told").by_our_page().send(&world.app).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    world.service.last().header("authorization").map(str::to_owned)
}

#[tokio::test]
async fn a_service_is_told_who_calls_by_a_token_of_ours() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    let authorization = told(&world, &browser).await.unwrap();
    let token = checked(&world, &authorization).await;
    assert_eq!((token.subject(), token.issuer()), ("alice", CONTEXT_ISSUER));
    assert_eq!(token.expires_at(), world.app.now() + 60);
    let claims: ContextClaims = token.claims().unwrap();
    let session = SessionId::parse(browser.session().unwrap().as_bytes()).unwrap().store_key();
    assert_eq!(claims.sid, session.to_string());
    assert_eq!(world.service.last().header("x-user-id"), Some("alice"));

    world.clock.advance(29);
    assert_eq!(told(&world, &browser).await.as_ref(), Some(&authorization));
    world.clock.advance(1);
    assert_ne!(told(&world, &browser).await.as_ref(), Some(&authorization));
    // Another session's is another's.
    let other = world.signed_in().await;
    let others = told(&world, &other).await.unwrap();
    let claims: ContextClaims = checked(&world, &others).await.claims().unwrap();
    assert_ne!(claims.sid, session.to_string());
}

#[tokio::test]
async fn c61_nobody_has_no_context_token_and_a_service_may_be_shown_none() {
    let world = World::start().await;
    assert_eq!(told(&world, &Browser::new()).await, None);
    let browser = world.signed_in().await;
    let answer = browser.get("/api/plain").by_our_page().send(&world.app).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let seen = world.service.last();
    assert_eq!((seen.header("authorization"), seen.header("x-user-id")), (None, Some("alice")));
}

#[tokio::test]
async fn c83_only_public_halves_are_published() {
    let world = World::start().await;
    let answer = Browser::new().get("/.well-known/jwks.json").send(&world.app).await;
    let keys = answer.json();
    let key: Value = serde_json::from_str(CONTEXT_KEY).unwrap();
    assert!(keys["keys"].as_array().unwrap().iter().any(|known| known["x"] == key["x"]));
    assert!(!keys.to_string().contains(key["d"].as_str().unwrap()), "{keys}");
}
