//! Owns: why a token was not accepted with keys that are fetched: whether the token or the issuer is at
//! fault.

use super::fetch::FetchError;
use crate::jws::JwsError;
use crate::keyset::KeySetError;

/// There are no keys to judge a token with. Not the sender's fault: answer 503, never 401.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeysUnavailable {
    /// The key set could not be had.
    #[error("no key set: {0}")]
    Fetch(#[from] FetchError),
    /// The issuer's answer is no usable key set.
    #[error("no key set: {0}")]
    KeySet(#[from] KeySetError),
    /// The key of the token may be newer than the key set, and the issuer, who was asked for another
    /// key in vain, is not asked again yet.
    #[error("the issuer was asked for keys too recently to be asked for this one")]
    AskedTooRecently,
}

impl KeysUnavailable {
    /// A short stable code for metrics and logs.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Fetch(FetchError::Network(_)) => "jwks_unreachable",
            Self::Fetch(FetchError::Timeout) => "jwks_timeout",
            Self::Fetch(FetchError::Status(_)) => "jwks_status",
            Self::Fetch(FetchError::TooLarge) => "jwks_too_large",
            Self::KeySet(error) => error.reason(),
            Self::AskedTooRecently => "jwks_cooldown",
        }
    }
}

/// Why a token was not accepted with keys that are fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The token is at fault.
    #[error(transparent)]
    Token(#[from] JwsError),
    /// The keys are.
    #[error(transparent)]
    Unavailable(#[from] KeysUnavailable),
}

impl VerifyError {
    /// A short stable code for metrics and logs.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Token(error) => error.reason(),
            Self::Unavailable(error) => error.reason(),
        }
    }
}
