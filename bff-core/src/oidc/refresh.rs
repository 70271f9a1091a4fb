//! Owns: a refresh: what goes in, what comes out, and what a failure means for the refresh token (RFC 6749 section 6,
//! OpenID Connect Core section 12).

use secrecy::{ExposeSecret as _, SecretString};

use super::RelyingParty;
use super::dpop::DpopKey;
use super::endpoint::Form;
use super::error::{Endpoint, OAuthCode, OAuthError, OidcError};
use super::exchange::{bound_key, can_do_without};
use super::id_claims::IdClaims;
use super::id_token::Occasion;
use super::resource::ServiceRequest;
use super::token::TokenSet;

/// What is refreshed.
#[derive(Clone, Copy)]
pub struct RefreshRequest<'a> {
    /// Spent by this call.
    pub refresh_token: &'a SecretString,
    /// The key the session's tokens are bound to so far.
    pub dpop_key: Option<&'a DpopKey>,
    /// Who logged in: a refreshed ID token must speak of the same.
    pub subject: &'a str,
    /// When, if the ID token of the login said so.
    pub auth_time: Option<u64>,
    /// The one service that the access token is to be for (RFC 8707 section 2.2); else it is the session's.
    /// Whether it may be shown to that service is for the caller to check, once the refresh token that came
    /// with it is safe.
    pub(crate) service: Option<ServiceRequest<'a>>,
}

impl std::fmt::Debug for RefreshRequest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RefreshRequest").field("dpop_key", &self.dpop_key).finish_non_exhaustive()
    }
}

/// What a refresh gave.
#[derive(Debug, Clone)]
pub struct Refreshed {
    /// Without a refresh token, the old one stays good.
    pub tokens: TokenSet,
    /// From the new ID token, where there was one that could be checked.
    pub claims: Option<IdClaims>,
    /// The key the new access token is bound to; `None` for a bearer token.
    pub dpop_key: Option<DpopKey>,
}

impl RelyingParty {
    /// Spends a refresh token. Call it from a task of its own: it is not to be dropped half-way.
    ///
    /// # Errors
    /// [`RefreshError`], by what it means for the refresh token.
    ///
    /// # Cancel safety
    /// Not cancel safe: a dropped call may have spent the refresh token.
    pub async fn refresh(
        &self,
        request: &RefreshRequest<'_>,
        now: u64,
    ) -> Result<Refreshed, RefreshError> {
        let metadata = self.metadata(now).await.map_err(RefreshError::Unavailable)?;
        let key = self.refresh_key(&metadata, request).map_err(RefreshError::Unavailable)?;
        let mut form: Form<'_> = vec![
            ("grant_type", "refresh_token"),
            ("refresh_token", request.refresh_token.expose_secret()),
        ];
        let binding = self.binding(&metadata, key.is_some());
        let binding = match request.service {
            None => {
                self.add_resources(&mut form);
                binding
            }
            Some(service) => {
                form.push(("resource", service.audience));
                form.extend(service.scope.map(|scope| ("scope", scope)));
                binding.unchecked()
            }
        };
        let mut tokens = self
            .token(&metadata, &form, key.as_ref(), binding, now)
            .await
            .map_err(RefreshError::from_call)?;
        let claims = match &tokens.id_token {
            None => None,
            Some(id_token) => {
                let occasion = Occasion::Refresh(request);
                let checked =
                    self.identity(&metadata, id_token, occasion, &tokens.access_token, now).await;
                match checked {
                    Ok(claims) => Some(claims),
                    Err(error) if can_do_without(&error) => {
                        tokens.id_token = None;
                        None
                    }
                    Err(error) => return Err(RefreshError::Contradiction(error)),
                }
            }
        };
        let dpop_key = bound_key(&tokens, key);
        Ok(Refreshed { tokens, claims, dpop_key })
    }
}

/// Why there are no new tokens, by what it means for the old refresh token.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// The refresh token is no longer good.
    #[error("the refresh token is no longer good")]
    InvalidGrant,
    /// The issuer answered tokens of somebody else, or an ID token that is false. They were
    /// thrown away; the session they were meant for is not to be trusted any more.
    #[error("the refreshed tokens contradict the session: {0}")]
    Contradiction(#[source] OidcError),
    /// The issuer refused for a reason that says nothing about the refresh token.
    #[error("the issuer refused: {0}")]
    Rejected(#[source] OAuthError),
    /// The refresh token was not spent as far as we know: the request was never sent, or an
    /// answer said that nothing was done.
    #[error("the issuer is away: {0}")]
    Unavailable(#[source] OidcError),
    /// The issuer may have spent the refresh token; its answer got lost or cannot be used.
    #[error("the outcome is unknown: {0}")]
    Unknown(#[source] OidcError),
}

impl RefreshError {
    /// Whether the session cannot go on, whatever happens later.
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::InvalidGrant | Self::Contradiction(_))
    }

    /// Whether not a byte of the request was sent.
    pub(crate) fn is_unsent(&self) -> bool {
        // Of the token endpoint, what may have been sent is `Unknown`.
        matches!(self, Self::Unavailable(OidcError::Unreachable { .. }))
    }

    /// A short stable code for `bff_token_refresh_failed_total{reason}`.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::InvalidGrant => "invalid_grant",
            Self::Contradiction(_) => "contradiction",
            Self::Rejected(_) => "rejected",
            Self::Unavailable(_) => "unavailable",
            Self::Unknown(_) => "unknown",
        }
    }

    /// What an error of the call itself (before any answer was used) means.
    pub(super) fn from_call(error: OidcError) -> Self {
        const GATEWAY_TIMEOUT: u16 = 504;
        match error {
            OidcError::Rejected {
                error: OAuthError { code: OAuthCode::InvalidGrant, .. }, ..
            } => Self::InvalidGrant,
            OidcError::Rejected { error, .. } => Self::Rejected(error),
            // A gateway that gave up waiting says nothing about who it waited for; nor does an
            // answer that makes no sense.
            OidcError::Busy { status: GATEWAY_TIMEOUT, .. }
            | OidcError::Protocol { endpoint: Endpoint::Token, .. } => Self::Unknown(error),
            OidcError::Unreachable { endpoint: Endpoint::Token, ref source }
                if source.may_have_been_sent() =>
            {
                Self::Unknown(error)
            }
            error => Self::Unavailable(error),
        }
    }
}
