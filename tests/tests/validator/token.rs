//! Looking into tokens, changing them, and inventing some.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use e2e::idp::AUDIENCE;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::{Value, json};

use crate::scene::Scene;

/// The header of a token.
pub(crate) fn header(token: &str) -> Value {
    decode(part(token, 0))
}

/// The claims of a token, unchecked.
pub(crate) fn claims(token: &str) -> Value {
    decode(part(token, 1))
}

/// The name of the key that signed it.
pub(crate) fn kid(token: &str) -> String {
    header(token)["kid"].as_str().expect("a kid").to_owned()
}

/// The token with the payload of another.
pub(crate) fn with_payload_of(token: &str, other: &str) -> String {
    format!("{}.{}.{}", part(token, 0), part(other, 1), part(token, 2))
}

/// The token with another header.
pub(crate) fn with_header(token: &str, header: &Value) -> String {
    format!("{}.{}.{}", encode(header.to_string()), part(token, 1), part(token, 2))
}

/// The token with one bit of each byte of its signature turned, one after the other.
pub(crate) fn each_with_one_bit_turned(token: &str) -> impl Iterator<Item = String> {
    let signature = URL_SAFE_NO_PAD.decode(part(token, 2)).expect("base64url");
    let signed = format!("{}.{}", part(token, 0), part(token, 1));
    (0..signature.len()).map(move |place| {
        let mut turned = signature.clone();
        turned[place] ^= 1 << (place % 8);
        format!("{signed}.{}", encode(turned))
    })
}

/// Unpadded base64url.
pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decode(part: &str) -> Value {
    let bytes = URL_SAFE_NO_PAD.decode(part).expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}

fn part(token: &str, number: usize) -> &str {
    token.split('.').nth(number).expect("three parts")
}

/// Somebody with a key of his own, who writes what he likes.
pub(crate) struct Attacker {
    pair: EcdsaKeyPair,
    random: SystemRandom,
    issuer: String,
    since: u64,
}

impl Attacker {
    /// One whose tokens claim what good ones do.
    pub(crate) fn new(scene: &Scene) -> Self {
        let random = SystemRandom::new();
        let alg = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(alg, &random).expect("a key");
        let pair = EcdsaKeyPair::from_pkcs8(alg, document.as_ref(), &random).expect("a key");
        Self { pair, random, issuer: scene.idp.issuer.clone(), since: scene.now() }
    }

    /// A token by a key called `kid`.
    pub(crate) fn token(&self, kid: &str) -> String {
        self.token_of(kid, self.since)
    }

    /// A token by a key called `kid`, of a certain age.
    pub(crate) fn token_of(&self, kid: &str, issued_at: u64) -> String {
        let header = json!({"alg": "ES256", "typ": "at+jwt", "kid": kid});
        let claims = json!({
            "iss": self.issuer,
            "aud": AUDIENCE,
            "sub": "mallory",
            "client_id": "svc-cc",
            "jti": "1",
            "scope": "orders:read",
            "iat": issued_at,
            "exp": issued_at + 86_400,
        });
        let signed = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        let signature = self.pair.sign(&self.random, signed.as_bytes()).expect("a signature");
        format!("{signed}.{}", encode(signature))
    }
}
