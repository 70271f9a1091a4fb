//! Owns: the key that proves who the client is: reading it, signing assertions (RFC 7523 section 3)
//! and requests with it, publishing its public half.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use josekit::JoseError;
use josekit::jwk::alg::ec::{EcCurve, EcKeyPair};
use josekit::jwk::alg::ed::{EdCurve, EdKeyPair};
use josekit::jwk::alg::rsa::RsaKeyPair;
use josekit::jwk::{Jwk, KeyPair};
use josekit::jws::{ES256, EdDSA, JwsHeader, JwsSigner, JwsVerifier, PS256, RS256};
use josekit::jwt::{self, JwtPayload};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use super::error::OidcError;

/// A private key of ours: RSA (PS256, or RS256 where its JWK says so), P-256 (ES256) or Ed25519
/// (`EdDSA`). Clones share it.
#[derive(Clone)]
pub struct ClientKey {
    signer: Arc<dyn JwsSigner>,
    /// What the operator called the key. Without a name the header has none either: the server may
    /// know the key by another one than we would make up, and then finds it by its type.
    kid: Option<String>,
    public: Value,
}

impl ClientKey {
    /// Reads a private JWK, or a PEM file with one PKCS#8 key.
    ///
    /// # Errors
    /// [`KeyError`], which never repeats the input.
    pub fn parse(pem_or_jwk: &[u8]) -> Result<Self, KeyError> {
        let text = pem_or_jwk.trim_ascii();
        let (private, public) = if text.starts_with(b"-----BEGIN ") {
            from_pem(text)?
        } else if text.starts_with(b"{") {
            from_jwk(&Jwk::from_bytes(text).map_err(|_| KeyError::Malformed)?)?
        } else {
            return Err(KeyError::Malformed);
        };
        let (signer, verifier) = signer(&private, &public)?;
        // A JWK may carry somebody else's public half.
        let sample = b"sample";
        signer
            .sign(sample)
            .and_then(|signature| verifier.verify(sample, &signature))
            .map_err(|_| KeyError::Malformed)?;
        let members = members(&public).ok_or(KeyError::Malformed)?;
        let kid = private.key_id().map(str::to_owned);
        let published = kid.clone().unwrap_or_else(|| members.thumbprint());
        let public = members.publish(&published, signer.algorithm().name());
        Ok(Self { signer: signer.into(), kid, public })
    }

    /// The public half with `kid`, `alg` and `use`.
    pub fn public_jwk(&self) -> Value {
        self.public.clone()
    }

    /// The algorithm it signs with.
    pub fn algorithm(&self) -> &str {
        self.signer.algorithm().name()
    }

    /// A signed assertion, good for one attempt.
    pub(super) fn assertion(&self, claims: &AssertionClaims<'_>) -> Result<String, OidcError> {
        // `aud` is one string (FAPI 2.0 section 5.3.3.1).
        let claims = [
            ("iss", json!(claims.client_id)),
            ("sub", json!(claims.client_id)),
            ("aud", json!(claims.audience)),
            ("jti", json!(claims.jti)),
            ("iat", json!(claims.issued_at)),
            ("exp", json!(claims.expires_at)),
        ];
        self.sign("JWT", claims).map_err(|_| OidcError::Config("client_assertion"))
    }

    /// A signed JWT of the type `typ`. Times are given as integers: the typed setters of the library
    /// write fractions, which some servers refuse.
    pub(super) fn sign<'a>(
        &self,
        typ: &str,
        claims: impl IntoIterator<Item = (&'a str, Value)>,
    ) -> Result<String, JoseError> {
        let mut header = JwsHeader::new();
        header.set_token_type(typ);
        if let Some(kid) = &self.kid {
            header.set_key_id(kid);
        }
        let mut payload = JwtPayload::new();
        for (name, value) in claims {
            payload.set_claim(name, Some(value))?;
        }
        jwt::encode_with_signer(&payload, &header, &*self.signer)
    }
}

impl std::fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// What an assertion says.
#[derive(Debug, Clone, Copy)]
pub(super) struct AssertionClaims<'a> {
    pub(super) client_id: &'a str,
    pub(super) audience: &'a str,
    pub(super) jti: &'a str,
    pub(super) issued_at: u64,
    pub(super) expires_at: u64,
}

/// Why a key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Neither a private JWK nor a PEM file with a PKCS#8 key, or its halves do not match.
    #[error("neither a private JWK nor a PKCS#8 PEM key")]
    Malformed,
    /// A key, but not one that client assertions are signed with here.
    #[error("the key is not RSA of 2048 bits or more, P-256 or Ed25519, or is not for signing")]
    Unsupported,
}

