//! Owns: jwt-simple with its default provider (`BoringSSL` for RSA), key and options made once. The options
//! are passed by value, so they are cloned for each check. Not checked: which key a `kid` names, a claim
//! or header member that is there twice, `sub`, a binding (`cnf`); no `Authorization` header is read.

use std::collections::HashSet;

use benches::validator::subject::Subject;
use benches::validator::tokens::{AUDIENCE, ISSUER, Signed};
use jwt_simple::prelude::*;
use validator_lib::Algorithm;

#[derive(Serialize, Deserialize)]
struct Claims {
    client_id: Option<String>,
    scope: Option<String>,
}

/// The check of a token with a key for `algorithm`.
pub fn whole(algorithm: Algorithm, jwk: &str, tokens: &[Signed]) -> anyhow::Result<Subject> {
    Ok(match algorithm {
        Algorithm::PS256 => {
            let key = PS256PublicKey::from_jwk(jwk)?;
            over(tokens, move |token, options| key.verify_token::<Claims>(token, options).is_ok())
        }
        Algorithm::ES256 => {
            let key = ES256PublicKey::from_jwk(jwk)?;
            over(tokens, move |token, options| key.verify_token::<Claims>(token, options).is_ok())
        }
        Algorithm::EdDSA => {
            let key = Ed25519PublicKey::from_jwk(jwk)?;
            over(tokens, move |token, options| key.verify_token::<Claims>(token, options).is_ok())
        }
        _ => {
            let key = RS256PublicKey::from_jwk(jwk)?;
            over(tokens, move |token, options| key.verify_token::<Claims>(token, options).is_ok())
        }
    })
}

fn over(
    tokens: &[Signed],
    verifies: impl Fn(&str, Option<VerificationOptions>) -> bool + 'static,
) -> Subject {
    let options = VerificationOptions {
        allowed_issuers: Some(HashSet::from([ISSUER.to_owned()])),
        allowed_audiences: Some(HashSet::from([AUDIENCE.to_owned()])),
        required_signature_type: Some("at+jwt".to_owned()),
        time_tolerance: Some(Duration::from_secs(30)),
        ..VerificationOptions::default()
    };
    Subject::over("jwt-simple", tokens.to_vec(), move |token| {
        verifies(&token.compact, Some(options.clone()))
    })
}
