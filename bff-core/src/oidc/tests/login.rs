//! The login journey as a whole: what reaches the token endpoint and the caller.

use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::super::mock::{
    ACCESS_TOKEN, MockAs, NOW, REDIRECT_URI, Reply, begin, pushed, refresh_of, tokens,
};
use super::super::{
    AuthorizationResponse, ClientAuth, LoginHints, LoginRequest, LoginSecrets, LoginSecretsWire,
    Mode, TokenType,
};
use super::reason;

#[tokio::test]
async fn a_login_with_everything_on_ends_in_bound_tokens_and_an_identity() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    let done = mock.login(&rp).await;
    assert_eq!(done.tokens.access_token.expose_secret(), ACCESS_TOKEN);
    assert_eq!(done.tokens.token_type, TokenType::Dpop);
    assert_eq!(done.claims.subject, "alice");
    assert_eq!(done.claims.sid.as_deref(), Some("idp-session"));
    assert!(done.dpop_key.is_some());
    let token = mock.seen("/token").pop().unwrap();
    assert_eq!(token.param("grant_type"), Some("authorization_code"));
    assert_eq!(token.param("code"), Some("code"));
    assert_eq!(token.param("redirect_uri"), Some(REDIRECT_URI));
}

#[tokio::test]
async fn c21_max_age_and_acr_values_are_asked_for_and_checked() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    mock.always("/par", pushed("urn:x"));
    let hints = LoginHints::from_query("max_age=60&acr_values=gold%20silver").unwrap();
    let cases: [(Value, Option<&str>); 8] = [
        (json!({ "auth_time": NOW - 10, "acr": "silver" }), None),
        (json!({ "auth_time": NOW - 10, "acr": "bronze" }), Some("id_token_acr")),
        (json!({ "auth_time": NOW - 10, "acr": "gold silver" }), Some("id_token_acr")),
        (json!({ "auth_time": NOW - 10 }), Some("id_token_acr_missing")),
        (json!({ "acr": "gold" }), Some("id_token_auth_time_missing")),
        (json!({ "acr": "gold", "auth_time": NOW - 1000 }), Some("id_token_auth_time_old")),
        (json!({ "acr": "gold", "auth_time": "now" }), Some("id_token_claims_malformed")),
        (json!({ "acr": ["gold"], "auth_time": NOW }), Some("id_token_claims_malformed")),
    ];
    for (claims, refused) in cases {
        let begun = begin(&rp, &hints).await.unwrap();
        let outcome = mock.finish(&rp, begun, &claims).await;
        assert_eq!(outcome.err().map(|error| error.reason()), refused, "{claims}");
    }
    let par = mock.seen("/par").pop().unwrap();
    assert_eq!(par.param("max_age"), Some("60"));
    assert_eq!(par.param("acr_values"), Some("gold silver"));
}

#[tokio::test]
async fn c21_a_user_who_reads_the_consent_page_for_long_is_not_sent_round_again() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    mock.always("/par", pushed("urn:x"));
    let hints = LoginHints::default().with_max_age(0);
    let mut begun = begin(&rp, &hints).await.unwrap();
    begun.secrets.started_at = NOW - 400;
    let claims = json!({ "auth_time": NOW - 390 });
    assert!(mock.finish(&rp, begun, &claims).await.is_ok());
}

#[tokio::test]
async fn the_secrets_survive_storage_and_finish_the_login() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    let mut begun = mock.begin(&rp).await;
    let stored = serde_json::to_vec(&LoginSecretsWire::from(&begun.secrets)).unwrap();
    let wire: LoginSecretsWire = serde_json::from_slice(&stored).unwrap();
    let thumbprint = begun.secrets.dpop_key.as_ref().unwrap().thumbprint();
    begun.secrets = LoginSecrets::try_from(wire).unwrap();
    assert_eq!(begun.secrets.dpop_key.as_ref().unwrap().thumbprint(), thumbprint);
    mock.finish(&rp, begun, &json!({})).await.unwrap();
}

#[tokio::test]
async fn a_token_response_without_an_id_token_is_no_login() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    let begun = mock.begin(&rp).await;
    let mut body = tokens("DPoP", "");
    body.as_object_mut().unwrap().remove("id_token");
    mock.once("/token", Reply::json(200, body));
    let outcome = rp.finish_login(mock.response("code"), begun.secrets, NOW).await;
    assert_eq!(reason(outcome), "id_token_missing");
}

#[tokio::test]
async fn c81_an_issuer_that_is_away_makes_the_login_unavailable() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    let begun = mock.begin(&rp).await;
    for reply in [Reply::text(503, "text/plain", ""), Reply::error(400, "temporarily_unavailable")]
    {
        mock.once("/token", reply);
        let error =
            rp.finish_login(mock.response("c"), begun.secrets.clone(), NOW).await.unwrap_err();
        assert!(error.is_unavailable(), "{error}");
    }
    mock.always("/jwks", Reply::text(500, "text/plain", ""));
    let error = mock.finish(&rp, begun, &json!({})).await.unwrap_err();
    assert!(error.is_unavailable(), "{error}");
}

#[tokio::test]
async fn c83_nothing_secret_is_in_any_debug_text() {
    let mock = MockAs::start().await;
    for par in [Mode::Off, Mode::Required] {
        let rp = mock.relying_party(|config| {
            config.par = par;
            config.client_auth = ClientAuth::SecretBasic("canary-client-secret".to_owned().into());
        });
        let hints = LoginHints::default();
        let request = LoginRequest {
            redirect_uri: REDIRECT_URI,
            state: "canary-state",
            hints: &hints,
            services: &[],
        };
        mock.once("/par", pushed("urn:canary"));
        let begun = rp.begin_login(&request, NOW).await.unwrap();
        let wire = LoginSecretsWire::from(&begun.secrets);
        let response =
            AuthorizationResponse::parse("state=canary-state&code=canary-code&iss=i").unwrap();
        let before =
            format!("{rp:?} {:?} {request:?} {begun:?} {wire:?} {response:?}", rp.config());
        let secrets = [
            begun.secrets.verifier.expose_secret().to_owned(),
            begun.secrets.nonce.expose_secret().to_owned(),
        ];
        let changes = json!({ "email": "canary@example.com" });
        let done = mock.finish(&rp, begun, &changes).await.unwrap();
        let key = done.dpop_key.clone().unwrap();
        let refresh_token = done.tokens.refresh_token.clone().unwrap();
        let refresh = refresh_of(&refresh_token, Some(&key));
        let texts = format!("{before} {done:?} {key:?} {refresh:?}");
        let private = key.to_bytes().iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
        assert!(!texts.contains("canary"), "{texts}");
        assert!(!texts.contains(&private));
        assert!(secrets.iter().all(|secret| !texts.contains(secret)), "{texts}");
    }
}

#[tokio::test]
async fn client_jwks_hold_the_public_half_of_the_assertion_key_or_nothing() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    assert_eq!(rp.public_jwks(), json!({ "keys": [] }));
}
