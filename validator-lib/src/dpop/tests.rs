use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Expected, MAX_AGE_SECS, MAX_AHEAD_SECS, Proof, ProofError, TokenHash, verify};
use crate::algorithm::Algorithm;
use crate::testkit::{NOW, Signer, encode, with};

const TOKEN: &str = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
/// The hash that RFC 9449 figure 12 gives for that token.
const ATH: &str = "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo";
const URL: &str = "https://resource.example.org/protectedresource";

fn expected() -> Expected<'static> {
    Expected {
        method: "GET",
        url: URL,
        access_token: Some(TokenHash::of(TOKEN.as_bytes())),
        thumbprint: None,
        nonce: None,
    }
}

fn claims() -> Value {
    json!({"jti": "e1j3V_bKic8-LAEB", "htm": "GET", "htu": URL, "iat": NOW, "ath": ATH})
}

fn header(signer: &Signer) -> Value {
    json!({"typ": "dpop+jwt", "alg": signer.alg.name(), "jwk": signer.bare_jwk()})
}

fn refusal(proof: &str) -> ProofError {
    verify(proof, &expected(), NOW).unwrap_err()
}

/// A proof whose claims are changed; a change to null takes a claim away.
fn with_claims(changes: Value) -> Result<Proof, ProofError> {
    let signer = Signer::new(Algorithm::ES256);
    verify(&signer.sign(&header(&signer), &with(claims(), changes)), &expected(), NOW)
}

fn with_header(changes: Value) -> Result<Proof, ProofError> {
    let signer = Signer::new(Algorithm::ES256);
    verify(&signer.sign(&with(header(&signer), changes), &claims()), &expected(), NOW)
}

/// The proof of RFC 9449 figure 12, signed anew.
#[test]
fn a_good_proof_is_accepted_in_every_algorithm() {
    for alg in Algorithm::ALL {
        let signer = Signer::new(*alg);
        let proof = signer.sign(&header(&signer), &claims());
        let proof = verify(&proof, &expected(), NOW).unwrap();
        assert_eq!(proof.jti(), "e1j3V_bKic8-LAEB");
        assert_eq!(proof.thumbprint().len(), 43);
    }
}

