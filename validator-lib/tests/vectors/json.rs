//! The JSON Parsing Test Suite, each text as the value of a claim that this crate has no use for.

use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::json;
use validator_lib::{Incoming, KeySet, Validator};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::path;

/// JSON that other readers may take and this crate does not: a member twice, and nesting without bound.
const STRICTER: [&str; 2] =
    ["y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"];

struct Issuer {
    key: Ed25519KeyPair,
    validator: Validator,
}

impl Issuer {
    fn new() -> Self {
        let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let x = URL_SAFE_NO_PAD.encode(key.public_key().as_ref());
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": "k", "alg": "EdDSA"});
        let keys = KeySet::from_jwks_json(json!({"keys": [jwk]}).to_string().as_bytes()).unwrap();
        let validator = Validator::builder("i", "a").clock(|| 1_000).with_keys(keys).unwrap();
        Self { key, validator }
    }

    async fn accepts(&self, value: &[u8]) -> bool {
        let claims = br#"{"iss":"i","aud":"a","sub":"s","exp":2000,"x":"#;
        let payload = [claims, value, b"}"].concat();
        let header = URL_SAFE_NO_PAD.encode(br#"{"alg":"EdDSA","typ":"at+jwt","kid":"k"}"#);
        let input = format!("{header}.{}", URL_SAFE_NO_PAD.encode(payload));
        let signature = URL_SAFE_NO_PAD.encode(self.key.sign(input.as_bytes()));
        let authorization = format!("Bearer {input}.{signature}");
        let authorization = [authorization.as_bytes()];
        self.validator.check_incoming(&Incoming::new("GET", "/", &authorization)).await.is_ok()
    }
}

#[tokio::test]
async fn every_text_of_json_test_suite_is_taken_or_refused_as_a_claim() {
    let Some(folder) = path("jsontestsuite/test_parsing") else { return };
    let issuer = Issuer::new();
    assert!(issuer.accepts(b"1").await);
    let mut counts = [0; 3];
    for file in std::fs::read_dir(folder).unwrap() {
        let file = file.unwrap();
        let name = file.file_name().to_string_lossy().into_owned();
        let accepted = issuer.accepts(&std::fs::read(file.path()).unwrap()).await;
        let (kind, expected) = match name.as_bytes()[0] {
            b'y' => (0, Some(!STRICTER.contains(&name.as_str()))),
            b'n' => (1, Some(false)),
            _ => (2, None),
        };
        counts[kind] += 1;
        assert!(expected.is_none_or(|expected| accepted == expected), "{name}: {accepted}");
    }
    assert_eq!(counts, [95, 188, 35]);
}
