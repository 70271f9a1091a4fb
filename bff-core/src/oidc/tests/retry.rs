//! Nonces, assertions, and the one retry.

use std::collections::HashSet;

use secrecy::SecretString;
use serde_json::json;

use super::super::mock::{ACCESS_TOKEN, MockAs, NOW, Reply, begin, client_key, pushed, refresh_of};
use super::super::{AssertionAudience, ClientAuth, LoginHints, Mode, OidcConfig, OidcError};

fn with_key(config: &mut OidcConfig) {
    config.client_auth = ClientAuth::PrivateKeyJwt(client_key());
}

fn nonce_error(status: u16, nonce: &str) -> Reply {
    Reply::error(status, "use_dpop_nonce").with("dpop-nonce", nonce)
}

fn dpop_tokens() -> Reply {
    Reply::json(200, json!({ "access_token": ACCESS_TOKEN, "token_type": "DPoP" }))
}

fn old() -> SecretString {
    "old".to_owned().into()
}

#[tokio::test]
async fn c28_a_nonce_error_is_retried_once_with_that_nonce() {
    for status in [400, 401] {
        let mock = MockAs::start().await;
        let rp = mock.relying_party(|_| {});
        mock.once("/token", nonce_error(status, "nonce-1"));
        mock.once("/token", dpop_tokens());
        rp.refresh(&refresh_of(&old(), None), NOW).await.unwrap();
        let proofs: Vec<_> =
            mock.seen("/token").iter().map(|request| request.proof().unwrap().1).collect();
        assert_eq!(proofs.len(), 2);
        assert!(proofs[0].get("nonce").is_none());
        assert_eq!(proofs[1]["nonce"], "nonce-1");
        assert_ne!(proofs[0]["jti"], proofs[1]["jti"]);
    }
}

#[tokio::test]
async fn c28_nonces_are_taken_from_successes_and_serve_the_next_call_to_that_server() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    mock.once("/par", pushed("urn:x").with("dpop-nonce", "from-par"));
    begin(&rp, &LoginHints::default()).await.unwrap();
    mock.once("/token", dpop_tokens().with("dpop-nonce", "from-token"));
    rp.refresh(&refresh_of(&old(), None), NOW).await.unwrap();
    assert_eq!(mock.seen("/token")[0].proof().unwrap().1["nonce"], "from-par");
    mock.once("/token", dpop_tokens());
    rp.refresh(&refresh_of(&old(), None), NOW).await.unwrap();
    assert_eq!(mock.seen("/token")[1].proof().unwrap().1["nonce"], "from-token");
}

#[tokio::test]
async fn c29_a_resource_server_on_the_same_origin_has_nonces_of_its_own() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    let url = url::Url::parse(&format!("{}/orders", mock.issuer)).unwrap();
    rp.note_resource_nonce(&url, "resource");
    mock.once("/token", dpop_tokens().with("dpop-nonce", "server"));
    let fresh = rp.refresh(&refresh_of(&old(), None), NOW).await.unwrap();
    assert!(mock.seen("/token")[0].proof().unwrap().1.get("nonce").is_none());
    let key = fresh.dpop_key.unwrap();
    let proof = rp.resource_proof(&key, &http::Method::GET, &url, ACCESS_TOKEN, NOW).await.unwrap();
    assert_eq!(super::super::mock::open_proof(&proof).1["nonce"], "resource");
}

#[tokio::test]
async fn c31_a_server_that_always_wants_another_nonce_is_called_twice_and_given_up() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    mock.always("/par", nonce_error(400, "again"));
    let error = begin(&rp, &LoginHints::default()).await.unwrap_err();
    assert_eq!(error.reason(), "use_dpop_nonce");
    assert_eq!(mock.seen("/par").len(), 2);
}

#[tokio::test]
async fn c31_without_a_nonce_or_a_proof_there_is_nothing_to_retry_with() {
    let mock = MockAs::start().await;
    mock.always("/par", Reply::error(400, "use_dpop_nonce"));
    let rp = mock.relying_party(|_| {});
    assert!(begin(&rp, &LoginHints::default()).await.is_err());
    assert_eq!(mock.seen("/par").len(), 1);
    mock.always("/par", nonce_error(400, "n"));
    let rp = mock.relying_party(|config| config.dpop = Mode::Off);
    assert!(begin(&rp, &LoginHints::default()).await.is_err());
    assert_eq!(mock.seen("/par").len(), 2);
}

