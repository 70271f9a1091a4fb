use proptest::prelude::*;
use serde_json::{Value, json};

use super::{JwsError, verify};
use crate::algorithm::Algorithm;
use crate::keyset::KeySet;
use crate::testkit::{Signer, encode, key_set};
use crate::token::MAX_TOKEN_BYTES;

fn refused(token: &str, keys: &KeySet) -> JwsError {
    verify(token, keys, Algorithm::ALL).unwrap_err()
}

#[test]
fn every_algorithm_is_verified_and_gives_what_was_signed() {
    for alg in Algorithm::ALL {
        let signer = Signer::new(*alg);
        let token = signer.access_token("k", json!({"n": 1}));
        let verified = verify(&token, &key_set(&[signer.jwk("k")]), &[*alg]).unwrap();
        assert_eq!(verified.header().alg, *alg);
        assert_eq!(verified.header().kid.as_deref(), Some("k"));
        assert_eq!(verified.header().typ.as_deref(), Some("at+jwt"));
        assert_eq!(verified.claims::<Value>().unwrap()["n"], 1);
        assert_eq!(serde_json::from_slice::<Value>(verified.payload()).unwrap()["n"], 1);
    }
}

#[test]
fn t12_unsigned_and_mac_signed_tokens_are_refused() {
    let signer = Signer::new(Algorithm::RS256);
    let keys = key_set(&[signer.jwk("k")]);
    let payload = encode(br#"{"sub":"alice"}"#);
    for alg in ["none", "None", "NONE", "HS256", "HS384", "HS512", "ES521", "RSA-OAEP", "dir", ""] {
        let header = encode(format!(r#"{{"alg":"{alg}","kid":"k"}}"#).as_bytes());
        for signature in ["", "AAAA"] {
            let token = format!("{header}.{payload}.{signature}");
            assert_eq!(refused(&token, &keys), JwsError::AlgorithmRefused, "{alg}");
        }
    }
    // The public modulus as the secret of a MAC: the classic swap.
    let secret =
        ring::hmac::Key::new(ring::hmac::HMAC_SHA256, signer.jwk("k")["n"].to_string().as_bytes());
    let input = format!("{}.{payload}", encode(br#"{"alg":"HS256","kid":"k"}"#));
    let tag = ring::hmac::sign(&secret, input.as_bytes());
    let token = format!("{input}.{}", encode(tag.as_ref()));
    assert_eq!(refused(&token, &keys), JwsError::AlgorithmRefused);
}

#[test]
fn t12_an_algorithm_that_is_not_allowed_here_is_refused() {
    let signer = Signer::new(Algorithm::ES256);
    let keys = key_set(&[signer.jwk("k")]);
    let token = signer.access_token("k", json!({}));
    assert_eq!(verify(&token, &keys, &[Algorithm::RS256]).unwrap_err(), JwsError::AlgorithmRefused);
    assert_eq!(verify(&token, &keys, &[]).unwrap_err(), JwsError::AlgorithmRefused);
}

#[test]
fn t12_a_key_is_used_with_its_own_algorithm_alone() {
    let (pkcs1, pss) = (Signer::new(Algorithm::RS256), Signer::new(Algorithm::PS256));
    let keys = key_set(&[pkcs1.jwk("k")]);
    assert_eq!(refused(&pss.access_token("k", json!({})), &keys), JwsError::KeyMismatch);
    let ec = Signer::new(Algorithm::ES256);
    assert_eq!(refused(&ec.access_token("k", json!({})), &keys), JwsError::KeyMismatch);
}

#[test]
fn t12_a_token_brings_no_key_of_its_own() {
    let (ours, attacker) = (Signer::new(Algorithm::ES256), Signer::new(Algorithm::ES256));
    let keys = key_set(&[ours.jwk("k")]);
    for signer in [&ours, &attacker] {
        let header = json!({"alg": "ES256", "kid": "k", "jwk": attacker.bare_jwk()});
        assert_eq!(refused(&signer.sign(&header, &json!({})), &keys), JwsError::ForbiddenHeader);
    }
    for (member, value) in [
        ("jku", json!("https://attacker.example/jwks")),
        ("x5u", json!("https://attacker.example/cert")),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("b64", json!(true)),
        ("zip", json!("DEF")),
    ] {
        let token = ours.sign(&json!({"alg": "ES256", "kid": "k", member: value}), &json!({}));
        assert_eq!(refused(&token, &keys), JwsError::ForbiddenHeader, "{member}");
    }
}

#[test]
fn t12_a_changed_token_is_refused() {
    let signer = Signer::new(Algorithm::EdDSA);
    let keys = key_set(&[signer.jwk("k")]);
    let token = signer.access_token("k", json!({}));
    let parts: Vec<&str> = token.split('.').collect();
    let other = signer.access_token("k", json!({"sub": "mallory"}));
    let theirs: Vec<&str> = other.split('.').collect();
    let (header, payload, signature) = (parts[0], parts[1], parts[2]);
    assert_eq!(
        refused(&format!("{header}.{}.{signature}", theirs[1]), &keys),
        JwsError::BadSignature
    );
    assert_eq!(refused(&format!("{header}.{payload}."), &keys), JwsError::BadSignature);
    assert_eq!(refused(&format!("{header}.{payload}.AAAA"), &keys), JwsError::BadSignature);
    assert_eq!(
        refused(&format!("{header}.{payload}.{signature}AA"), &keys),
        JwsError::BadSignature
    );
    let stranger = Signer::new(Algorithm::EdDSA);
    assert_eq!(refused(&stranger.access_token("k", json!({})), &keys), JwsError::BadSignature);
}

#[test]
fn t12_an_unknown_kid_is_told_apart() {
    let signer = Signer::new(Algorithm::ES256);
    let keys = key_set(&[signer.jwk("k")]);
    for kid in ["", "K", "k ", "../k", "k\u{0}", "https://attacker.example/k"] {
        assert_eq!(
            refused(&signer.access_token(kid, json!({})), &keys),
            JwsError::UnknownKey,
            "{kid}"
        );
    }
}

#[test]
fn t12_encrypted_and_oversized_tokens_are_refused_before_decoding() {
    let signer = Signer::new(Algorithm::ES256);
    let keys = key_set(&[signer.jwk("k")]);
    assert_eq!(refused("e30.AAAA.AAAA.AAAA.AAAA", &keys), JwsError::Encrypted);
    let long = signer.access_token("k", json!({"x": "a".repeat(MAX_TOKEN_BYTES)}));
    assert_eq!(refused(&long, &keys), JwsError::TooLarge);
}

#[test]
fn t12_claims_that_two_parsers_could_read_differently_are_refused() {
    let signer = Signer::new(Algorithm::ES256);
    let keys = key_set(&[signer.jwk("k")]);
    let nested = format!("{{\"a\":{}{}}}", "[".repeat(40), "]".repeat(40));
    for payload in [
        r#"{"sub":"alice","sub":"bob"}"#,
        r#"{"sub":"alice","\u0073ub":"bob"}"#,
        r#"{"a":{"b":1,"b":2}}"#,
        r#"{"sub":"alice"}{"sub":"bob"}"#,
        r#"["sub"]"#,
        "",
        "not json",
        nested.as_str(),
    ] {
        let token = signer.sign_text(r#"{"alg":"ES256","kid":"k"}"#, payload);
        let verified = verify(&token, &keys, Algorithm::ALL).unwrap();
        assert_eq!(verified.claims::<Value>().unwrap_err(), JwsError::Claims, "{payload}");
    }
    let doubled = signer.sign_text(r#"{"alg":"none","alg":"ES256","kid":"k"}"#, "{}");
    assert_eq!(refused(&doubled, &keys), JwsError::Header);
}

#[test]
fn nothing_of_a_token_shows_in_debug_output() {
    let signer = Signer::new(Algorithm::ES256);
    let token = signer.access_token("k", json!({"sub": "canary"}));
    let verified = verify(&token, &key_set(&[signer.jwk("k")]), Algorithm::ALL).unwrap();
    assert!(!format!("{verified:?}").contains("canary"));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,300}") {
        let keys = key_set(&[Signer::new(Algorithm::EdDSA).jwk("k")]);
        prop_assert!(verify(&text, &keys, Algorithm::ALL).is_err());
    }

    #[test]
    fn no_signed_payload_makes_the_claims_panic(payload in "\\PC{0,200}") {
        let signer = Signer::new(Algorithm::EdDSA);
        let token = signer.sign_text(r#"{"alg":"EdDSA","kid":"k"}"#, &payload);
        let verified = verify(&token, &key_set(&[signer.jwk("k")]), Algorithm::ALL).unwrap();
        prop_assert_eq!(verified.payload(), payload.as_bytes());
        drop(verified.claims::<Value>());
    }
}
