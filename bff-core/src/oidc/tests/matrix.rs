//! The negative list of the OpenID Foundation's client tests (protocols 4.10), one test a module, by
//! its name. Modules about `state` need a browser: `bff-core/src/tests/matrix.rs`. Those about
//! `c_hash` and `s_hash` are for hybrid flows, which are never asked for.

mod answers;
mod signatures;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::super::mock::{ACCESS_TOKEN, MockAs, NOW, Reply, begin, tokens};
use super::super::{
    AuthorizationResponse, ClientAuth, LoggedIn, LoginHints, Mode, OidcConfig, OidcError, TokenType,
};
use super::reason;

type Outcome = Result<LoggedIn, OidcError>;

/// A login whose ID token has these claims changed.
async fn with_claims(changes: Value) -> Outcome {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    let begun = mock.begin(&rp).await;
    mock.finish(&rp, begun, &changes).await
}

/// A login whose ID token is made by `make` from good claims.
async fn with_token(make: impl FnOnce(&MockAs, Value) -> String) -> Outcome {
    let mock = MockAs::start().await;
    login(&mock, |_| {}, make).await
}

async fn login(
    mock: &MockAs,
    configure: impl FnOnce(&mut OidcConfig),
    make: impl FnOnce(&MockAs, Value) -> String,
) -> Outcome {
    let rp = mock.relying_party(configure);
    let begun = mock.begin(&rp).await;
    let nonce = begun.secrets.nonce.expose_secret();
    let claims = json!({
        "iss": mock.issuer, "sub": "alice", "aud": "client",
        "exp": NOW + 300, "iat": NOW, "nonce": nonce,
    });
    let type_ = if begun.secrets.dpop_key.is_some() { "DPoP" } else { "Bearer" };
    let id_token = make(mock, claims);
    mock.once("/token", Reply::json(200, tokens(type_, &id_token)));
    rp.finish_login(mock.response("code"), begun.secrets, NOW).await
}

/// Modules that change claims of the ID token, and why they are refused.
macro_rules! refused_claims {
    ($($module:ident: $changes:tt => $reason:literal,)*) => {
        $(#[tokio::test]
        async fn $module() {
            assert_eq!(reason(with_claims(json!($changes)).await), $reason);
        })*
    };
}

/// Modules that change claims of the ID token in a way that is allowed.
macro_rules! accepted_claims {
    ($($module:ident: $changes:tt,)*) => {
        $(#[tokio::test]
        async fn $module() {
            assert_eq!(with_claims(json!($changes)).await.unwrap().claims.subject, "alice");
        })*
    };
}

accepted_claims! {
    c18_happy_path: {},
    c18_valid_aud_as_array: { "aud": ["client"] },
    // Optional where the token comes from the token endpoint (OpenID Connect Core 3.1.3.6).
    c18_missing_athash: { "at_hash": null },
}

refused_claims! {
    c18_iat_is_week_in_past: { "iat": (NOW - 7 * 86400) } => "id_token_iat_old",
    c18_invalid_aud: { "aud": "other" } => "id_token_aud",
    c18_invalid_secondary_aud: { "aud": ["client", "other"], "azp": "client" }
        => "id_token_aud_untrusted",
    c18_invalid_expired_exp: { "exp": (NOW - 3600), "iat": (NOW - 60) } => "id_token_expired",
    c18_invalid_iss: { "iss": "https://evil.example" } => "id_token_iss",
    c18_invalid_missing_aud: { "aud": null } => "id_token_claims_malformed",
    c18_missing_aud: { "aud": [] } => "id_token_aud",
    c18_invalid_missing_exp: { "exp": null } => "id_token_claims_malformed",
    c18_invalid_missing_iss: { "iss": null } => "id_token_claims_malformed",
    c18_invalid_missing_nonce: { "nonce": null } => "id_token_nonce_missing",
    c18_invalid_nonce: { "nonce": "another" } => "id_token_nonce",
    c18_nonce_invalid: { "nonce": "" } => "id_token_nonce",
    c18_missing_iat: { "iat": null } => "id_token_claims_malformed",
    c18_missing_sub: { "sub": null } => "id_token_claims_malformed",
    c18_invalid_athash: { "at_hash": "wrong" } => "id_token_at_hash",
}

#[tokio::test]
async fn c18_valid_athash() {
    let hash = digest(&SHA256, ACCESS_TOKEN.as_bytes());
    let at_hash = URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16]);
    assert!(with_claims(json!({ "at_hash": at_hash })).await.is_ok());
}

#[tokio::test]
async fn c18_client_secret_basic() {
    let mock = MockAs::start().await;
    let basic = |config: &mut OidcConfig| {
        config.client_auth = ClientAuth::SecretBasic("secret".to_owned().into());
    };
    let token = |mock: &MockAs, claims: Value| mock.sign(&header("ES256", "k1"), &claims);
    login(&mock, basic, token).await.unwrap();
    let request = mock.seen("/token").pop().unwrap();
    assert_eq!(request.basic().as_deref(), Some("client:secret"));
    assert!(request.param("client_secret").is_none());
}

fn header(alg: &str, kid: &str) -> Value {
    json!({ "alg": alg, "kid": kid })
}

#[tokio::test]
async fn c17_discovery_issuer_mismatch() {
    let mock = MockAs::start().await;
    mock.metadata(&json!({ "issuer": format!("{}/", mock.issuer) }));
    let rp = mock.relying_party(|_| {});
    let outcome = begin(&rp, &LoginHints::default()).await;
    assert_eq!(reason(outcome), "discovery_issuer_mismatch");
}

#[tokio::test]
async fn c28_happy_path_no_dpop_nonce() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|config| config.dpop = Mode::Required);
    assert_eq!(mock.login(&rp).await.tokens.token_type, TokenType::Dpop);
    for path in ["/par", "/token"] {
        let requests = mock.seen(path);
        assert_eq!(requests.len(), 1);
        assert!(requests[0].proof().unwrap().1.get("nonce").is_none());
    }
}
