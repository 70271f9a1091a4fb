//! Owns: what an access token has to claim to be accepted here, and the one place that compares the
//! claims with it (RFC 9068 section 4, RFC 8725 sections 3.8 to 3.12).

use std::sync::Arc;

use crate::algorithm::Algorithm;
use crate::claims::{AccessClaims, NumericDate};
use crate::jws::{JwsError, VerifiedJws};
use crate::profile::Profile;

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
    /// Bound to something this service cannot check.
    #[error("the token is bound in a way that is not supported")]
    UnsupportedBinding,
    /// Bound to a DPoP key and sent as a bearer token (RFC 9449 section 7.2).
    #[error("the token is bound to a key and was sent without proof")]
    BoundAsBearer,
    /// Sent with the DPoP scheme and bound to no key, or a bound one is required.
    #[error("the token is not bound to a key")]
    NotBound,
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
            Self::UnsupportedBinding => "binding_unsupported",
            Self::BoundAsBearer => "bound_as_bearer",
            Self::NotBound => "not_bound",
        }
    }
}

/// What a token has to claim.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    pub(crate) issuer: String,
    pub(crate) audiences: Vec<String>,
    pub(crate) profile: Profile,
    pub(crate) algorithms: Vec<Algorithm>,
    pub(crate) leeway: u64,
    pub(crate) role_claims: Arc<[String]>,
}

/// Claims that a [`Policy`] accepted.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) subject: String,
    pub(crate) expires_at: u64,
    pub(crate) claims: AccessClaims,
    pub(crate) payload: Vec<u8>,
}

impl Policy {
    /// Judges the claims of a token whose signature is good.
    pub(crate) fn judge(&self, jws: VerifiedJws, now: u64) -> Result<Accepted, InvalidToken> {
        if !self.profile.accepts_type(jws.header()) {
            return Err(InvalidToken::Type);
        }
        let mut claims: AccessClaims = jws.claims()?;
        if claims.iss != self.issuer {
            return Err(InvalidToken::Issuer);
        }
        if !self.profile.has_audience(&claims, &self.audiences) {
            return Err(InvalidToken::Audience);
        }
        if !self.profile.accepts_claims(&claims) {
            return Err(InvalidToken::Type);
        }
        let expires_at = self.within_lifetime(&claims, now)?;
        let subject = claims.sub.take().filter(|sub| !sub.is_empty());
        let subject = subject.ok_or(InvalidToken::NoSubject)?;
        Ok(Accepted { subject, expires_at, claims, payload: jws.into_payload() })
    }

    fn within_lifetime(&self, claims: &AccessClaims, now: u64) -> Result<u64, InvalidToken> {
        let NumericDate(expires_at) = claims.exp.ok_or(InvalidToken::NoExpiry)?;
        let latest_start = now.saturating_add(self.leeway);
        let starts_after =
            |date: Option<NumericDate>| date.is_some_and(|date| date.0 > latest_start);
        if expires_at.saturating_add(self.leeway) <= now {
            Err(InvalidToken::Expired)
        } else if starts_after(claims.nbf) {
            Err(InvalidToken::NotYetValid)
        } else if starts_after(claims.iat) {
            Err(InvalidToken::IssuedInFuture)
        } else {
            Ok(expires_at)
        }
    }
}
