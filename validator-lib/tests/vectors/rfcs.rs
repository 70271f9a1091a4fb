//! The examples of RFC 7515, 7520, 7797, 8037 and 9449.

use serde_json::{Value, json};
use validator_lib::dpop::{self, Expected, TokenHash};
use validator_lib::jws::JwsError;
use validator_lib::{Algorithm, KeySet, jws};

use crate::{document, path};

/// The key of an example as its issuer would publish it.
fn published(mut key: Value) -> KeySet {
    for private in ["d", "p", "q", "dp", "dq", "qi"] {
        key.as_object_mut().unwrap().remove(private);
    }
    // A set needs a key that can be used; this one never signed anything.
    let other = json!({"kty": "OKP", "crv": "Ed25519", "kid": "another",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    KeySet::from_jwks_json(json!({"keys": [key, other]}).to_string().as_bytes()).unwrap()
}

fn outcome(token: &str, key: Value) -> Result<(), JwsError> {
    outcome_with(token, key, Algorithm::ALL)
}

fn outcome_with(token: &str, key: Value, allowed: &[Algorithm]) -> Result<(), JwsError> {
    jws::verify(token.trim(), &published(key), allowed).map(drop)
}

#[test]
fn the_signatures_of_rfc_7515_are_accepted_where_they_are_asymmetric() {
    let Some(folder) = path("latchset-rfc/tests/vectors") else { return };
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let no_es512 = if Algorithm::from_name("ES512").is_some() {
        Ok(())
    } else {
        Err(JwsError::AlgorithmRefused)
    };
    for (example, expected) in [
        ("rfc7515_A.1", Err(JwsError::AlgorithmRefused)), // HS256
        ("rfc7515_A.2", Ok(())),                          // RS256
        ("rfc7515_A.3", Ok(())),                          // ES256
        ("rfc7515_A.4", no_es512),
    ] {
        let key = serde_json::from_str(&read(&format!("{example}.jwk"))).unwrap();
        assert_eq!(outcome(&read(&format!("{example}.jwsc")), key), expected, "{example}");
    }
    // A.5 is not secured; 4.5 is detached, and an empty payload is another payload.
    let key = || serde_json::from_str(&read("rfc7515_A.2.jwk")).unwrap();
    assert_eq!(outcome(&read("rfc7515_A.5.jwsc"), key()), Err(JwsError::AlgorithmRefused));
    assert!(outcome(&read("rfc7520_4.5.jwsc"), key()).is_err());
    // The JSON serialisations, general and flattened, are not what travels in a header.
    for file in std::fs::read_dir(&folder).unwrap() {
        let file = file.unwrap().path();
        if file.extension().is_some_and(|kind| kind == "jwsg" || kind == "jwsf" || kind == "jwec") {
            let text = std::fs::read_to_string(&file).unwrap();
            assert!(outcome(&text, key()).is_err(), "{file:?}");
        }
    }
}

#[test]
fn the_cookbooks_signatures_are_accepted_where_they_are_asymmetric() {
    let Some(folder) = path("jose-cookbook") else { return };
    let mut accepted = Vec::new();
    for part in ["jws", "rfc7797", "curve25519"] {
        for file in std::fs::read_dir(folder.join(part)).unwrap() {
            let file = file.unwrap().path();
            if file.extension().is_none_or(|kind| kind != "json") {
                continue;
            }
            let example: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
            let Some(token) = example["output"]["compact"].as_str() else { continue };
            let key = example["input"]["key"].clone();
            // These keys do not say for which algorithm they are, so that the list of allowed ones does.
            let alg = example["input"]["alg"].as_str().and_then(Algorithm::from_name);
            let allowed = alg.map_or(Algorithm::ALL.to_vec(), |alg| vec![alg]);
            if key.is_object() && outcome_with(token, key, &allowed).is_ok() {
                accepted.push(file.file_name().unwrap().to_string_lossy().into_owned());
            }
        }
    }
    accepted.sort();
    let mut expected = vec!["4_1.rsa_v15_signature.json", "4_2.rsa-pss_signature.json", "jws.json"];
    if Algorithm::from_name("ES512").is_some() {
        expected.insert(2, "4_3.ecdsa_signature.json");
    }
    assert_eq!(accepted, expected);
}

#[test]
fn an_unencoded_payload_is_refused() {
    let Some(example) = document("jose-cookbook/rfc7797/hmac-sha2_b64_false.json") else { return };
    let token = example["output"]["compact"].as_str().unwrap();
    let key =
        json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    assert_eq!(outcome(token, key), Err(JwsError::ForbiddenHeader));
}

#[test]
fn the_proofs_of_rfc_9449_are_accepted_at_their_time_and_place() {
    let Some(file) = document("rfc9449/examples.json") else { return };
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
