//! Signed authorization requests (RFC 9101).

use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::super::mock::{MockAs, NOW, REDIRECT_URI, begin, client_key, decode, pushed};
use super::super::{ClientAuth, LoginHints, Mode, OidcConfig, OidcError, RelyingParty};
use super::reason;

fn signing(jar: Mode) -> impl FnOnce(&mut OidcConfig) {
    move |config| {
        config.jar = jar;
        config.request_key = Some(client_key());
        config.resources = vec!["https://a.example".into(), "https://b.example".into()];
    }
}

/// Header and claims of a request object, its signature checked with what we publish.
fn open(rp: &RelyingParty, object: &str) -> (Value, Value) {
    let published = rp.public_jwks()["keys"][0].as_object().unwrap().clone();
    let jwk = josekit::jwk::Jwk::from_map(published).unwrap();
    let verifier = josekit::jws::ES256.verifier_from_jwk(&jwk).unwrap();
    josekit::jwt::decode_with_verifier(object, &verifier).unwrap();
    decode(object)
}

#[tokio::test]
async fn jar_a_pushed_request_holds_the_object_and_client_authentication_and_nothing_else() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(signing(Mode::Required));
    mock.once("/par", pushed("urn:example:1"));
    let hints = LoginHints::from_query("max_age=60&login_hint=alice").unwrap();
    let begun = begin(&rp, &hints).await.unwrap();
    let par = mock.seen("/par").pop().unwrap();
    let mut names: Vec<_> = par.form.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["client_id", "client_secret", "request"]);
    assert!(par.proof().is_some());
    let (header, claims) = open(&rp, par.param("request").unwrap());
    assert_eq!(header["typ"], "oauth-authz-req+jwt");
    assert_eq!((&header["alg"], &header["kid"]), (&json!("ES256"), &json!("client-key")));
    for (name, value) in [
        ("iss", json!("client")),
        ("client_id", json!("client")),
        ("aud", json!(mock.issuer)),
        ("iat", json!(NOW)),
        ("nbf", json!(NOW)),
        ("exp", json!(NOW + 60)),
        ("response_type", json!("code")),
        ("redirect_uri", json!(REDIRECT_URI)),
        ("scope", json!("openid profile email offline_access")),
        ("state", json!("state")),
        ("nonce", json!(begun.secrets.nonce.expose_secret())),
        ("code_challenge_method", json!("S256")),
        ("max_age", json!(60)),
        ("login_hint", json!("alice")),
        ("resource", json!(["https://a.example", "https://b.example"])),
    ] {
        assert_eq!(claims[name], value, "{name}");
    }
    assert_eq!(claims["jti"].as_str().unwrap().len(), 22);
    // It must not pass for a client assertion (section 10.8).
    assert!(claims.get("sub").is_none());
    assert_eq!(begun.url.query_pairs().count(), 2);
}

#[tokio::test]
async fn jar_without_par_the_browser_carries_client_id_and_the_object() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|config| {
        signing(Mode::Required)(config);
        config.par = Mode::Off;
    });
    let begun = begin(&rp, &LoginHints::default()).await.unwrap();
    let query: Vec<_> = begun.url.query_pairs().into_owned().collect();
    let names: Vec<_> = query.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["client_id", "request"]);
    let (_, claims) = open(&rp, &query[1].1);
    assert_eq!(claims["exp"], json!(NOW + 300));
    assert_eq!(claims["dpop_jkt"], begun.secrets.dpop_key.unwrap().thumbprint());
}

#[tokio::test]
async fn jar_the_key_of_client_assertions_signs_requests_too() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|config| {
        config.jar = Mode::Required;
        config.client_auth = ClientAuth::PrivateKeyJwt(client_key());
    });
    mock.once("/par", pushed("urn:example:1"));
    begin(&rp, &LoginHints::default()).await.unwrap();
    let par = mock.seen("/par").pop().unwrap();
    open(&rp, par.param("request").unwrap());
    // Two JWTs of one key, told apart by their types.
    assert_eq!(par.assertion().unwrap().0["typ"], "JWT");
    assert_eq!(rp.public_jwks()["keys"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn jar_auto_signs_where_the_issuer_asks_or_offers_and_required_always() {
    let mock = MockAs::start().await;
    mock.always("/par", pushed("urn:x"));
    let es256 = json!(["ES256"]);
    let rs256 = json!(["RS256"]);
    for (jar, require, offer, algorithms, expected) in [
        (Mode::Auto, false, false, &es256, Ok(false)),
        (Mode::Auto, false, true, &es256, Ok(true)),
        (Mode::Auto, true, false, &es256, Ok(true)),
        (Mode::Auto, false, true, &rs256, Ok(false)),
        (Mode::Auto, true, true, &rs256, Err("request_algorithm_not_offered")),
        (Mode::Required, false, false, &json!([]), Ok(true)),
        (Mode::Required, false, true, &rs256, Err("request_algorithm_not_offered")),
        (Mode::Off, false, true, &es256, Ok(false)),
        (Mode::Off, true, true, &es256, Err("signed_request_required_by_issuer")),
    ] {
        mock.metadata(&json!({
            "require_signed_request_object": require,
            "request_parameter_supported": offer,
            "request_object_signing_alg_values_supported": algorithms,
        }));
        let rp = mock.relying_party(signing(jar));
        let begun = begin(&rp, &LoginHints::default()).await.map_err(|error| error.reason());
        let signed = begun.map(|_| mock.seen("/par").pop().unwrap().param("request").is_some());
        assert_eq!(signed, expected, "{jar:?} {require} {offer} {algorithms}");
    }
}

#[tokio::test]
async fn jar_required_without_a_key_does_not_start_and_auto_goes_without() {
    let mock = MockAs::start().await;
    mock.always("/par", pushed("urn:x"));
    let error = mock.relying_party_trusting(None, |c| c.jar = Mode::Required).unwrap_err();
    assert!(matches!(error, OidcError::Config("jar_without_client_key")));
    mock.metadata(&json!({ "request_parameter_supported": true }));
    let rp = mock.relying_party(|config| config.jar = Mode::Auto);
    begin(&rp, &LoginHints::default()).await.unwrap();
    assert!(mock.seen("/par")[0].param("request").is_none());
    mock.metadata(&json!({ "require_signed_request_object": true }));
    let rp = mock.relying_party(|config| config.jar = Mode::Auto);
    let refused = reason(begin(&rp, &LoginHints::default()).await);
    assert_eq!(refused, "signed_request_required_by_issuer");
}
