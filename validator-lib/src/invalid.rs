//! Owns: the reasons for which a token is not accepted, each with a stable code.

use crate::jws::JwsError;

/// Why a well-formed request carries a token that is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidToken {
    /// The token itself or its signature is not good.
    #[error(transparent)]
    Jws(#[from] JwsError),
    /// Not marked as an access token.
    #[error("the token is not an access token")]
    Type,
    /// From another issuer.
    #[error("the token is from another issuer")]
    Issuer,
    /// For another service.
    #[error("the token is for another audience")]
    Audience,
    /// Without `sub`.
    #[error("the token names no subject")]
    NoSubject,
    /// Without `exp`.
    #[error("the token does not say when it expires")]
    NoExpiry,
    /// Past its `exp`.
    #[error("the token has expired")]
    Expired,
    /// Before its `nbf`.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// Its `iat` lies in the future.
    #[error("the token was issued in the future")]
    IssuedInFuture,
    /// It is meant to live longer than a token of its kind may.
    #[error("the token lives too long for its kind")]
    LivesTooLong,
    /// Bound to something this service cannot check.
    #[error("the token is bound in a way that is not supported")]
    UnsupportedBinding,
    /// Bound to a DPoP key and sent as a bearer token (RFC 9449 section 7.2).
    #[error("the token is bound to a key and was sent without proof")]
    BoundAsBearer,
    /// Bound to another certificate than the client's, or the client showed none (RFC 8705 section 3).
    #[error("the token is bound to another certificate")]
    OtherCertificate,
    /// Sent with the DPoP scheme and bound to no key, or a bound one is required.
    #[error("the token is not bound to a key")]
    NotBound,
    /// Withdrawn before it expired.
    #[error("the token was revoked")]
    Revoked,
}

impl InvalidToken {
    /// A short stable code for metrics and logs.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Jws(error) => error.reason(),
            Self::Type => "token_type",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::NoSubject => "subject_missing",
            Self::NoExpiry => "expiry_missing",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::IssuedInFuture => "issued_in_future",
            Self::LivesTooLong => "lives_too_long",
            Self::UnsupportedBinding => "binding_unsupported",
            Self::BoundAsBearer => "bound_as_bearer",
            Self::OtherCertificate => "other_certificate",
            Self::NotBound => "not_bound",
            Self::Revoked => "revoked",
        }
    }
}
