//! Owns: checking the signature of a compact JWS (RFC 7515 section 5.2), and the value that proves it
//! was checked. What the payload claims is not judged here.

use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::algorithm::Algorithm;
use crate::header::{Header, UnverifiedHeader};
use crate::json;
use crate::jwk::VerifyingKey;
use crate::keyset::KeySet;
use crate::token::Parts;

/// Why a compact serialisation was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum JwsError {
    /// Longer than [`MAX_TOKEN_BYTES`](crate::token::MAX_TOKEN_BYTES).
    #[error("the token is too large")]
    TooLarge,
    /// Not three parts divided by dots.
    #[error("the token does not have three parts")]
    NotThreeParts,
    /// Five parts: an encrypted token.
    #[error("encrypted tokens are not accepted")]
    Encrypted,
    /// A part that is not unpadded, canonical base64url.
    #[error("a part of the token is not base64url")]
    Base64,
    /// The header is not one JSON object with members of the right types, each once.
    #[error("the token header is malformed")]
    Header,
    /// The header has a member that would let the token choose how it is checked.
    #[error("the token header has a member that is not accepted")]
    ForbiddenHeader,
    /// `alg` is none of ours, or not allowed here.
    #[error("the signature algorithm is not accepted")]
    AlgorithmRefused,
    /// No key goes by the token's `kid`. The issuer may have rotated its keys: a caller with a source
    /// of keys may ask it for newer ones.
    #[error("the signing key is not known")]
    UnknownKey,
    /// The key of that `kid` is for another algorithm.
    #[error("the signing key is for another algorithm")]
    KeyMismatch,
    /// The token names no key and too many keys could have signed it.
    #[error("the token names no key and too many could have signed it")]
    TooManyCandidates,
    /// The signature is wrong.
    #[error("the signature is wrong")]
    BadSignature,
    /// The payload is not one JSON object with members of the right types, each once.
    #[error("the claims are malformed")]
    Claims,
}

impl JwsError {
    /// A short stable code for metrics and logs.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::TooLarge => "token_too_large",
            Self::NotThreeParts => "token_not_three_parts",
            Self::Encrypted => "token_encrypted",
            Self::Base64 => "token_base64",
            Self::Header => "token_header",
            Self::ForbiddenHeader => "token_header_forbidden",
            Self::AlgorithmRefused => "algorithm_refused",
            Self::UnknownKey => "key_unknown",
            Self::KeyMismatch => "key_mismatch",
            Self::TooManyCandidates => "key_ambiguous",
            Self::BadSignature => "signature",
            Self::Claims => "claims_malformed",
        }
    }
}

/// A token whose signature is good. Only [`verify`] makes one.
///
/// ```compile_fail
/// # use validator_lib::jws::VerifiedJws;
/// let forged = VerifiedJws { header: todo!(), payload: Vec::new() };
/// ```
pub struct VerifiedJws {
    header: Arc<Header>,
    payload: Vec<u8>,
    signed_by: SignedBy,
}

/// Which key made a signature good, and in which set it was found.
#[derive(Debug, Clone)]
pub(crate) struct SignedBy {
    pub(crate) key: Arc<VerifyingKey>,
    pub(crate) set: u64,
}

/// Checks the signature of `compact` with a key of `keys` and an algorithm of `allowed`.
///
/// A key that was published without `alg` is used with the first algorithm of `allowed` that fits its
/// type, so the order of `allowed` matters for such keys alone.
///
/// # Errors
/// [`JwsError`]; [`JwsError::UnknownKey`] is the one that newer keys may cure.
pub fn verify(
    compact: &str,
    keys: &KeySet,
    allowed: &[Algorithm],
) -> Result<VerifiedJws, JwsError> {
    let parts = Parts::cut(compact)?;
    if let Some(known) = keys.known_header(parts.header, allowed) {
        let (payload, signature) = parts.decode()?;
        let good = known.key.key.verifies(known.header.alg, parts.signing_input, &signature);
        let signed_by = SignedBy { key: known.key, set: keys.id() };
        return if good {
            Ok(VerifiedJws { header: known.header, payload, signed_by })
        } else {
            Err(JwsError::BadSignature)
        };
    }
    let UnverifiedHeader { header, jwk } = parts.unverified_header()?;
    let (payload, signature) = parts.decode()?;
    if jwk.is_some() {
        return Err(JwsError::ForbiddenHeader);
    }
    if !allowed.contains(&header.alg) {
        return Err(JwsError::AlgorithmRefused);
    }
    let key = keys
        .candidates(&header, allowed)?
        .into_iter()
        .flatten()
        .find(|key| key.key.verifies(header.alg, parts.signing_input, &signature))
        .ok_or(JwsError::BadSignature)?;
    let (header, key) = (Arc::new(header), Arc::clone(key));
    keys.remember_header(parts.header, &header, &key);
    Ok(VerifiedJws { header, payload, signed_by: SignedBy { key, set: keys.id() } })
}

impl VerifiedJws {
    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The bytes that were signed, decoded.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Reads the payload as claims.
    ///
    /// # Errors
    /// [`JwsError::Claims`] where it is not one JSON object that reads as `T`, or has a member twice.
    pub fn claims<T: DeserializeOwned>(&self) -> Result<T, JwsError> {
        json::object(&self.payload).map_err(|_| JwsError::Claims)
    }

    pub(crate) fn into_parts(self) -> (Vec<u8>, SignedBy) {
        (self.payload, self.signed_by)
    }
}

impl fmt::Debug for VerifiedJws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedJws").field("header", &self.header).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