/// The key of RFC 9449 figure 2 and its thumbprint in figure 8.
#[test]
fn the_thumbprint_is_that_of_the_rfc() {
    let jwk: crate::jwk::Jwk = serde_json::from_value(json!({
        "kty": "EC", "crv": "P-256",
        "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
        "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
    }))
    .unwrap();
    let key = crate::jwk::VerifyingKey::try_from(jwk).unwrap().key;
    assert_eq!(key.thumbprint(), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
}

#[test]
fn t19_each_check_of_rfc_9449_section_4_3_refuses_by_itself() {
    assert_eq!(refusal(""), ProofError::Malformed);
    assert_eq!(refusal("a.b.c"), ProofError::Malformed);
    for (changes, why) in [
        (json!({"jti": null}), ProofError::Malformed),
        (json!({"jti": ""}), ProofError::Malformed),
        (json!({"jti": 7}), ProofError::Malformed),
        (json!({"jti": "j".repeat(257)}), ProofError::Malformed),
        (json!({"htm": null}), ProofError::Malformed),
        (json!({"htm": "POST"}), ProofError::Method),
        (json!({"htm": "get"}), ProofError::Method),
        (json!({"htu": null}), ProofError::Malformed),
        (json!({"htu": [URL]}), ProofError::Malformed),
        (json!({"htu": "https://resource.example.org/"}), ProofError::Url),
        (json!({"htu": "http://resource.example.org/protectedresource"}), ProofError::Url),
        (json!({"htu": "https://resource.example.org:444/protectedresource"}), ProofError::Url),
        (json!({"htu": "https://evil.example/protectedresource"}), ProofError::Url),
        (json!({"htu": "/protectedresource"}), ProofError::Url),
        (json!({"htu": ""}), ProofError::Url),
        (json!({"iat": null}), ProofError::Malformed),
        (json!({"iat": NOW.to_string()}), ProofError::Malformed),
        (json!({"iat": -1}), ProofError::Malformed),
        (json!({"iat": 0}), ProofError::Time),
        (json!({"iat": NOW - MAX_AGE_SECS - 1}), ProofError::Time),
        (json!({"iat": NOW + MAX_AHEAD_SECS + 1}), ProofError::Time),
        (json!({"ath": null}), ProofError::AccessToken),
        (json!({"ath": ""}), ProofError::AccessToken),
        (json!({"ath": encode(&[0; 32])}), ProofError::AccessToken),
        (json!({"ath": format!("{ATH}=")}), ProofError::AccessToken),
        (json!({"ath": TOKEN}), ProofError::AccessToken),
    ] {
        assert_eq!(with_claims(changes.clone()).unwrap_err(), why, "{changes}");
    }
    for (changes, why) in [
        (json!({"typ": null}), ProofError::Type),
        (json!({"typ": "JWT"}), ProofError::Type),
        (json!({"typ": "at+jwt"}), ProofError::Type),
        (json!({"jwk": null}), ProofError::Key),
        (json!({"jwk": {}}), ProofError::Malformed),
        (json!({"jwk": {"kty": "oct", "k": "AAAA"}}), ProofError::Key),
        (json!({"alg": "none"}), ProofError::Malformed),
        (json!({"alg": "HS256"}), ProofError::Malformed),
        (json!({"alg": "ES384"}), ProofError::Key),
        (json!({"alg": "RS256"}), ProofError::Key),
        (json!({"crit": ["b64"], "b64": false}), ProofError::Malformed),
        (json!({"jwk": Signer::new(Algorithm::ES256).bare_jwk()}), ProofError::BadSignature),
    ] {
        assert_eq!(with_header(changes.clone()).unwrap_err(), why, "{changes}");
    }
}

#[test]
fn a_key_with_private_members_or_another_purpose_is_refused() {
    let signer = Signer::new(Algorithm::ES256);
    for changes in [
        json!({"d": "AAAA"}),
        json!({"d": ""}),
        json!({"k": "AAAA"}),
        json!({"use": "enc"}),
        json!({"alg": "ES384"}),
        json!({"crv": "P-384"}),
        json!({"x": "AAAA"}),
    ] {
        let jwk = with(signer.bare_jwk(), changes.clone());
        let proof = signer.sign(&with(header(&signer), json!({"jwk": jwk})), &claims());
        assert_eq!(refusal(&proof), ProofError::Key, "{changes}");
    }
}

#[test]
fn a_proof_of_another_key_is_refused_before_its_signature_is_computed() {
    let (bound, thief) = (Signer::new(Algorithm::ES256), Signer::new(Algorithm::ES256));
    let own = bound.sign(&header(&bound), &claims());
    let thumbprint = verify(&own, &expected(), NOW).unwrap().thumbprint().to_owned();
    let bound_to = Expected { thumbprint: Some(&thumbprint), ..expected() };
    assert!(verify(&own, &bound_to, NOW).is_ok());

    let stolen = thief.sign(&header(&thief), &claims());
    assert_eq!(verify(&stolen, &bound_to, NOW).unwrap_err(), ProofError::OtherKey);
    let (input, _) = stolen.rsplit_once('.').unwrap();
    let unsigned = format!("{input}.AAAA");
    assert_eq!(verify(&unsigned, &bound_to, NOW).unwrap_err(), ProofError::OtherKey);
}

#[test]
fn spelling_and_query_of_the_url_do_not_matter() {
    for htu in [
        "HTTPS://Resource.Example.ORG/protectedresource",
        "https://resource.example.org:443/protectedresource?a=b#c",
        "https://resource.example.org/./%70rotectedresource",
    ] {
        assert!(with_claims(json!({"htu": htu})).is_ok(), "{htu}");
    }
}

#[test]
fn the_window_holds_its_edges() {
    for made_at in [NOW - MAX_AGE_SECS, NOW, NOW + MAX_AHEAD_SECS] {
        assert!(with_claims(json!({"iat": made_at})).is_ok(), "{made_at}");
    }
}

#[test]
fn a_nonce_is_compared_where_one_was_given() {
    let signer = Signer::new(Algorithm::ES256);
    let asked = Expected { nonce: Some("n1"), ..expected() };
    for (nonce, outcome) in [
        (json!("n1"), Ok(())),
        (json!("n2"), Err(ProofError::Nonce)),
        (json!("n"), Err(ProofError::Nonce)),
        (json!(""), Err(ProofError::Nonce)),
        (json!(null), Err(ProofError::Nonce)),
        (json!(1), Err(ProofError::Malformed)),
    ] {
        let proof = signer.sign(&header(&signer), &with(claims(), json!({"nonce": nonce})));
        assert_eq!(verify(&proof, &asked, NOW).map(drop), outcome, "{nonce}");
    }
}

#[test]
fn a_proof_for_no_token_needs_no_hash() {
    let signer = Signer::new(Algorithm::ES256);
    let proof = signer.sign(&header(&signer), &with(claims(), json!({"ath": null})));
    let at_the_issuer = Expected { access_token: None, ..expected() };
    assert!(verify(&proof, &at_the_issuer, NOW).is_ok());
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,300}") {
        prop_assert!(verify(&text, &expected(), NOW).is_err());
    }
}
