//! Whose signature a logout token has.

use super::*;

#[tokio::test]
async fn c77_a_signature_over_something_else_is_refused() {
    let mock = MockAs::start().await;
    let token = mock.logout_token(NOW, &json!({}));
    let other = mock.logout_token(NOW, &json!({ "sub": "mallory" }));
    let (_, signature) = token.rsplit_once('.').unwrap();
    let (signed, _) = other.rsplit_once('.').unwrap();
    let outcome = judged(&mock.relying_party(|_| {}), &format!("{signed}.{signature}")).await;
    assert_eq!(outcome.unwrap_err(), "signature");
}

#[tokio::test]
async fn c77_a_signature_of_another_issuers_key_is_refused() {
    let (mock, other) = (MockAs::start().await, MockAs::start().await);
    let claims = mock.logout_claims(NOW, &json!({}));
    let token = other.sign(&json!({ "alg": "ES256", "kid": "k1", "typ": TYP }), &claims);
    let outcome = judged(&mock.relying_party(|_| {}), &token).await;
    assert_eq!(outcome.unwrap_err(), "signature");
}

#[tokio::test]
async fn c77_alg_none_is_refused() {
    let mock = MockAs::start().await;
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"logout+jwt"}"#);
    let claims = URL_SAFE_NO_PAD.encode(mock.logout_claims(NOW, &json!({})).to_string());
    for signature in ["", "AAAA"] {
        let token = format!("{header}.{claims}.{signature}");
        let outcome = judged(&mock.relying_party(|_| {}), &token).await;
        assert_eq!(outcome.unwrap_err(), "algorithm_refused");
    }
}

#[tokio::test]
async fn c77_hs256_with_the_public_key_is_refused() {
    let mock = MockAs::start().await;
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","kid":"k1","typ":"logout+jwt"}"#);
    let claims = URL_SAFE_NO_PAD.encode(mock.logout_claims(NOW, &json!({})).to_string());
    let key = mock.jwks("k1")["keys"][0].clone();
    let point = |member: &str| URL_SAFE_NO_PAD.decode(key[member].as_str().unwrap()).unwrap();
    let raw = [vec![4], point("x"), point("y")].concat();
    for secret in [raw.clone(), key.to_string().into_bytes(), STANDARD.encode(raw).into_bytes()] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
        let tag = hmac::sign(&key, format!("{header}.{claims}").as_bytes());
        let token = format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode(tag));
        let outcome = judged(&mock.relying_party(|_| {}), &token).await;
        assert_eq!(outcome.unwrap_err(), "algorithm_refused");
    }
}

#[tokio::test]
async fn c77_an_algorithm_that_the_issuer_does_not_list_is_refused() {
    let outcome = under(json!({ "alg": "EdDSA", "kid": "k1", "typ": TYP })).await;
    assert_eq!(outcome.unwrap_err(), "algorithm_refused");
}

#[tokio::test]
async fn c78_junk_asks_for_newer_keys_once_and_never_spends_the_look_of_a_login() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    let claims = mock.logout_claims(NOW, &json!({}));
    for number in 0..50 {
        let junk = mock.sign(&json!({ "alg": "ES256", "kid": format!("junk-{number}") }), &claims);
        let error = rp.logout_token(&junk, NOW).await.unwrap_err();
        // A key that was published since then would look the same, and a sign-out must not get lost:
        // the issuer is to send it again.
        let later =
            matches!(&error, LogoutTokenError::Unavailable(why) if why.reason() == "jwks_cooldown");
        let refused = matches!(error, LogoutTokenError::Refused("key_unknown"));
        assert!(if number == 0 { refused } else { later }, "{number}: {error:?}");
    }
    assert_eq!(mock.seen("/jwks").len(), 2, "the first look, and one for newer keys");
    assert!(judged(&rp, &mock.logout_token(NOW, &json!({}))).await.is_ok());
    // A login finds keys that were rotated meanwhile.
    mock.login(&rp).await;
    mock.always("/jwks", Reply::json(200, mock.jwks("k2")));
    let begun = mock.begin(&rp).await;
    let nonce = secrecy::ExposeSecret::expose_secret(&begun.secrets.nonce).to_owned();
    let (_, claims) = crate::oidc::mock::decode(&mock.id_token(&nonce, &json!({})));
    let rotated = mock.sign(&json!({ "alg": "ES256", "kid": "k2" }), &claims);
    mock.once("/token", Reply::json(200, crate::oidc::mock::tokens("DPoP", &rotated)));
    assert!(rp.finish_login(mock.response("code"), begun.secrets, NOW).await.is_ok());
}

#[tokio::test]
async fn c75_keys_that_cannot_be_had_are_not_the_tokens_fault() {
    let mock = MockAs::start().await;
    mock.always("/jwks", Reply::text(503, "text/plain", ""));
    let (rp, token) = (mock.relying_party(|_| {}), mock.logout_token(NOW, &json!({})));
    let outcome = rp.logout_token(&token, NOW).await;
    assert!(matches!(outcome, Err(LogoutTokenError::Unavailable(_))));
}
