//! What a refresh gives, and what each failure says about the refresh token.

use std::time::Duration;

use base64::Engine;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::super::mock::{ACCESS_TOKEN, MockAs, NOW, Reply, refresh_of, tokens};
use super::super::{ClientAuth, DpopKey, Mode, OAuthCode, RefreshError, TokenType};

fn old() -> SecretString {
    "old-refresh-token".to_owned().into()
}

fn bearer(changes: &Value) -> Value {
    let mut body = json!({ "access_token": ACCESS_TOKEN, "token_type": "Bearer" });
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

#[tokio::test]
async fn a_refresh_spends_the_old_token_and_brings_the_new_ones() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    let key = DpopKey::generate().unwrap();
    mock.once("/token", Reply::json(200, tokens("DPoP", &mock.id_token("n", &json!({})))));
    let fresh = rp.refresh(&refresh_of(&old(), Some(&key)), NOW).await.unwrap();
    assert_eq!(fresh.tokens.refresh_token.unwrap().expose_secret(), "canary-refresh-token");
    assert_eq!(fresh.tokens.expires_in, Some(300));
    assert_eq!(fresh.claims.unwrap().subject, "alice");
    assert_eq!(fresh.dpop_key.unwrap().thumbprint(), key.thumbprint());
    let request = mock.seen("/token").pop().unwrap();
    assert_eq!(request.param("grant_type"), Some("refresh_token"));
    assert_eq!(request.param("refresh_token"), Some("old-refresh-token"));
    assert!(request.proof().is_some());
}

#[tokio::test]
async fn c33_the_dpop_key_rotates_at_refresh_when_told_to_and_stays_otherwise() {
    let mock = MockAs::start().await;
    let key = DpopKey::generate().unwrap();
    for rotate in [false, true] {
        let rp = mock.relying_party(|config| config.rotate_dpop_key = rotate);
        let body = json!({ "access_token": ACCESS_TOKEN, "token_type": "DPoP" });
        mock.once("/token", Reply::json(200, body));
        let fresh = rp.refresh(&refresh_of(&old(), Some(&key)), NOW).await.unwrap();
        let now_bound_to = fresh.dpop_key.unwrap().thumbprint();
        assert_eq!(now_bound_to != key.thumbprint(), rotate);
        // The key that is handed out is the one that made the proof.
        let (header, _) = mock.seen("/token").pop().unwrap().proof().unwrap();
        let jwk = &header["jwk"];
        let canonical =
            format!(r#"{{"crv":"P-256","kty":"EC","x":{},"y":{}}}"#, jwk["x"], jwk["y"]);
        let hash = ring::digest::digest(&ring::digest::SHA256, canonical.as_bytes());
        let hash = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(hash);
        assert_eq!(hash, now_bound_to);
    }
}

#[tokio::test]
async fn c32_dpop_required_throws_a_refreshed_bearer_token_away() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|config| config.dpop = Mode::Required);
    mock.once("/token", Reply::json(200, bearer(&json!({}))));
    let error = rp.refresh(&refresh_of(&old(), None), NOW).await.unwrap_err();
    // The old refresh token may be spent all the same.
    assert!(matches!(error, RefreshError::Unknown(_)), "{error:?}");
}

#[tokio::test]
async fn c55_only_invalid_grant_and_a_contradiction_are_fatal() {
    let mock = MockAs::start().await;
    let cases = [
        (Reply::error(400, "invalid_grant"), "invalid_grant"),
        (Reply::error(401, "invalid_grant"), "invalid_grant"),
        (Reply::error(401, "invalid_client"), "rejected"),
        (Reply::error(400, "unauthorized_client"), "rejected"),
        (Reply::error(400, "invalid_dpop_proof"), "rejected"),
        (Reply::error(400, "use_dpop_nonce"), "rejected"),
        (Reply::error(403, "something_new"), "rejected"),
        (Reply::text(404, "text/html", "<html>invalid_grant</html>"), "rejected"),
        (Reply::error(429, "invalid_grant"), "unavailable"),
        (Reply::error(500, "invalid_grant"), "unavailable"),
        (Reply::text(502, "text/html", ""), "unavailable"),
        (Reply::text(503, "text/html", ""), "unavailable"),
        (Reply::text(504, "text/html", ""), "unknown"),
        (Reply::text(302, "text/html", "").with("location", "/login"), "unknown"),
        (Reply::text(200, "text/html", "<html>maintenance</html>"), "unknown"),
        (Reply::json(200, json!({ "token_type": "Bearer" })), "unknown"),
        (Reply::Drop, "unknown"),
        (Reply::Hang, "unknown"),
    ];
    let rp = mock.relying_party(|config| config.http_timeout = Duration::from_millis(500));
    for (reply, reason) in cases {
        mock.once("/token", reply.clone());
        let error = rp.refresh(&refresh_of(&old(), None), NOW).await.unwrap_err();
        assert_eq!(error.reason(), reason, "{reply:?}");
        assert_eq!(error.is_fatal(), reason == "invalid_grant", "{reply:?}");
        assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
    }
}

