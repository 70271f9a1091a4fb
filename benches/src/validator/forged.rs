//! Owns: tokens that nobody should take, by which a run tells what each crate that it measures does not
//! check: a check left out is time saved.

use validator_lib::Algorithm;

use super::issuer::encode;
use super::tokens::{AUDIENCE, ISSUER, Issuer, LIFETIME_SECS, Signed};

/// A token that is wrong in one thing.
#[derive(Debug)]
pub struct Forgery {
    /// What is wrong.
    pub name: &'static str,
    /// Whether a crate that takes it does so much less that it is not to be compared.
    pub basic: bool,
    /// The token.
    pub token: Signed,
}

/// One for each thing that can be wrong.
///
/// # Errors
/// If ring does not sign.
pub fn all(issuer: &Issuer, algorithm: Algorithm) -> anyhow::Result<Vec<Forgery>> {
    let (now, end) = (issuer.now(), issuer.now() + LIFETIME_SECS);
    let claim = |name: &str, value: u64| format!(r#""{name}":{value}"#);
    let kid = issuer.signer(algorithm)?.kid();
    let altered = |good: &str, bad: &str| issuer.altered(algorithm, good, bad);
    let basic = |name, token| Forgery { name, basic: true, token };
    let more = |name, token| Forgery { name, basic: false, token };
    Ok(vec![
        basic("signature of another token", resigned(issuer, algorithm)?),
        basic("other `iss`", altered(&format!(r#"iss":"{ISSUER}"#), r#"iss":"https://a.example"#)?),
        basic("other `aud`", altered(AUDIENCE, "https://b.example.com")?),
        basic("past `exp`", altered(&claim("exp", end), &claim("exp", now - 3_600))?),
        basic("future `nbf`", altered(&claim("nbf", now), &claim("nbf", now + 3_600))?),
        more("`typ` of another kind", altered("at+jwt", "JWT")?),
        more("`kid` of no key", altered(&kid, "k2025-11-RS256")?),
        more("`exp` twice", altered(r#","nbf""#, &format!(",{},\"nbf\"", claim("exp", end)))?),
        more("`tenant` twice", altered(r#","tenant""#, r#","tenant":"root","tenant""#)?),
        more("unknown `crit`", altered(r#""typ""#, r#""crit":["x"],"x":"y","typ""#)?),
        more("bound to a key", altered(r#","acr""#, r#","cnf":{"jkt":"AA"},"acr""#)?),
        more("without `sub`", altered(r#""sub""#, r#""sup""#)?),
        more("future `iat`", altered(&claim("iat", now), &claim("iat", now + 3_600))?),
    ])
}

fn resigned(issuer: &Issuer, algorithm: Algorithm) -> anyhow::Result<Signed> {
    let (one, other) = (issuer.token(algorithm, 1)?, issuer.token(algorithm, 2)?);
    let input = String::from_utf8(one.input)?;
    Signed::new(format!("{input}.{}", encode(&other.signature)))
}

#[cfg(test)]
mod tests {
    use super::all;
    use crate::validator::ours;
    use crate::validator::tokens::{ALGORITHMS, Issuer};

    #[test]
    fn t12_validator_lib_takes_none_of_them() {
        let issuer = Issuer::new().unwrap();
        for algorithm in ALGORITHMS {
            let good = issuer.altered(algorithm, "at+jwt", "at+jwt").unwrap();
            assert!(ours::unknown(&issuer, &[good]).unwrap().slot(0, 1).is_ok());
            for forgery in all(&issuer, algorithm).unwrap() {
                let token = [forgery.token];
                let subjects = [ours::unknown(&issuer, &token), ours::known(&issuer, &token)];
                for subject in subjects {
                    assert!(subject.unwrap().slot(0, 1).is_err(), "{algorithm}: {}", forgery.name);
                }
            }
        }
    }
}
