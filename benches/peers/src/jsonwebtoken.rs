//! Owns: jsonwebtoken as its documentation has it: one key made once, `decode` into a type with the
//! claims that a service reads. Not checked: which key a `kid` names, the `typ`, a claim or header member
//! that is there twice, a binding (`cnf`); no `Authorization` header is read.

use anyhow::Context as _;
use benches::validator::subject::Subject;
use benches::validator::tokens::{AUDIENCE, ISSUER, Signed};
use serde::Deserialize;

#[derive(Deserialize)]
#[expect(dead_code, reason = "read, as a service does, but not looked at")]
struct Claims {
    iss: String,
    sub: String,
    exp: u64,
    iat: Option<u64>,
    jti: Option<String>,
    client_id: Option<String>,
    scope: Option<String>,
}

macro_rules! version {
    ($function:ident, $package:ident, $name:literal) => {
        /// This version of it.
        pub fn $function(jwk: &str, tokens: &[Signed]) -> anyhow::Result<Subject> {
            use $package::jwk::Jwk;
            use $package::{Algorithm, DecodingKey, Validation, decode, decode_header};

            let key = DecodingKey::from_jwk(&parsed::<Jwk>(jwk)?)?;
            let first = tokens.first().context("no token")?;
            let algorithm: Algorithm = decode_header(&first.compact)?.alg;
            let mut validation = Validation::new(algorithm);
            validation.set_issuer(&[ISSUER]);
            validation.set_audience(&[AUDIENCE]);
            validation.set_required_spec_claims(&["iss", "aud", "exp", "sub"]);
            validation.validate_nbf = true;
            validation.leeway = 30;
            Ok(Subject::over($name, tokens.to_vec(), move |token| {
                decode::<Claims>(&token.compact, &key, &validation).is_ok()
            }))
        }
    };
}

version!(version_9, jsonwebtoken_9, "jsonwebtoken 9, ring");
version!(version_10, jsonwebtoken_10, "jsonwebtoken 10, rust_crypto");
version!(version_11, jsonwebtoken_11, "jsonwebtoken 11, aws-lc");

fn parsed<T: for<'a> Deserialize<'a>>(jwk: &str) -> anyhow::Result<T> {
    serde_json::from_str(jwk).context("no JWK")
}
