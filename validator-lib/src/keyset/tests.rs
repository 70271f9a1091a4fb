use serde_json::json;

use super::{KeySet, KeySetError, MAX_JWKS_BYTES};
use crate::algorithm::Algorithm;
use crate::jwk::JwkError;
use crate::jws::{self, JwsError};
use crate::testkit::{Signer, jwks, key_set, with};

#[test]
fn a_bad_key_is_left_out_alone() {
    let good = Signer::new(Algorithm::ES256);
    let set = key_set(&[
        json!({"kty": "oct", "k": "AAAA", "kid": "h"}),
        json!("not a key"),
        json!({"kty": "EC", "crv": "P-192", "x": "AA", "y": "AA"}),
        good.jwk("k"),
    ]);
    assert_eq!(set.len(), 1);
    assert_eq!(set.skipped(), [JwkError::Private, JwkError::Malformed, JwkError::UnsupportedType]);
}

#[test]
fn a_key_with_a_member_twice_is_left_out() {
    let text = Signer::new(Algorithm::ES256).jwk("k").to_string();
    let doubled = text.replacen('{', "{\"kid\":\"other\",", 1);
    let document = format!("{{\"keys\":[{doubled}]}}");
    assert_eq!(KeySet::from_jwks_json(document.as_bytes()).unwrap_err(), KeySetError::NoUsableKey);
}

#[test]
fn t19_a_document_that_is_no_key_set_gives_none() {
    for document in
        ["", "{}", "[]", "null", "{\"keys\":{}}", "{\"keys\":null}", "{\"keys\":[]", "<html>"]
    {
        assert_eq!(
            KeySet::from_jwks_json(document.as_bytes()).unwrap_err(),
            KeySetError::Malformed,
            "{document}"
        );
    }
    assert_eq!(KeySet::from_jwks_json(b"{\"keys\":[]}").unwrap_err(), KeySetError::NoUsableKey);
    let twice = "{\"keys\":[],\"keys\":[]}";
    assert_eq!(KeySet::from_jwks_json(twice.as_bytes()).unwrap_err(), KeySetError::Malformed);
}

#[test]
fn a_set_is_bounded() {
    let key = Signer::new(Algorithm::ES256);
    let keys =
        |count: usize| jwks(&(0..count).map(|i| key.jwk(&i.to_string())).collect::<Vec<_>>());
    assert_eq!(KeySet::from_jwks_json(&keys(100)).unwrap().len(), 100);
    assert_eq!(KeySet::from_jwks_json(&keys(101)).unwrap_err(), KeySetError::TooManyKeys);
    let long = vec![b' '; MAX_JWKS_BYTES + 1];
    assert_eq!(KeySet::from_jwks_json(&long).unwrap_err(), KeySetError::TooLarge);
}

#[test]
fn t12_two_keys_of_one_name_and_algorithm_are_both_refused() {
    let (one, two, bystander) = (
        Signer::new(Algorithm::ES256),
        Signer::new(Algorithm::ES256),
        Signer::new(Algorithm::ES256),
    );
    let set = key_set(&[one.jwk("a"), two.jwk("a"), bystander.jwk("b")]);
    assert_eq!((set.len(), set.skipped()), (1, &[JwkError::Ambiguous; 2][..]));

    let unnamed_alg = with(two.jwk("a"), json!({"alg": null}));
    let set = key_set(&[one.jwk("a"), unnamed_alg, bystander.jwk("b")]);
    assert_eq!(set.len(), 1);
}

#[test]
fn one_name_may_stand_for_keys_of_different_algorithms() {
    let (ec, ed) = (Signer::new(Algorithm::ES256), Signer::new(Algorithm::EdDSA));
    let set = key_set(&[ec.jwk("a"), ed.jwk("a")]);
    for signer in [ec, ed] {
        let token = signer.access_token("a", json!({}));
        assert!(jws::verify(&token, &set, Algorithm::ALL).is_ok());
    }
}

#[test]
fn a_key_without_alg_is_used_with_one_algorithm_that_the_caller_chose() {
    let (pkcs1, pss) = (Signer::new(Algorithm::RS256), Signer::new(Algorithm::PS256));
    let set = key_set(&[with(pkcs1.jwk("a"), json!({"alg": null}))]);
    let (by_pkcs1, by_pss) = (pkcs1.access_token("a", json!({})), pss.access_token("a", json!({})));

    let both = [Algorithm::RS256, Algorithm::PS256];
    assert!(jws::verify(&by_pkcs1, &set, &both).is_ok());
    assert_eq!(jws::verify(&by_pss, &set, &both).unwrap_err(), JwsError::KeyMismatch);
    assert!(jws::verify(&by_pss, &set, &[Algorithm::PS256]).is_ok());
}

#[test]
fn a_token_without_kid_is_tried_with_four_keys_at_most() {
    let signers: Vec<_> = (0..5).map(|_| Signer::new(Algorithm::ES256)).collect();
    let named: Vec<_> = signers.iter().enumerate().map(|(i, s)| s.jwk(&i.to_string())).collect();
    let token = signers[3].sign(&json!({"alg": "ES256"}), &json!({}));
    assert!(jws::verify(&token, &key_set(&named[..4]), Algorithm::ALL).is_ok());
    assert_eq!(
        jws::verify(&token, &key_set(&named), Algorithm::ALL).unwrap_err(),
        JwsError::TooManyCandidates
    );
    assert_eq!(
        jws::verify(&token, &key_set(&named[..3]), Algorithm::ALL).unwrap_err(),
        JwsError::BadSignature
    );
}
