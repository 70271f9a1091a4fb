//! What a service is shown that wants to know the user and is to have no access token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use session::id::SessionId;
use shell::reload::{Trust, Watch};
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

/// What is published and what signs change with the file, in a program that goes on.
#[tokio::test]
async fn keys_in_a_file_are_rotated_without_a_restart() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let named = |kid: &str| CONTEXT_KEY.replacen('{', &format!("{{\"kid\":\"{kid}\","), 1);
    let write = |kids: &[&str]| {
        let keys: Vec<String> = kids.iter().map(|kid| named(kid)).collect();
        std::fs::write(file.path(), format!("[{}]", keys.join(","))).unwrap();
    };
    write(&["old"]);
    let path = file.path().to_str().unwrap();
    let changes = [("BFF_CONTEXT_KEYS", ""), ("BFF_CONTEXT_KEYS_FILE", path)];
    let app = world.replica_configured(&changes);
    let mut watch = Watch::over(crate::reload::watched(&app));
    let now = async || {
        let keys = Browser::new().get("/.well-known/jwks.json").send(&app).await.json();
        let kids = keys["keys"].as_array().unwrap().iter();
        let kids: Vec<String> = kids.map(|key| key["kid"].as_str().unwrap().to_owned()).collect();
        assert_eq!(browser.get("/api/told").by_our_page().send(&app).await.status, 200);
        let seen = world.service.last();
        let header = seen.header("authorization").unwrap().trim_start_matches("Bearer ");
        let header = URL_SAFE_NO_PAD.decode(header.split('.').next().unwrap()).unwrap();
        let header: Value = serde_json::from_slice(&header).unwrap();
        (header["kid"].as_str().unwrap().to_owned(), kids)
    };
    assert_eq!(now().await, ("old".to_owned(), vec!["old".to_owned()]));
    write(&["new", "old"]);
    watch.look(Trust::AtOnce).await;
    assert_eq!(now().await, ("new".to_owned(), vec!["new".to_owned(), "old".to_owned()]));
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
