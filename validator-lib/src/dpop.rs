//! Owns: checking a DPoP proof (RFC 9449 section 4.3, numbered below as there). Whether the proof was
//! seen before is [`replay`]'s question, to be asked once everything else is good.

mod htu;
mod key;
pub mod nonce;
pub mod replay;

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use subtle::ConstantTimeEq as _;

use crate::claims::{NumericDate, Text};
use crate::json;
use crate::sha256::sha256;
use crate::token::Parts;

pub(crate) use htu::normalised;
use key::ProofKey;
pub(crate) use key::UsedKey;

/// Seconds a proof may be old.
pub const MAX_AGE_SECS: u64 = 60;
/// Seconds by which the clock of the sender may be ahead.
pub const MAX_AHEAD_SECS: u64 = 30;
const MAX_JTI_BYTES: usize = 256;

/// Why a proof is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// No `DPoP` header.
    #[error("the request carries no DPoP proof")]
    Missing,
    /// More than one `DPoP` header.
    #[error("the request carries more than one DPoP proof")]
    Doubled,
    /// Not a JWT with every required member and claim, each of the right type.
    #[error("the DPoP proof is malformed")]
    Malformed,
    /// `typ` is not `dpop+jwt`.
    #[error("the DPoP proof is not marked as one")]
    Type,
    /// `jwk` is absent, not a sound public key, has private parts or does not go with `alg`.
    #[error("the key in the DPoP proof is not acceptable")]
    Key,
    /// The signature is wrong.
    #[error("the signature of the DPoP proof is wrong")]
    BadSignature,
    /// Signed with another key than the one the token is bound to.
    #[error("the DPoP proof is signed with another key than the token's")]
    OtherKey,
    /// For another method.
    #[error("the DPoP proof is for another method")]
    Method,
    /// For another URL.
    #[error("the DPoP proof is for another URL")]
    Url,
    /// Too old, or from too far in the future.
    #[error("the DPoP proof is too old or not valid yet")]
    Time,
    /// For another access token, or for none.
    #[error("the DPoP proof is for another access token")]
    AccessToken,
    /// Without the nonce that was asked for.
    #[error("the DPoP proof does not carry the expected nonce")]
    Nonce,
    /// Seen before.
    #[error("the DPoP proof was used before")]
    Replayed,
}

impl ProofError {
    /// A short stable code for metrics and logs.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Missing => "dpop_missing",
            Self::Doubled => "dpop_doubled",
            Self::Malformed => "dpop_malformed",
            Self::Type => "dpop_type",
            Self::Key => "dpop_key",
            Self::BadSignature => "dpop_signature",
            Self::OtherKey => "dpop_other_key",
            Self::Method => "dpop_htm",
            Self::Url => "dpop_htu",
            Self::Time => "dpop_iat",
            Self::AccessToken => "dpop_ath",
            Self::Nonce => "dpop_nonce",
            Self::Replayed => "dpop_replayed",
        }
    }
}

/// What a proof has to be for.
#[derive(Clone, Copy)]
pub struct Expected<'a> {
    /// The method of the request.
    pub method: &'a str,
    /// The URL of the request as the client knows it; query and fragment are left out of the comparison.
    pub url: &'a str,
    /// The access token that comes with the proof, by its hash.
    pub access_token: Option<TokenHash>,
    /// The thumbprint of the key that the token is bound to.
    pub thumbprint: Option<&'a str>,
    /// The nonce that this server gave out.
    pub nonce: Option<&'a str>,
}

/// The SHA-256 of an access token as it was sent, which a proof names as `ath` (RFC 9449 section 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash(pub(crate) [u8; 32]);

impl TokenHash {
    /// The hash of `token`.
    pub fn of(token: &[u8]) -> Self {
        Self(sha256(token))
    }
}

/// A proof that is good, save that it may have been used before. Only [`verify`] makes one.
pub struct Proof {
    thumbprint: Arc<str>,
    jti: String,
    nonce: Option<String>,
}

/// Checks `proof` against the request it came with. `now` is in seconds since the epoch.
///
/// # Errors
/// [`ProofError`], for the first check that fails.
pub fn verify(proof: &str, expected: &Expected<'_>, now: u64) -> Result<Proof, ProofError> {
    verify_with(proof, expected, now, &UsedKey::default())
}