#[tokio::test]
async fn c55_a_refusal_keeps_its_code() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    mock.once("/token", Reply::error(401, "invalid_client"));
    match rp.refresh(&refresh_of(&old(), None), NOW).await.unwrap_err() {
        RefreshError::Rejected(error) => {
            assert_eq!((error.code, error.status), (OAuthCode::InvalidClient, Some(401)));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn c55_a_request_that_was_never_sent_leaves_the_refresh_token_good() {
    let mock = MockAs::start().await;
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    mock.metadata(&json!({ "token_endpoint": format!("http://{closed}/token") }));
    let rp = mock.relying_party(|_| {});
    let error = rp.refresh(&refresh_of(&old(), None), NOW).await.unwrap_err();
    assert!(matches!(error, RefreshError::Unavailable(_)), "{error:?}");
}

#[tokio::test]
async fn c57_a_response_without_expiry_or_refresh_token_is_complete() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    mock.once("/token", Reply::json(200, bearer(&json!({}))));
    let fresh = rp.refresh(&refresh_of(&old(), None), NOW).await.unwrap();
    assert_eq!(fresh.tokens.expires_in, None);
    assert!(fresh.tokens.refresh_token.is_none());
    assert!(fresh.tokens.id_token.is_none());
    assert!(fresh.claims.is_none());
    assert_eq!(fresh.tokens.token_type, TokenType::Bearer);
    assert!(fresh.dpop_key.is_none());
}

#[tokio::test]
async fn c57_a_refreshed_id_token_of_somebody_else_is_fatal() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    for changes in [
        json!({ "sub": "mallory" }),
        json!({ "iss": "https://evil.example" }),
        json!({ "aud": "other" }),
        json!({ "aud": ["client", "other"], "azp": "client" }),
        json!({ "at_hash": "wrong" }),
    ] {
        let id_token = mock.id_token("n", &changes);
        mock.once("/token", Reply::json(200, tokens("DPoP", &id_token)));
        let error = rp.refresh(&refresh_of(&old(), None), NOW).await.unwrap_err();
        assert_eq!(error.reason(), "contradiction", "{changes}");
        assert!(error.is_fatal());
    }
}

#[tokio::test]
async fn c57_tokens_are_kept_when_only_the_new_id_token_cannot_be_judged() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    let unknown_key = mock.sign(
        &json!({ "alg": "ES256", "kid": "k2" }),
        &json!({ "iss": mock.issuer, "sub": "alice", "aud": "client", "exp": NOW, "iat": NOW }),
    );
    let old_one = mock.id_token("n", &json!({ "exp": NOW - 4000, "iat": NOW - 4300 }));
    for id_token in [unknown_key, old_one] {
        mock.once("/token", Reply::json(200, tokens("DPoP", &id_token)));
        let fresh = rp.refresh(&refresh_of(&old(), None), NOW).await.unwrap();
        assert!(fresh.tokens.refresh_token.is_some());
        assert!(fresh.tokens.id_token.is_none());
        assert!(fresh.claims.is_none());
    }
}

#[tokio::test]
async fn c57_tokens_are_kept_when_the_signing_keys_cannot_be_had() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    mock.always("/jwks", Reply::text(500, "text/plain", ""));
    let id_token = mock.id_token("n", &json!({}));
    mock.once("/token", Reply::json(200, tokens("DPoP", &id_token)));
    let fresh = rp.refresh(&refresh_of(&old(), None), NOW).await.unwrap();
    assert!(fresh.tokens.refresh_token.is_some());
    assert!(fresh.claims.is_none());
}

#[tokio::test]
async fn c57_a_refresh_makes_no_authentication_look_fresher() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    let id_token = mock.id_token("n", &json!({ "auth_time": NOW }));
    mock.once("/token", Reply::json(200, tokens("DPoP", &id_token)));
    let old = old();
    let mut request = refresh_of(&old, None);
    request.auth_time = Some(NOW - 5000);
    let fresh = rp.refresh(&request, NOW).await.unwrap();
    assert_eq!(fresh.claims.unwrap().auth_time, Some(NOW - 5000));
}

#[tokio::test]
async fn a_session_keeps_its_key_after_dpop_was_switched_off() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|config| {
        config.dpop = Mode::Off;
        config.client_auth = ClientAuth::None;
    });
    let key = DpopKey::generate().unwrap();
    let body = json!({ "access_token": ACCESS_TOKEN, "token_type": "DPoP" });
    mock.once("/token", Reply::json(200, body));
    let fresh = rp.refresh(&refresh_of(&old(), Some(&key)), NOW).await.unwrap();
    assert_eq!(fresh.dpop_key.unwrap().thumbprint(), key.thumbprint());
}

#[tokio::test]
async fn the_resource_is_named_again_at_a_refresh() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|config| config.resources = vec!["https://api.example".into()]);
    mock.once("/token", Reply::json(200, bearer(&json!({}))));
    rp.refresh(&refresh_of(&old(), None), NOW).await.unwrap();
    let request = mock.seen("/token").pop().unwrap();
    assert_eq!(request.param("resource"), Some("https://api.example"));
    assert_eq!(request.param("scope"), None);
}
