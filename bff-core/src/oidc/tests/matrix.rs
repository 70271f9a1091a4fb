//! The negative list of the OpenID Foundation's client tests (protocols 4.10), one test a module, by
//! its name. Modules about `state` need a browser: `bff-core/src/tests/matrix.rs`. Those about
//! `c_hash` and `s_hash` are for hybrid flows, which are never asked for.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use josekit::jwk::Jwk;
use josekit::jws::{HS256, JwsHeader, JwsSigner, RS256};
use josekit::jwt::{self, JwtPayload};
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

/// `claims` under another kind of key than the issuer's usual one.
fn sign(signer: &dyn JwsSigner, kid: Option<&str>, claims: &Value) -> String {
    let mut header = JwsHeader::new();
    if let Some(kid) = kid {
        header.set_key_id(kid);
    }
    let payload = JwtPayload::from_map(claims.as_object().unwrap().clone()).unwrap();
    jwt::encode_with_signer(&payload, &header, signer).unwrap()
}

/// An RSA key that is published beside the usual one; its signer for RS256.
fn publish_rsa(mock: &MockAs, kid: &str) -> Box<dyn JwsSigner> {
    let key = Jwk::generate_rsa_key(2048).unwrap();
    let mut public = key.to_public_key().unwrap();
    public.set_key_id(kid);
    public.set_algorithm("RS256");
    let mut jwks = mock.jwks("k1");
    jwks["keys"].as_array_mut().unwrap().push(serde_json::to_value(&public).unwrap());
    mock.always("/jwks", Reply::json(200, jwks));
    mock.metadata(&json!({ "id_token_signing_alg_values_supported": ["ES256", "RS256"] }));
    Box::new(RS256.signer_from_jwk(&key).unwrap())
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

/// We never register for encryption, so an encrypted token is no token of ours.
async fn encrypted(alg: &str) {
    let header = json!({ "alg": alg, "enc": "A256GCM", "kid": "k1", "cty": "JWT" });
    let token = format!("{}.a.b.c.d", URL_SAFE_NO_PAD.encode(header.to_string()));
    assert_eq!(reason(with_token(|_, _| token).await), "token_encrypted");
}

#[tokio::test]
async fn c18_encrypted_idtoken() {
    encrypted("RSA-OAEP").await;
    encrypted("ECDH-ES").await;
}

#[tokio::test]
async fn c18_encrypted_idtoken_usingrsa15() {
    encrypted("RSA1_5").await;
}

#[tokio::test]
async fn c18_idtoken_sig_none() {
    let outcome = with_token(|_, claims| {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
        format!("{header}.{}.", URL_SAFE_NO_PAD.encode(claims.to_string()))
    });
    assert_eq!(reason(outcome.await), "algorithm_refused");
}

#[tokio::test]
async fn c18_invalid_null_alg() {
    for header in [json!({ "alg": null, "kid": "k1" }), json!({ "kid": "k1" })] {
        let outcome = with_token(|mock, claims| mock.sign(&header, &claims)).await;
        assert_eq!(reason(outcome), "token_header", "{header}");
    }
}

#[tokio::test]
async fn c18_idtoken_sig_rs256() {
    let mock = MockAs::start().await;
    let signer = publish_rsa(&mock, "rsa");
    login(&mock, |_| {}, |_, claims| sign(&*signer, Some("rsa"), &claims)).await.unwrap();
}

#[tokio::test]
async fn c18_invalid_alternate_alg() {
    // A good signature by an algorithm that the issuer did not announce.
    let mock = MockAs::start().await;
    let signer = publish_rsa(&mock, "rsa");
    mock.metadata(&json!({ "id_token_signing_alg_values_supported": ["ES256"] }));
    let outcome = login(&mock, |_| {}, |_, claims| sign(&*signer, Some("rsa"), &claims)).await;
    assert_eq!(reason(outcome), "algorithm_refused");
}

#[tokio::test]
async fn c18_invalid_signature() {
    let outcome = with_token(|mock, claims| {
        let token = mock.sign(&header("ES256", "k1"), &claims);
        let other = mock.sign(&header("ES256", "k1"), &json!({ "sub": "mallory" }));
        let (_, signature) = token.rsplit_once('.').unwrap();
        let (signed, _) = other.rsplit_once('.').unwrap();
        format!("{signed}.{signature}")
    });
    assert_eq!(reason(outcome.await), "signature");
}

#[tokio::test]
async fn c18_invalid_sig_es256() {
    let stranger = Jwk::generate_ec_key(josekit::jwk::alg::ec::EcCurve::P256).unwrap();
    let signer = josekit::jws::ES256.signer_from_jwk(&stranger).unwrap();
    let outcome = with_token(|_, claims| sign(&signer, Some("k1"), &claims)).await;
    assert_eq!(reason(outcome), "signature");
}

#[tokio::test]
async fn c18_invalid_sig_rs256() {
    let mock = MockAs::start().await;
    publish_rsa(&mock, "rsa");
    let stranger = RS256.signer_from_jwk(&Jwk::generate_rsa_key(2048).unwrap()).unwrap();
    let outcome = login(&mock, |_| {}, |_, claims| sign(&stranger, Some("rsa"), &claims)).await;
    assert_eq!(reason(outcome), "signature");
}

#[tokio::test]
async fn c18_invalid_sig_hs256() {
    // With the client secret, with the public key as a secret, and with nothing in particular.
    for secret in ["canary-client-secret-that-is-long-enough", "public"] {
        let outcome = with_token(|mock, claims| {
            let secret = match secret {
                "public" => mock.jwks("k1")["keys"][0].to_string(),
                other => other.to_owned(),
            };
            let signer = HS256.signer_from_bytes(secret).unwrap();
            sign(&signer, Some("k1"), &claims)
        });
        assert_eq!(reason(outcome.await), "algorithm_refused");
    }
}

#[tokio::test]
async fn c18_kid_absent_single_jwks() {
    with_token(|mock, claims| mock.sign(&json!({ "alg": "ES256" }), &claims)).await.unwrap();
}

#[tokio::test]
async fn c18_kid_absent_multiple_jwks() {
    let (mock, other) = (MockAs::start().await, MockAs::start().await);
    let mut jwks = mock.jwks("k1");
    let more = other.jwks("k2")["keys"][0].clone();
    jwks["keys"].as_array_mut().unwrap().push(more);
    mock.always("/jwks", Reply::json(200, jwks));
    let nameless = |mock: &MockAs, claims| mock.sign(&json!({ "alg": "ES256" }), &claims);
    assert_eq!(reason(login(&mock, |_| {}, nameless).await), "key_ambiguous");
    // A key of another type is no candidate.
    let mock = MockAs::start().await;
    publish_rsa(&mock, "rsa");
    assert!(login(&mock, |_| {}, nameless).await.is_ok());
}

#[tokio::test]
async fn c82_signing_key_rotation() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    mock.once("/jwks", Reply::json(200, mock.jwks("k0")));
    let begun = mock.begin(&rp).await;
    mock.finish(&rp, begun, &json!({})).await.unwrap();
    assert_eq!(mock.seen("/jwks").len(), 2);
}

