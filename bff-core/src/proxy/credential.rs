//! Owns: the token that a service is shown for whoever calls.

use std::sync::Arc;

use http::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};
use session::record::{TokenPart, TokenType};

use super::admit::Principal;
use super::table::{Service, ServiceToken};
use crate::app::App;
use crate::error::ApiError;
use crate::oidc::DpopKey;

/// What a service is shown.
#[derive(Debug)]
pub(super) enum Credential {
    /// The session's own token, and the key that it is bound to.
    Session(Arc<TokenPart>),
    /// A context token, as the value of `Authorization`.
    Context(HeaderValue),
    /// The caller's own, bound to nothing.
    Caller(SecretString),
}

impl Credential {
    /// The value of `Authorization`, under the scheme that the token is bound by (RFC 6750, RFC 9449 section
    /// 7.1). Marked sensitive.
    ///
    /// # Errors
    /// [`ApiError::Internal`] if it cannot stand in a header.
    pub(super) fn authorization(&self) -> Result<HeaderValue, ApiError> {
        let (scheme, token) = match self {
            Self::Session(tokens) => (scheme(tokens.token_type), &tokens.access_token),
            Self::Caller(token) => ("Bearer", token),
            Self::Context(authorization) => return Ok(authorization.clone()),
        };
        let value = HeaderValue::try_from(format!("{scheme} {}", token.expose_secret()));
        let mut value = value.map_err(|_| ApiError::Internal("token_not_a_header_value"))?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// The token and the key that proofs for it are made with, for a bound one.
    ///
    /// # Errors
    /// [`ApiError::Internal`] if what is stored is no key.
    pub(super) fn bound(&self) -> Result<Option<(&str, DpopKey)>, ApiError> {
        let Self::Session(tokens) = self else { return Ok(None) };
        let Some(key) = &tokens.dpop_key else { return Ok(None) };
        let key = DpopKey::from_bytes(key.expose_secret());
        let key = key.map_err(|_| ApiError::Internal("dpop_key"))?;
        Ok(Some((tokens.access_token.expose_secret(), key)))
    }
}

fn scheme(kind: TokenType) -> &'static str {
    match kind {
        TokenType::Bearer => "Bearer",
        TokenType::Dpop => "DPoP",
    }
}

/// The credential for `principal` at `service`; none for nobody.
///
/// # Errors
/// [`ApiError`] if the session's tokens are dead and cannot be renewed.
pub(super) async fn credential(
    app: &Arc<App>,
    principal: &Principal,
    service: &Service,
) -> Result<Option<Credential>, ApiError> {
    match (principal, &service.token) {
        (Principal::Nobody, _) | (_, ServiceToken::None) => Ok(None),
        (Principal::Session(session), ServiceToken::Session) => {
            Ok(Some(Credential::Session(app.fresh_tokens(session).await?)))
        }
        (Principal::Session(session), ServiceToken::Context(audience)) => {
            Ok(Some(Credential::Context(app.context_token(session, audience)?)))
        }
        (Principal::Bearer(token), ServiceToken::Session) => {
            Ok(Some(Credential::Caller(token.text.clone())))
        }
        // The table refuses such a route: there is no session that a context token could speak of.
        (Principal::Bearer(_), ServiceToken::Context(_)) => Err(ApiError::Internal("no_context")),
    }
}
