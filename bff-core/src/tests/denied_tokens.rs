//! Tokens that somebody took back, at routes that take the caller's own (class T15).

use http::Method;
use serde_json::{Value, json};
use session::denied::{Denied, DeniedKey};
use session::faulty::Fault;

use super::bearer::{ask, token, world_with};
use crate::oidc::mock::NOW;

use crate::testing::{ADMIN_TOKENS, Answer, Browser, World, ask_admin};

async fn world() -> World {
    world_with(&[("BFF_ADMIN_TOKENS", ADMIN_TOKENS)]).await
}

async fn deny(world: &World, body: &Value) {
    // Any replica may be asked.
    let other = world.replica();
    let answer = ask_admin(&other, Method::POST, "/admin/revocations", body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

fn is_revoked(answer: &Answer) -> bool {
    let challenge = answer.header("www-authenticate");
    answer.status == 401
        && answer.code() == "invalid_token"
        && challenge == Some("Bearer error=\"invalid_token\"")
}

#[tokio::test]
async fn t15_a_denied_token_is_refused_at_the_next_request_and_no_other() {
    let world = world().await;
    let named = |jti: &str| token(&world, &json!({ "jti": jti }));
    let (one, other) = (named("one"), named("other"));
    for token in [&one, &other] {
        assert_eq!(ask(&world, "/api/b/1", token).await.status, 200);
    }
    // Another issuer's token may have the same name.
    deny(&world, &json!({ "iss": "https://elsewhere.example", "jti": "one", "exp": NOW + 300 }))
        .await;
    assert_eq!(ask(&world, "/api/b/1", &one).await.status, 200);
    deny(&world, &json!({ "iss": world.idp.issuer, "jti": "one", "exp": NOW + 300 })).await;
    let seen = world.service.seen().len();
    for path in ["/api/b/1", "/api/hybrid", "/api/scoped"] {
        let answer = ask(&world, path, &one).await;
        assert!(is_revoked(&answer), "{path}: {answer:?}");
    }
    // A cookie beside it changes nothing.
    let browser = world.signed_in().await;
    let csrf = world.csrf(&browser).await;
    let both = browser.post("/api/hybrid").with_csrf(&csrf);
    let both = both.header("authorization", &format!("Bearer {one}")).send(&world.app).await;
    assert!(is_revoked(&both), "{both:?}");
    assert_eq!(world.service.seen().len(), seen);
    assert_eq!(ask(&world, "/api/b/1", &other).await.status, 200);
}

/// Whoever allows clocks to differ takes a token for a while after its end, and so must the list know it.
#[tokio::test]
async fn t15_a_token_that_has_just_ended_can_be_denied() {
    let world = world().await;
    let late = token(&world, &json!({ "jti": "late", "iat": NOW - 300, "exp": NOW - 10 }));
    assert_eq!(ask(&world, "/api/b/1", &late).await.status, 200);
    deny(&world, &json!({ "iss": world.idp.issuer, "jti": "late", "exp": NOW - 10 })).await;
    assert!(is_revoked(&ask(&world, "/api/b/1", &late).await));
}

#[tokio::test]
async fn t15_what_a_user_has_is_denied_and_what_is_issued_later_is_not() {
    let world = world().await;
    let of = |sub: &str, iat: u64| token(&world, &json!({ "sub": sub, "jti": null, "iat": iat }));
    let without_iat = token(&world, &json!({ "jti": null, "iat": null }));
    assert_eq!(ask(&world, "/api/b/1", &of("bob", NOW)).await.status, 200);
    deny(&world, &json!({ "iss": world.idp.issuer, "user_id": "bob" })).await;
    assert!(is_revoked(&ask(&world, "/api/b/1", &of("bob", NOW)).await));
    assert!(ask(&world, "/api/b/1", &without_iat).await.status == 401);
    assert_eq!(ask(&world, "/api/b/1", &of("carol", NOW)).await.status, 200);
    world.clock.advance(1);
    assert_eq!(ask(&world, "/api/b/1", &of("bob", NOW + 1)).await.status, 200);
}

/// The user of the list may be known by another claim than `sub`.
#[tokio::test]
async fn t15_a_user_is_found_by_the_claim_that_tells_user_ids() {
    let world = world_with(&[("BFF_ADMIN_TOKENS", ADMIN_TOKENS), ("OIDC_USER_ID_CLAIM", "email")]);
    let world = world.await;
    let token = token(&world, &json!({ "sub": "42", "email": "bob@example.com" }));
    assert_eq!(ask(&world, "/api/b/1", &token).await.status, 200);
    deny(&world, &json!({ "iss": world.idp.issuer, "user_id": "bob@example.com" })).await;
    assert!(is_revoked(&ask(&world, "/api/b/1", &token).await));
}

#[tokio::test]
async fn t15_t19_while_the_list_cannot_be_read_nobody_passes_and_nobody_is_blamed() {
    let world = world().await;
    let token = token(&world, &json!({}));
    let store = world.faulty();
    let replica = world.another().over(&store).start();
    let show =
        || Browser::new().get("/api/b/1").header("authorization", &format!("Bearer {token}"));
    assert_eq!(show().send(&replica).await.status, 200);
    let seen = world.service.seen().len();
    for fault in [Fault::Away, Fault::AnswerLost] {
        store.fail("denial", fault, 3);
        let answer = show().send(&replica).await;
        assert_eq!((answer.status, &*answer.code()), (503, "temporarily_unavailable"), "{fault:?}");
        assert!(answer.header("retry-after").is_some());
        assert_eq!(answer.header("www-authenticate"), None);
        store.heal();
    }
    assert_eq!(world.service.seen().len(), seen);
    assert_eq!(show().send(&replica).await.status, 200);
    // Nor while it says what nobody understands.
    let key = DeniedKey::user(&world.idp.issuer, "bob");
    session::shelf::Shelf::put_denial(&store, &key, "?".into(), std::time::Duration::MAX / 4)
        .await
        .unwrap();
    assert_eq!(show().send(&replica).await.status, 503);
    session::denied::deny(&store, &key, Denied::IssuedUntil(NOW - 1), std::time::Duration::ZERO)
        .await
        .unwrap();
    assert_eq!(show().send(&replica).await.status, 200);
}
