//! Wycheproof's cases of JSON Web Signature, Key, Encryption and Crypto.

use serde_json::Value;
use validator_lib::{Algorithm, KeySet, jws};

use crate::document;

/// The cases of Wycheproof's `json_web_signature` that a verifier without HMAC accepts. The other ones
/// marked valid there use HMAC, a key for another algorithm, or an algorithm that does not exist.
fn is_accepted_signature(case: u64) -> bool {
    matches!(
        case,
        18 | 33 | 259..=275 | 287 | 288 | 320..=323 | 325..=328 | 345 | 349 | 378
    )
}

/// Every case of a file and whether its token was accepted.
fn outcomes(file: &Value, token_member: &str) -> Vec<(u64, bool)> {
    outcomes_of(file, |test| test[token_member].as_str())
}

fn outcomes_of(file: &Value, token: impl Fn(&Value) -> Option<&str>) -> Vec<(u64, bool)> {
    let mut outcomes = Vec::new();
    for group in file["testGroups"].as_array().unwrap() {
        let keys = group.get("public").unwrap_or(&group["private"]);
        let document = if keys.get("keys").is_some() {
            keys.to_string()
        } else {
            serde_json::json!({ "keys": [keys] }).to_string()
        };
        let keys = KeySet::from_jwks_json(document.as_bytes());
        for test in group["tests"].as_array().unwrap() {
            let accepted = keys.as_ref().is_ok_and(|keys| {
                token(test).is_some_and(|token| jws::verify(token, keys, Algorithm::ALL).is_ok())
            });
            outcomes.push((test["tcId"].as_u64().unwrap(), accepted));
        }
    }
    outcomes
}

#[test]
fn wycheproof_signatures_are_accepted_and_refused_to_the_case() {
    let Some(file) = document("wycheproof/json_web_signature_test.json") else { return };
    let outcomes = outcomes(&file, "jws");
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
    let Some(file) = document("wycheproof/json_web_key_test.json") else { return };
    let accepted: Vec<_> = outcomes(&file, "jws")
        .into_iter()
        .filter_map(|(case, good)| good.then_some(case))
        .collect();
    assert_eq!(accepted, [5], "the one sound asymmetric key");
}

#[test]
fn wycheproof_encrypted_tokens_are_all_refused() {
    let Some(file) = document("wycheproof/json_web_encryption_test.json") else { return };
    let outcomes = outcomes(&file, "jwe");
    assert_eq!(outcomes.len(), 139);
    assert!(outcomes.iter().all(|(_, accepted)| !accepted));
}

/// Two sound asymmetric signatures; the other cases marked valid use HMAC or encryption.
#[test]
fn wycheproof_json_web_crypto_is_accepted_and_refused_to_the_case() {
    let Some(file) = document("wycheproof/json_web_crypto_test.json") else { return };
    let outcomes = outcomes_of(&file, |test| test["jws"].as_str().or(test["jwe"].as_str()));
    assert_eq!(outcomes.len(), 83);
    let accepted: Vec<_> = outcomes.into_iter().filter(|(_, good)| *good).collect();
    assert_eq!(accepted, [(18, true), (33, true)]);
}
