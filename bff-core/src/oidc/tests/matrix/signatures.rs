//! Who signed the ID token, and with what.

use josekit::jwk::Jwk;
use josekit::jws::{HS256, JwsHeader, JwsSigner, RS256};
use josekit::jwt::{self, JwtPayload};

use super::*;

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
