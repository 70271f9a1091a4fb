//! Logout tokens, and what only looks like one.

use super::*;

#[tokio::test]
async fn c77_typ_logout_jwt_is_accepted_in_every_spelling() {
    for typ in [TYP, "LOGOUT+JWT", "application/logout+jwt"] {
        assert!(under(json!({ "alg": "ES256", "kid": "k1", "typ": typ })).await.is_ok(), "{typ}");
    }
}

#[tokio::test]
async fn c77_typ_at_jwt_is_refused() {
    let outcome = under(json!({ "alg": "ES256", "kid": "k1", "typ": "at+jwt" })).await;
    assert_eq!(outcome.unwrap_err(), "logout_token_typ");
}

#[tokio::test]
async fn c77_typ_jwt_is_refused() {
    let outcome = under(json!({ "alg": "ES256", "kid": "k1", "typ": "JWT" })).await;
    assert_eq!(outcome.unwrap_err(), "logout_token_typ");
}

#[tokio::test]
async fn c77_no_typ_is_accepted_unless_it_is_required() {
    let header = json!({ "alg": "ES256", "kid": "k1" });
    assert!(under(header.clone()).await.is_ok());
    let strict = |config: &mut OidcConfig| config.require_logout_token_typ = true;
    assert_eq!(under_set_up(header, strict).await.unwrap_err(), "logout_token_typ_missing");
    let named = json!({ "alg": "ES256", "kid": "k1", "typ": TYP });
    assert!(under_set_up(named, strict).await.is_ok());
}

#[tokio::test]
async fn c77_an_id_token_is_no_logout_token() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    let id_token = mock.id_token("nonce", &json!({}));
    assert_eq!(judged(&rp, &id_token).await.unwrap_err(), "logout_token_typ");
    let (_, claims) = crate::oidc::mock::decode(&id_token);
    let untyped = mock.sign(&json!({ "alg": "ES256", "kid": "k1" }), &claims);
    assert_eq!(judged(&rp, &untyped).await.unwrap_err(), "logout_token_nonce");
    let refreshed = mock.logout_claims(NOW, &json!({ "events": null }));
    let refreshed = mock.sign(&json!({ "alg": "ES256", "kid": "k1" }), &refreshed);
    assert_eq!(judged(&rp, &refreshed).await.unwrap_err(), "logout_token_events_missing");
}