fn from_pem(pem: &[u8]) -> Result<(Jwk, Jwk), KeyError> {
    if let Ok(pair) = RsaKeyPair::from_pem(pem) {
        return Ok(halves(&pair));
    }
    if let Ok(pair) = EcKeyPair::from_pem(pem, None) {
        return if pair.curve() == EcCurve::P256 {
            Ok(halves(&pair))
        } else {
            Err(KeyError::Unsupported)
        };
    }
    match EdKeyPair::from_pem(pem) {
        Ok(pair) if pair.curve() == EdCurve::Ed25519 => Ok(halves(&pair)),
        Ok(_) => Err(KeyError::Unsupported),
        Err(_) => Err(KeyError::Malformed),
    }
}

fn from_jwk(jwk: &Jwk) -> Result<(Jwk, Jwk), KeyError> {
    let malformed = |_: JoseError| KeyError::Malformed;
    let (_, public) = match (jwk.key_type(), jwk.curve()) {
        ("RSA", _) => halves(&RsaKeyPair::from_jwk(jwk).map_err(malformed)?),
        ("EC", Some("P-256")) => halves(&EcKeyPair::from_jwk(jwk).map_err(malformed)?),
        ("OKP", Some("Ed25519")) => halves(&EdKeyPair::from_jwk(jwk).map_err(malformed)?),
        _ => return Err(KeyError::Unsupported),
    };
    Ok((jwk.clone(), public))
}

fn halves(pair: &impl KeyPair) -> (Jwk, Jwk) {
    (pair.to_jwk_key_pair(), pair.to_jwk_public_key())
}

type Pair = (Box<dyn JwsSigner>, Box<dyn JwsVerifier>);

/// The one algorithm the key is used with: that of its JWK, else the best for its type.
fn signer(private: &Jwk, public: &Jwk) -> Result<Pair, KeyError> {
    let unsupported = |_| KeyError::Unsupported;
    Ok(match (private.key_type(), private.algorithm()) {
        ("RSA", None | Some("PS256")) => (
            Box::new(PS256.signer_from_jwk(private).map_err(unsupported)?),
            Box::new(PS256.verifier_from_jwk(public).map_err(unsupported)?),
        ),
        ("RSA", Some("RS256")) => (
            Box::new(RS256.signer_from_jwk(private).map_err(unsupported)?),
            Box::new(RS256.verifier_from_jwk(public).map_err(unsupported)?),
        ),
        ("EC", None | Some("ES256")) => (
            Box::new(ES256.signer_from_jwk(private).map_err(unsupported)?),
            Box::new(ES256.verifier_from_jwk(public).map_err(unsupported)?),
        ),
        ("OKP", None | Some("EdDSA")) => (
            Box::new(EdDSA.signer_from_jwk(private).map_err(unsupported)?),
            Box::new(EdDSA.verifier_from_jwk(public).map_err(unsupported)?),
        ),
        _ => return Err(KeyError::Unsupported),
    })
}

/// The public members of each key type.
enum Members<'a> {
    Rsa { n: &'a str, e: &'a str },
    Ec { x: &'a str, y: &'a str },
    Okp { x: &'a str },
}

fn members(public: &Jwk) -> Option<Members<'_>> {
    let member = |name| public.parameter(name).and_then(Value::as_str);
    Some(match public.key_type() {
        "RSA" => Members::Rsa { n: member("n")?, e: member("e")? },
        "EC" => Members::Ec { x: member("x")?, y: member("y")? },
        "OKP" => Members::Okp { x: member("x")? },
        _ => return None,
    })
}

impl Members<'_> {
    /// RFC 7638 section 3: the required members, in lexical order, by hand.
    fn thumbprint(&self) -> String {
        let canonical = match self {
            Self::Rsa { n, e } => format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#),
            Self::Ec { x, y } => format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#),
            Self::Okp { x } => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#),
        };
        URL_SAFE_NO_PAD.encode(digest(&SHA256, canonical.as_bytes()))
    }

    fn publish(&self, kid: &str, alg: &str) -> Value {
        match self {
            Self::Rsa { n, e } => {
                json!({ "kty": "RSA", "n": n, "e": e, "kid": kid, "alg": alg, "use": "sig" })
            }
            Self::Ec { x, y } => json!({
                "kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": kid, "alg": alg, "use": "sig"
            }),
            Self::Okp { x } => json!({
                "kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "alg": alg, "use": "sig"
            }),
        }
    }
}

#[cfg(test)]
mod tests;