#[tokio::test]
async fn c24_every_attempt_has_an_assertion_of_its_own_also_the_retry() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(with_key);
    mock.once("/par", nonce_error(400, "n"));
    mock.once("/par", pushed("urn:x"));
    begin(&rp, &LoginHints::default()).await.unwrap();
    mock.once("/token", Reply::text(500, "text/plain", ""));
    mock.once("/token", dpop_tokens());
    assert!(rp.refresh(&refresh_of(&old(), None), NOW).await.is_err());
    rp.refresh(&refresh_of(&old(), None), NOW).await.unwrap();
    let requests: Vec<_> = mock.seen("/par").into_iter().chain(mock.seen("/token")).collect();
    let jtis: HashSet<_> = requests
        .iter()
        .map(|request| request.assertion().unwrap().1["jti"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!((requests.len(), jtis.len()), (4, 4));
}

#[tokio::test]
async fn c23_an_assertion_says_who_to_whom_and_for_one_minute() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(with_key);
    mock.once("/token", dpop_tokens());
    rp.refresh(&refresh_of(&old(), None), NOW).await.unwrap();
    let request = mock.seen("/token").pop().unwrap();
    assert_eq!(
        request.param("client_assertion_type"),
        Some("urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
    );
    assert!(request.param("client_secret").is_none());
    assert!(request.headers.get("authorization").is_none());
    let (header, claims) = request.assertion().unwrap();
    let published = &rp.public_jwks()["keys"][0];
    assert_eq!(header["alg"], "ES256");
    assert_eq!(header["kid"], published["kid"]);
    assert_eq!(claims["iss"], "client");
    assert_eq!(claims["sub"], "client");
    assert_eq!(claims["aud"], json!(mock.issuer));
    assert_eq!(claims["iat"], json!(NOW));
    assert_eq!(claims["exp"], json!(NOW + 60));
    assert_eq!(claims["jti"].as_str().unwrap().len(), 22);
    let jwk = josekit::jwk::Jwk::from_map(published.as_object().unwrap().clone()).unwrap();
    let verifier = josekit::jws::ES256.verifier_from_jwk(&jwk).unwrap();
    let assertion = request.param("client_assertion").unwrap();
    josekit::jwt::decode_with_verifier(assertion, &verifier).unwrap();
}

#[tokio::test]
async fn c25_the_audience_of_an_assertion_is_a_switch() {
    let mock = MockAs::start().await;
    let at = |path: &str| format!("{}{path}", mock.issuer);
    for (mode, on_par, on_token) in [
        (AssertionAudience::Issuer, mock.issuer.clone(), mock.issuer.clone()),
        (AssertionAudience::TokenEndpoint, at("/token"), at("/token")),
        (AssertionAudience::Endpoint, at("/par"), at("/token")),
    ] {
        let rp = mock.relying_party(|config| {
            with_key(config);
            config.assertion_audience = mode;
        });
        mock.once("/par", pushed("urn:x"));
        begin(&rp, &LoginHints::default()).await.unwrap();
        mock.once("/token", dpop_tokens());
        rp.refresh(&refresh_of(&old(), None), NOW).await.unwrap();
        let aud = |path| mock.seen(path).pop().unwrap().assertion().unwrap().1["aud"].clone();
        assert_eq!(aud("/par"), json!(on_par));
        assert_eq!(aud("/token"), json!(on_token));
    }
}

#[tokio::test]
async fn c28_a_nonce_error_beside_basic_authentication_is_retried_too() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|config| {
        config.client_auth = ClientAuth::SecretBasic("a b:c%".to_owned().into());
    });
    mock.once("/token", nonce_error(401, "n"));
    mock.once("/token", dpop_tokens());
    rp.refresh(&refresh_of(&old(), None), NOW).await.unwrap();
    for request in mock.seen("/token") {
        assert_eq!(request.basic().as_deref(), Some("client:a+b%3Ac%25"));
    }
}

#[tokio::test]
async fn an_answer_that_is_lost_is_never_retried_by_us() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    mock.once("/token", Reply::Drop);
    assert!(rp.refresh(&refresh_of(&old(), None), NOW).await.is_err());
    assert_eq!(mock.seen("/token").len(), 1);
    mock.once("/par", Reply::Drop);
    let error = begin(&rp, &LoginHints::default()).await.unwrap_err();
    assert!(matches!(error, OidcError::Unreachable { .. }));
    assert_eq!(mock.seen("/par").len(), 1);
}
