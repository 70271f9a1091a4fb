//! Target: a compact token, as anybody may send it.
//!
//! Oracle: accepted is only what was signed: the tokens of `planted`, to the letter.

use std::sync::LazyLock;

use bff_core::oidc::{Addressed, AuthorizationResponse};
use serde_json::json;
use validator_lib::algorithm::Algorithm;
use validator_lib::keyset::KeySet;
use validator_lib::testing::{AUDIENCE, SigningKey};
use validator_lib::validator::Validator;
use validator_lib::{Incoming, dpop, jws};

use crate::blocking;
use crate::signed::{ISSUER, NOW};

/// Its key is the same in every process, and so are its signatures.
static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::new(Algorithm::RS256));

fn keys() -> KeySet {
    let document = json!({ "keys": [KEY.jwk("k")] }).to_string();
    KeySet::from_jwks_json(document.as_bytes()).expect("keys")
}

/// What only the planted tokens' key has.
pub(crate) fn modulus() -> serde_json::Value {
    KEY.jwk("k")["n"].clone()
}

/// A good one, an ID token, one that has expired, and one without `kid`.
pub(crate) fn planted() -> &'static [String] {
    static TOKENS: LazyLock<Vec<String>> = LazyLock::new(|| {
        let sign = |header: &str, claims: &str| KEY.sign_text(header, claims);
        let claims = format!(
            r#"{{"iss":"{ISSUER}","aud":"{AUDIENCE}","sub":"alice","client_id":"c","jti":"j","iat":{NOW},"exp":{}}}"#,
            NOW + 300
        );
        let access = r#"{"alg":"RS256","typ":"at+jwt","kid":"k"}"#;
        vec![
            sign(access, &claims),
            sign(r#"{"alg":"RS256","typ":"JWT","kid":"k"}"#, &claims),
            sign(access, &claims.replace("18000", "17000")),
            sign(r#"{"alg":"RS256","typ":"at+jwt"}"#, &claims),
        ]
    });
    &TOKENS
}

/// Shows it wherever tokens are taken.
pub(crate) fn run(data: &[u8]) {
    let line = [b"Bearer ", data].concat();
    let validator =
        Validator::builder(ISSUER, AUDIENCE).clock(|| NOW).with_keys(keys()).expect("settings");
    let lines = [line.as_slice()];
    let incoming = Incoming::new("GET", "/", &lines);
    let is_let_in = blocking::on(validator.check_incoming(&incoming)).is_ok();

    let Ok(text) = std::str::from_utf8(data) else {
        assert!(!is_let_in);
        return;
    };
    let is_planted = planted().iter().any(|token| token == text);
    let is_signed = jws::verify(text, &keys(), Algorithm::ALL).is_ok();
    assert_eq!(is_signed, is_planted, "{text}");
    // The scheme may be followed by several blanks.
    let is_good = |token: &String| [&planted()[0], &planted()[3]].contains(&token);
    assert!(!is_let_in || is_good(&text.trim_matches(' ').to_owned()), "{text}");

    drop(Addressed::of(text));
    drop(AuthorizationResponse::parse(&format!("response={text}")));
    let expected = dpop::Expected {
        method: "GET",
        url: "https://api.example.com/",
        access_token: None,
        thumbprint: None,
        nonce: None,
    };
    assert!(dpop::verify(text, &expected, NOW).is_err());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the corpus begins with is what is planted.
    #[test]
    fn the_planted_tokens_are_in_the_corpus_and_let_in() {
        for (name, token) in ["good", "typ-jwt", "expired", "no-kid"].into_iter().zip(planted()) {
            let file = format!("{}/corpus/jwt/{name}", env!("CARGO_MANIFEST_DIR"));
            if std::env::var_os("UPDATE_CORPUS").is_some() {
                std::fs::write(&file, token).unwrap();
            }
            assert_eq!(&std::fs::read_to_string(file).unwrap(), token);
            run(token.as_bytes());
        }
    }
}
