//! Target: a JWKS document.
//!
//! Oracle: a key that was read is one of the document's, and public; a token that it verifies is one whose key
//! stands in the document.

use serde_json::Value;
use validator_lib::algorithm::Algorithm;
use validator_lib::jws;
use validator_lib::keyset::KeySet;

use crate::jwt::planted;

/// Reads it, and uses what was read.
pub(crate) fn run(data: &[u8]) {
    let Ok(keys) = KeySet::from_jwks_json(data) else { return };
    assert!(!keys.is_empty());
    let said: Value = serde_json::from_slice(data).expect("JSON");
    let listed = said["keys"].as_array().expect("a list");
    assert!(keys.len() + keys.skipped().len() <= listed.len(), "{said}");
    let public = listed.iter().filter(|key| key["kty"] != "oct" && key["d"].is_null()).count();
    assert!(keys.len() <= public, "{said}");
    for token in planted() {
        if jws::verify(token, &keys, Algorithm::ALL).is_ok() {
            let signer = crate::jwt::modulus();
            assert!(listed.iter().any(|key| key["n"] == signer), "{said}");
        }
    }
}