/// The same for a client that may have sent a good proof before: its key is then known by the header of
/// that proof. `used` belongs to one token and so to one thumbprint.
pub(crate) fn verify_with(
    proof: &str,
    expected: &Expected<'_>,
    now: u64,
    used: &UsedKey,
) -> Result<Proof, ProofError> {
    // 2, 3, 5 and 7: a JWT of the right form, an asymmetric algorithm, a public key and no private one.
    let parts = Parts::cut(proof).map_err(|_| ProofError::Malformed)?;
    let known = used.with_header(parts.header);
    let key = match &known {
        Some(key) => Arc::clone(key),
        None => Arc::new(ProofKey::read(&parts)?),
    };
    let (payload, signature) = parts.decode().map_err(|_| ProofError::Malformed)?;
    // 12b comes before 6, so that nobody without a bound token can have a signature computed.
    if expected.thumbprint.is_some_and(|bound| !same(bound, &key.thumbprint)) {
        return Err(ProofError::OtherKey);
    }
    if !key.key.verifies(key.alg, parts.signing_input, &signature) {
        return Err(ProofError::BadSignature); // 6
    }
    let claims: Claims<'_> = json::object(&payload).map_err(|_| ProofError::Malformed)?;
    claims.check(expected, now)?;
    if known.is_none() {
        used.remember(parts.header, &key);
    }
    let thumbprint = Arc::clone(&key.thumbprint);
    let owned = |text: &Text<'_>| text.as_str().to_owned();
    Ok(Proof { thumbprint, jti: owned(&claims.jti), nonce: claims.nonce.as_ref().map(owned) })
}

/// Checks the claims of a proof whose signature nobody has looked at.
#[cfg(test)]
pub(crate) fn read_claims(
    payload: &[u8],
    expected: &Expected<'_>,
    now: u64,
) -> Result<(), ProofError> {
    let claims: Claims<'_> = json::object(payload).map_err(|_| ProofError::Malformed)?;
    claims.check(expected, now)
}

impl Proof {
    /// The RFC 7638 thumbprint of the key that signed.
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// The identifier the sender gave to the proof.
    pub fn jti(&self) -> &str {
        &self.jti
    }

    /// The nonce in the proof. Where none was expected nobody has looked at it.
    pub fn nonce(&self) -> Option<&str> {
        self.nonce.as_deref()
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proof").field("thumbprint", &self.thumbprint).finish_non_exhaustive()
    }
}

impl fmt::Debug for Expected<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expected").field("method", &self.method).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Claims<'a> {
    #[serde(borrow)]
    jti: Text<'a>,
    #[serde(borrow)]
    htm: Text<'a>,
    #[serde(borrow)]
    htu: Text<'a>,
    iat: NumericDate,
    #[serde(borrow, default, deserialize_with = "json::present")]
    ath: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "json::present")]
    nonce: Option<Text<'a>>,
}

impl Claims<'_> {
    fn check(&self, expected: &Expected<'_>, now: u64) -> Result<(), ProofError> {
        if self.jti.as_str().is_empty() || self.jti.as_str().len() > MAX_JTI_BYTES {
            return Err(ProofError::Malformed); // 3
        }
        if self.htm.as_str() != expected.method {
            return Err(ProofError::Method); // 8
        }
        if self.htu.as_str() != expected.url {
            let ours = normalised(expected.url).ok_or(ProofError::Url)?;
            if normalised(self.htu.as_str()) != Some(ours) {
                return Err(ProofError::Url); // 9
            }
        }
        let nonce = self.nonce.as_ref().map(Text::as_str).unwrap_or_default();
        if expected.nonce.is_some_and(|asked| !same(asked, nonce)) {
            return Err(ProofError::Nonce); // 10
        }
        let NumericDate(made_at) = self.iat;
        if made_at > now.saturating_add(MAX_AHEAD_SECS)
            || made_at.saturating_add(MAX_AGE_SECS) < now
        {
            return Err(ProofError::Time); // 11
        }
        if let Some(TokenHash(hash)) = expected.access_token {
            let ath = self.ath.as_ref().map(Text::as_str).ok_or(ProofError::AccessToken)?;
            if !same(ath, &URL_SAFE_NO_PAD.encode(hash)) {
                return Err(ProofError::AccessToken); // 12a
            }
        }
        Ok(())
    }
}

fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

#[cfg(test)]
mod tests;