#[tokio::test]
async fn c82_signing_key_rotation_just_before_signing() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    mock.login(&rp).await;
    // The keys were fetched for the first login; the second is signed with a new one.
    let begun = mock.begin(&rp).await;
    mock.always("/jwks", Reply::json(200, mock.jwks("k2")));
    let nonce = begun.secrets.nonce.expose_secret();
    let claims = json!({
        "iss": mock.issuer, "sub": "alice", "aud": "client",
        "exp": NOW + 300, "iat": NOW, "nonce": nonce,
    });
    let id_token = mock.sign(&header("ES256", "k2"), &claims);
    mock.once("/token", Reply::json(200, tokens("DPoP", &id_token)));
    rp.finish_login(mock.response("code"), begun.secrets, NOW).await.unwrap();
    assert_eq!(mock.seen("/jwks").len(), 2);
}

async fn answered(query: &str) -> (Outcome, usize) {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    let begun = mock.begin(&rp).await;
    let response = AuthorizationResponse::parse(query).unwrap();
    let outcome = rp.finish_login(response, begun.secrets, NOW).await;
    (outcome, mock.seen("/token").len())
}

#[tokio::test]
async fn c08_invalid_authorization_response_iss() {
    for outcome in ["code=code", "error=access_denied"] {
        let query = format!("state=state&{outcome}&iss=https%3A%2F%2Fevil.example");
        let (outcome, spent) = answered(&query).await;
        assert_eq!((reason(outcome), spent), ("iss_mismatch", 0));
    }
}

