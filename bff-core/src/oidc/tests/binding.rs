//! What tokens are bound to: proofs on every request, and tokens that are not what was asked for.

use secrecy::ExposeSecret;
use serde_json::json;
use url::Url;

use super::super::mock::{ACCESS_TOKEN, MockAs, NOW, Reply, tokens};
use super::super::{Mode, TokenType};
use super::reason;

#[tokio::test]
async fn c26_proofs_on_par_and_token_requests_are_fresh_and_say_what_they_are_for() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    let done = mock.login(&rp).await;
    let mut seen = std::collections::HashSet::new();
    for path in ["/par", "/token"] {
        let (header, claims) = mock.seen(path).pop().unwrap().proof().unwrap();
        assert_eq!(header["typ"], "dpop+jwt");
        assert_eq!(header["alg"], "ES256");
        assert!(header["jwk"].get("d").is_none());
        assert_eq!(claims["htm"], "POST");
        assert_eq!(claims["htu"], format!("{}{path}", mock.issuer));
        assert_eq!(claims["iat"], NOW);
        assert!(claims.get("ath").is_none());
        // 128 bits in base64url.
        assert_eq!(claims["jti"].as_str().unwrap().len(), 22);
        assert!(seen.insert(claims["jti"].clone()));
    }
    let url = Url::parse("https://api.example/orders?id=1#top").unwrap();
    let key = done.dpop_key.unwrap();
    let proof = rp.resource_proof(&key, &http::Method::GET, &url, ACCESS_TOKEN, NOW).await.unwrap();
    let (_, claims) = super::super::mock::open_proof(&proof);
    assert_eq!(claims["htu"], "https://api.example/orders");
    assert_eq!(claims["htm"], "GET");
    assert!(claims["ath"].is_string());
}

#[tokio::test]
async fn dpop_off_sends_no_proof_and_takes_bearer_tokens() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|config| config.dpop = Mode::Off);
    let done = mock.login(&rp).await;
    assert_eq!(done.tokens.token_type, TokenType::Bearer);
    assert!(done.dpop_key.is_none());
    assert!(mock.seen("/token").pop().unwrap().proof().is_none());
    assert!(mock.seen("/par").pop().unwrap().proof().is_none());
}

#[tokio::test]
async fn c32_dpop_required_throws_a_bearer_token_away_and_auto_takes_it() {
    let mock = MockAs::start().await;
    for (mode, type_, refused) in [
        (Mode::Required, "Bearer", Some("token_not_sender_constrained")),
        (Mode::Required, "bEaReR", Some("token_not_sender_constrained")),
        (Mode::Required, "dpop", None),
        (Mode::Required, "DPOP", None),
        (Mode::Auto, "bearer", None),
        (Mode::Auto, "mac", Some("token_type_unknown")),
        (Mode::Off, "DPoP", Some("token_type_not_asked_for")),
    ] {
        let rp = mock.relying_party(|config| config.dpop = mode);
        let begun = mock.begin(&rp).await;
        let id_token = mock.id_token(begun.secrets.nonce.expose_secret(), &json!({}));
        mock.once("/token", Reply::json(200, tokens(type_, &id_token)));
        let outcome = rp.finish_login(mock.response("code"), begun.secrets, NOW).await;
        match refused {
            Some(expected) => assert_eq!(reason(outcome), expected, "{mode:?} {type_}"),
            None => assert_eq!(outcome.unwrap().dpop_key.is_some(), type_ != "bearer"),
        }
    }
}

#[tokio::test]
async fn dpop_required_sends_proofs_to_an_issuer_that_does_not_advertise_it() {
    let mock = MockAs::start().await;
    mock.metadata(&json!({ "dpop_signing_alg_values_supported": null }));
    let required = mock.relying_party(|config| config.dpop = Mode::Required);
    mock.login(&required).await;
    assert!(mock.seen("/token").pop().unwrap().proof().is_some());
    let auto = mock.relying_party(|_| {});
    mock.login(&auto).await;
    assert!(mock.seen("/token").pop().unwrap().proof().is_none());
}
