//! Owns: the token that a service is shown for whoever calls.

use std::sync::Arc;

use secrecy::ExposeSecret as _;
use session::record::{TokenPart, TokenType};

use super::admit::Principal;
use crate::app::App;
use crate::error::ApiError;
use crate::oidc::DpopKey;

/// A token, and the key that it is bound to.
#[derive(Debug)]
pub(super) struct Credential(Arc<TokenPart>);

impl Credential {
    /// The session's own token.
    pub(super) const fn of_session(tokens: Arc<TokenPart>) -> Self {
        Self(tokens)
    }

    /// The scheme of `Authorization`.
    pub(super) fn scheme(&self) -> &'static str {
        match self.0.token_type {
            TokenType::Bearer => "Bearer",
            TokenType::Dpop => "DPoP",
        }
    }

    /// The token itself.
    pub(super) fn access_token(&self) -> &str {
        self.0.access_token.expose_secret()
    }

    /// The key that proofs are made with, for a bound token.
    ///
    /// # Errors
    /// [`ApiError::Internal`] if what is stored is no key.
    pub(super) fn dpop_key(&self) -> Result<Option<DpopKey>, ApiError> {
        self.0
            .dpop_key
            .as_ref()
            .map(|key| DpopKey::from_bytes(key.expose_secret()))
            .transpose()
            .map_err(|_| ApiError::Internal("dpop_key"))
    }
}

/// The credential for `principal`; none for nobody.
///
/// # Errors
/// [`ApiError`] if the session's tokens are dead and cannot be renewed.
pub(super) async fn credential(
    app: &Arc<App>,
    principal: &Principal,
) -> Result<Option<Credential>, ApiError> {
    match principal {
        Principal::Nobody => Ok(None),
        Principal::Session(session) => {
            let tokens = app.fresh_tokens(session).await?;
            Ok(Some(Credential::of_session(tokens)))
        }
    }
}
