//! The FAPI 2.0 security profile in conversation: a login that keeps it, and issuers that do not.

use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::super::mock::{MockAs, NOW, Reply, begin, client_key, pushed, refresh_of, tokens};
use super::super::{
    AuthorizationResponse, ClientAuth, LoginHints, LoginRequest, Mode, OidcConfig, RefreshError,
};
use super::reason;

fn fapi2(config: &mut OidcConfig) {
    config.client_auth = ClientAuth::PrivateKeyJwt(client_key());
    config.enforce_fapi2();
}

#[tokio::test]
async fn fapi2_a_login_keeps_the_whole_profile() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(fapi2);
    let done = mock.login(&rp).await;
    assert!(done.tokens.sender_constrained);
    let par = mock.seen("/par").pop().unwrap();
    assert_eq!(par.param("code_challenge_method"), Some("S256"));
    assert_eq!(par.param("response_type"), Some("code"));
    assert!(par.param("nonce").unwrap().len() <= 64);
    for path in ["/par", "/token"] {
        let request = mock.seen(path).pop().unwrap();
        let (header, claims) = request.assertion().unwrap();
        assert_eq!(header["alg"], "ES256");
        assert_eq!(claims["aud"], json!(mock.issuer));
        assert!(request.proof().is_some());
        assert!(request.param("client_secret").is_none());
    }
}

#[tokio::test]
async fn fapi2_an_issuer_that_lacks_something_ends_the_login_before_it_begins() {
    let mock = MockAs::start().await;
    mock.always("/par", pushed("urn:x"));
    let cases: [(Value, &str); 6] = [
        (json!({ "pushed_authorization_request_endpoint": null }), "par_not_offered"),
        (
            json!({ "authorization_response_iss_parameter_supported": null }),
            "fapi2_iss_not_offered",
        ),
        (json!({ "code_challenge_methods_supported": null }), "fapi2_pkce_not_offered"),
        (json!({ "code_challenge_methods_supported": ["plain"] }), "fapi2_pkce_not_offered"),
        (
            json!({ "token_endpoint_auth_methods_supported": ["client_secret_basic"] }),
            "fapi2_client_auth_not_offered",
        ),
        (json!({ "token_endpoint": "http://idp.example/token" }), "endpoint_not_https"),
    ];
    for (changes, expected) in cases {
        mock.metadata(&changes);
        let rp = mock.relying_party(fapi2);
        let error = begin(&rp, &LoginHints::default()).await.unwrap_err();
        assert_eq!(error.reason(), expected, "{changes}");
        assert!(error.is_contradiction() && !error.is_unavailable());
        // What `/health` asks.
        assert_eq!(reason(rp.check_health().await), expected);
    }
    assert!(mock.seen("/par").is_empty());
}

#[tokio::test]
async fn fapi2_a_token_that_is_bound_to_nothing_is_thrown_away() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(fapi2);
    let begun = mock.begin(&rp).await;
    let id_token = mock.id_token(begun.secrets.nonce.expose_secret(), &json!({}));
    mock.once("/token", Reply::json(200, tokens("Bearer", &id_token)));
    let outcome = rp.finish_login(mock.response("code"), begun.secrets, NOW).await;
    assert_eq!(reason(outcome), "token_not_sender_constrained");
    mock.once("/token", Reply::json(200, json!({ "access_token": "a", "token_type": "Bearer" })));
    let old = "old".to_owned().into();
    let error = rp.refresh(&refresh_of(&old, None), NOW).await.unwrap_err();
    assert!(matches!(error, RefreshError::Unknown(_)), "{error:?}");
}

#[tokio::test]
async fn fapi2_an_id_token_by_another_algorithm_is_refused() {
    let mock = MockAs::start().await;
    mock.metadata(&json!({ "id_token_signing_alg_values_supported": ["RS256"] }));
    let rp = mock.relying_party(fapi2);
    let begun = mock.begin(&rp).await;
    let outcome = mock.finish(&rp, begun, &json!({})).await;
    assert_eq!(reason(outcome), "no_id_token_algorithm");
}

#[tokio::test]
async fn fapi2_a_response_without_iss_is_refused() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(fapi2);
    let begun = mock.begin(&rp).await;
    let response = AuthorizationResponse::parse("state=state&code=code").unwrap();
    let outcome = rp.finish_login(response, begun.secrets, NOW).await;
    assert_eq!(reason(outcome), "iss_missing");
    assert!(mock.seen("/token").is_empty());
}

#[tokio::test]
async fn fapi2_codes_are_sent_to_https_or_loopback_alone() {
    let mock = MockAs::start().await;
    mock.always("/par", pushed("urn:x"));
    let hints = LoginHints::default();
    let open = mock.relying_party(|_| {});
    let strict = mock.relying_party(fapi2);
    for (redirect_uri, good) in [
        ("https://app.example/auth/callback", true),
        ("http://localhost:8080/auth/callback", true),
        ("http://app.example/auth/callback", false),
    ] {
        let request = LoginRequest { redirect_uri, state: "state", hints: &hints, services: &[] };
        let outcome = strict.begin_login(&request, NOW).await;
        assert_eq!(outcome.is_ok(), good, "{redirect_uri}");
        if let Err(error) = outcome {
            assert_eq!(error.reason(), "fapi2_redirect_uri");
        }
        assert!(open.begin_login(&request, NOW).await.is_ok());
    }
}

#[tokio::test]
async fn fapi2_with_a_signed_answer_no_iss_parameter_is_needed() {
    let mock = MockAs::start().await;
    mock.metadata(&json!({
        "authorization_response_iss_parameter_supported": null,
        "response_modes_supported": ["jwt"],
    }));
    mock.always("/par", pushed("urn:x"));
    let rp = mock.relying_party(|config| {
        fapi2(config);
        config.jarm = Mode::Required;
        config.jar = Mode::Required;
    });
    let begun = begin(&rp, &LoginHints::default()).await.unwrap();
    let id_token = mock.id_token(begun.secrets.nonce.expose_secret(), &json!({}));
    mock.once("/token", Reply::json(200, tokens("DPoP", &id_token)));
    let claims = json!({
        "iss": mock.issuer, "aud": "client", "exp": NOW + 60, "code": "c", "state": "state",
    });
    let jwt = mock.sign(&json!({ "alg": "ES256", "kid": "k1" }), &claims);
    let response = AuthorizationResponse::parse(&format!("response={jwt}")).unwrap();
    rp.finish_login(response, begun.secrets, NOW).await.unwrap();
    assert!(mock.seen("/par")[0].param("request").is_some());
}
