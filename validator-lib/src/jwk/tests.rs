use base64::Engine as _;
use serde_json::{Value, json};

use super::{Jwk, JwkError, VerifyingKey};
use crate::algorithm::Algorithm;
use crate::testkit::{Signer, encode, with};

fn read(jwk: Value) -> Result<VerifyingKey, JwkError> {
    VerifyingKey::try_from(serde_json::from_value::<Jwk>(jwk).map_err(|_| JwkError::Malformed)?)
}

#[test]
fn every_key_type_is_read_and_verifies_its_own_signatures_alone() {
    for alg in Algorithm::ALL {
        let signer = Signer::new(*alg);
        let key = read(signer.jwk("k")).unwrap();
        assert_eq!(key.alg, Some(*alg));
        let token = signer.sign(&json!({"alg": alg.name()}), &json!({}));
        let (input, signature) = token.rsplit_once('.').unwrap();
        let signature = super::URL_SAFE_NO_PAD.decode(signature).unwrap();
        for other in Algorithm::ALL {
            let good = key.key.verifies(*other, input.as_bytes(), &signature);
            assert_eq!(good, other == alg, "{alg} checked as {other}");
        }
    }
}

#[test]
fn a_sign_byte_before_the_modulus_is_dropped() {
    let jwk = Signer::new(Algorithm::RS256).bare_jwk();
    let n = super::URL_SAFE_NO_PAD.decode(jwk["n"].as_str().unwrap()).unwrap();
    let padded = with(jwk.clone(), json!({"n": encode(&[&[0], n.as_slice()].concat())}));
    assert_eq!(read(padded).unwrap().key, read(jwk).unwrap().key);
}

#[test]
fn weak_or_malformed_material_is_refused() {
    let rsa = Signer::new(Algorithm::RS256).bare_jwk();
    let ec = Signer::new(Algorithm::ES256).bare_jwk();
    let ed = Signer::new(Algorithm::EdDSA).bare_jwk();
    let odd = |length: usize| encode(&vec![0xff; length]);
    let mut even = vec![0xff; 256];
    even[255] = 0xfe;
    let mut bits_2047 = vec![0xff; 256];
    bits_2047[0] = 0x7f;
    for (base, changes) in [
        (&rsa, json!({"n": odd(128)})),
        (&rsa, json!({"n": encode(&bits_2047)})),
        (&rsa, json!({"n": odd(1025)})),
        (&rsa, json!({"n": encode(&even)})),
        (&rsa, json!({"n": ""})),
        (&rsa, json!({"n": null})),
        (&rsa, json!({"e": "AQ"})),
        (&rsa, json!({"e": "Ag"})),
        (&rsa, json!({"e": ""})),
        (&rsa, json!({"e": "AQAC"})),
        (&rsa, json!({"e": odd(9)})),
        (&rsa, json!({"e": odd(8)})),
        (&ec, json!({"x": odd(31)})),
        (&ec, json!({"x": odd(33)})),
        (&ec, json!({"y": null})),
        (&ec, json!({"x": "a b"})),
        (&ed, json!({"x": odd(31)})),
    ] {
        let refused = read(with(base.clone(), changes.clone())).unwrap_err();
        assert_eq!(refused, JwkError::BadMaterial, "{changes}");
    }
}

#[test]
fn what_a_key_is_for_is_respected() {
    let ec = Signer::new(Algorithm::ES256).bare_jwk();
    for (changes, expected) in [
        (json!({"use": "enc"}), JwkError::NotForVerifying),
        (json!({"use": ""}), JwkError::NotForVerifying),
        (json!({"key_ops": ["encrypt"]}), JwkError::NotForVerifying),
        (json!({"key_ops": []}), JwkError::NotForVerifying),
        (json!({"key_ops": ["sign"]}), JwkError::NotForVerifying),
        (json!({"alg": "ES384"}), JwkError::UnsupportedAlgorithm),
        (json!({"alg": "RS256"}), JwkError::UnsupportedAlgorithm),
        (json!({"alg": "HS256"}), JwkError::UnsupportedAlgorithm),
        (json!({"alg": "none"}), JwkError::UnsupportedAlgorithm),
        (json!({"alg": ""}), JwkError::UnsupportedAlgorithm),
        (json!({"kty": "RSA"}), JwkError::UnsupportedType),
        (json!({"kty": "ec"}), JwkError::UnsupportedType),
        (json!({"crv": "P-192"}), JwkError::UnsupportedType),
        (json!({"crv": "secp256k1"}), JwkError::UnsupportedType),
        (json!({"crv": null}), JwkError::UnsupportedType),
        (json!({"kty": "oct", "k": "AAAA"}), JwkError::Private),
    ] {
        let refused = read(with(ec.clone(), changes.clone())).unwrap_err();
        assert_eq!(refused, expected, "{changes}");
    }
    assert!(read(with(ec, json!({"key_ops": ["verify", "sign"]}))).is_ok());
}

#[test]
fn a_key_published_with_its_private_part_is_refused() {
    let ec = Signer::new(Algorithm::ES256).bare_jwk();
    for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        for value in [json!("AAAA"), json!(""), json!(0)] {
            let refused = read(with(ec.clone(), json!({ member: value }))).unwrap_err();
            assert_eq!(refused, JwkError::Private, "{member}");
        }
    }
    let null: Value =
        serde_json::from_str(&ec.to_string().replacen('{', "{\"d\":null,", 1)).unwrap();
    assert_eq!(read(null).unwrap_err(), JwkError::Private);
}

/// The example of RFC 7638 section 3.1.
#[test]
fn the_thumbprint_is_that_of_the_rfc() {
    let key = read(json!({
        "kty": "RSA",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_\
              BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0\
              _FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhA\
              I4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        "e": "AQAB",
    }));
    assert_eq!(key.unwrap().key.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

/// The key of RFC 8037 appendix A.3 and its thumbprint.
#[test]
fn the_thumbprint_of_an_okp_key_is_that_of_the_rfc() {
    let key = read(json!({
        "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    }));
    assert_eq!(key.unwrap().key.thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

#[cfg(feature = "josekit")]
#[test]
fn t12_a_p_521_key_or_signature_that_is_none_is_refused() {
    let signer = Signer::new(Algorithm::ES512);
    let key = read(signer.jwk("k")).unwrap();
    for signature in
        [vec![], vec![0; 132], vec![1; 132], vec![0xff; 132], vec![1; 131], vec![1; 133]]
    {
        assert!(!key.key.verifies(Algorithm::ES512, b"m", &signature), "{signature:?}");
    }
    let half_zero = [vec![0; 66], vec![1; 66]].concat();
    assert!(!key.key.verifies(Algorithm::ES512, b"m", &half_zero));
    let off_curve = with(signer.jwk("k"), json!({"x": encode(&[1; 66])}));
    assert_eq!(read(off_curve).unwrap_err(), JwkError::BadMaterial);
}