#[tokio::test]
async fn c09_remove_authorization_response_iss() {
    for outcome in ["code=code", "error=access_denied"] {
        let (outcome, spent) = answered(&format!("state=state&{outcome}")).await;
        assert_eq!((reason(outcome), spent), ("iss_missing", 0));
    }
}

/// A login whose token response has these members changed.
async fn with_tokens(changes: Value) -> Outcome {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    let begun = mock.begin(&rp).await;
    let id_token = mock.id_token(begun.secrets.nonce.expose_secret(), &json!({}));
    let mut body = tokens("DPoP", &id_token);
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            body.as_object_mut().unwrap().remove(name);
        } else {
            body[name] = value.clone();
        }
    }
    mock.once("/token", Reply::json(200, body));
    rp.finish_login(mock.response("code"), begun.secrets, NOW).await
}

#[tokio::test]
async fn c18_no_scope_in_token_endpoint_response() {
    assert_eq!(with_tokens(json!({ "scope": null })).await.unwrap().tokens.scope, None);
}

#[tokio::test]
async fn c57_token_endpoint_response_without_expires_in() {
    let done = with_tokens(json!({ "expires_in": null })).await.unwrap();
    assert_eq!(done.tokens.expires_in, None);
}

#[tokio::test]
async fn c32_token_type_case_insensitivity() {
    for (type_, expected) in
        [("dpop", TokenType::Dpop), ("DPOP", TokenType::Dpop), ("bEaReR", TokenType::Bearer)]
    {
        let done = with_tokens(json!({ "token_type": type_ })).await.unwrap();
        assert_eq!(done.tokens.token_type, expected, "{type_}");
    }
}

/// What userinfo says after a login; with DPoP or without.
async fn userinfo(dpop: Mode, replies: Vec<Reply>) -> (MockAs, Result<Value, OidcError>) {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|config| config.dpop = dpop);
    let done = mock.login(&rp).await;
    for reply in replies {
        mock.once("/userinfo", reply);
    }
    let told = rp.userinfo(&done.tokens, done.dpop_key.as_ref(), "alice", NOW).await;
    (mock, told.map(|claims| Value::Object(claims.unwrap())))
}

#[tokio::test]
async fn c18_userinfo_bearer_header() {
    let good = Reply::json(200, json!({ "sub": "alice" }));
    let (mock, told) = userinfo(Mode::Off, vec![good]).await;
    assert_eq!(told.unwrap()["sub"], "alice");
    let request = mock.seen("/userinfo").pop().unwrap();
    assert_eq!(request.headers["authorization"], format!("Bearer {ACCESS_TOKEN}"));
    assert!(request.form.is_empty());
}

#[tokio::test]
async fn c18_userinfo_invalid_sub() {
    let bad = Reply::json(200, json!({ "sub": "mallory" }));
    let (_, told) = userinfo(Mode::Off, vec![bad]).await;
    assert_eq!(reason(told), "userinfo_sub_mismatch");
}

#[tokio::test]
async fn c18_userinfo_signed() {
    // We never register for a signed answer, so one is not what we asked for.
    let signed = Reply::text(200, "application/jwt", "a.b.c");
    let (_, told) = userinfo(Mode::Off, vec![signed]).await;
    assert_eq!(reason(told), "userinfo_not_json");
}

#[tokio::test]
async fn c29_rs_dpop_auth_scheme_case_insensitivity() {
    for scheme in ["DPoP", "dpop", "DPOP"] {
        let challenge = Reply::text(401, "text/plain", "")
            .with("www-authenticate", &format!("{scheme} error=\"use_dpop_nonce\""))
            .with("dpop-nonce", "n");
        let good = Reply::json(200, json!({ "sub": "alice" }));
        let (mock, told) = userinfo(Mode::Required, vec![challenge, good]).await;
        assert!(told.is_ok(), "{scheme}");
        assert_eq!(mock.seen("/userinfo").len(), 2);
    }
}
