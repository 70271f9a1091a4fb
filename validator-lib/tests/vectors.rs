//! Owns: running public test vectors against the building blocks. They are read from a folder beside
//! the checkout and are no part of it; where it is absent each test says so and checks nothing.

use std::path::PathBuf;

use serde_json::Value;
use validator_lib::dpop::{self, Expected, TokenHash};
use validator_lib::{Algorithm, KeySet, jws};

/// The cases of Wycheproof's `json_web_signature` that a verifier without HMAC accepts. The other ones
/// marked valid there use HMAC, a key for another algorithm, or an algorithm that does not exist.
fn is_accepted_signature(case: u64) -> bool {
    matches!(
        case,
        18 | 33 | 259..=275 | 287 | 288 | 320..=323 | 325..=328 | 345 | 349 | 378
    )
}

fn vectors(file: &str) -> Option<Value> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors").join(file);
    let text = std::fs::read(&path).ok()?;
    Some(serde_json::from_slice(&text).unwrap_or_default())
}

/// Every case of a file and whether its token was accepted.
fn outcomes(file: &Value, token_member: &str) -> Option<Vec<(u64, bool)>> {
    let mut outcomes = Vec::new();
    for group in file["testGroups"].as_array()? {
        let keys = group.get("public").unwrap_or(&group["private"]);
        let document = if keys.get("keys").is_some() {
            keys.to_string()
        } else {
            serde_json::json!({ "keys": [keys] }).to_string()
        };
        let keys = KeySet::from_jwks_json(document.as_bytes());
        for test in group["tests"].as_array()? {
            let token = test[token_member].as_str();
            let accepted = keys.as_ref().is_ok_and(|keys| {
                token.is_some_and(|token| jws::verify(token, keys, Algorithm::ALL).is_ok())
            });
            outcomes.push((test["tcId"].as_u64()?, accepted));
        }
    }
    Some(outcomes)
}

#[test]
fn wycheproof_signatures_are_accepted_and_refused_to_the_case() {
    let Some(file) = vectors("wycheproof/json_web_signature_test.json") else {
        println!("SKIPPED: the folder with public test vectors is absent");
        return;
    };
    let outcomes = outcomes(&file, "jws").unwrap();
    let wrong: Vec<_> = outcomes
        .iter()
        .filter(|(case, accepted)| *accepted != is_accepted_signature(*case))
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    assert_eq!(outcomes.len(), 401);
    assert_eq!(outcomes.iter().filter(|(_, accepted)| *accepted).count(), 32);
}

#[test]
fn wycheproof_keys_that_are_unsound_are_refused() {
    let Some(file) = vectors("wycheproof/json_web_key_test.json") else {
        println!("SKIPPED: the folder with public test vectors is absent");
        return;
    };
    let accepted: Vec<_> = outcomes(&file, "jws")
        .unwrap()
        .into_iter()
        .filter_map(|(case, good)| good.then_some(case))
        .collect();
    assert_eq!(accepted, [5], "the one sound asymmetric key");
}

#[test]
fn wycheproof_encrypted_tokens_are_all_refused() {
    let Some(file) = vectors("wycheproof/json_web_encryption_test.json") else {
        println!("SKIPPED: the folder with public test vectors is absent");
        return;
    };
    let outcomes = outcomes(&file, "jwe").unwrap();
    assert_eq!(outcomes.len(), 139);
    assert!(outcomes.iter().all(|(_, accepted)| !accepted));
}

#[test]
fn the_proofs_of_rfc_9449_are_accepted_at_their_time_and_place() {
    let Some(file) = vectors("rfc9449/examples.json") else {
        println!("SKIPPED: the folder with public test vectors is absent");
        return;
    };
    let proofs = file["proofs"].as_array().unwrap();
    assert_eq!(proofs.len(), 4);
    let token = file["access_token_for_ath"].as_str();
    for example in proofs {
        let claims = &example["payload"];
        let expected = Expected {
            method: claims["htm"].as_str().unwrap(),
            url: claims["htu"].as_str().unwrap(),
            access_token: claims.get("ath").and(token).map(|token| TokenHash::of(token.as_bytes())),
            thumbprint: file["jkt"].as_str(),
            nonce: claims["nonce"].as_str(),
        };
        let text = example["proof"].as_str().unwrap();
        let made_at = claims["iat"].as_u64().unwrap();
        let proof = dpop::verify(text, &expected, made_at).unwrap();
        assert_eq!(Some(proof.jti()), claims["jti"].as_str());
        assert!(dpop::verify(text, &expected, made_at + 3_600).is_err());
        let elsewhere = Expected { url: "https://elsewhere.example/", ..expected };
        assert!(dpop::verify(text, &elsewhere, made_at).is_err());
    }
}
