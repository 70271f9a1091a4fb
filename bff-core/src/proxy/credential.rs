//! Owns: the token that a service is shown for whoever calls.

use std::sync::Arc;

use http::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};
use session::record::{TokenPart, TokenType};

use super::admit::Principal;
use super::bound;
use super::table::{Service, ServiceToken};
use crate::app::App;
use crate::bearer::CallerToken;
use crate::caller::Caller;
use crate::config::Strategy;
use crate::error::ApiError;
use crate::exchanges::{Broad, Holder, Narrow, NoToken, Target, hash};
use crate::oidc::{self, DpopKey, RelyingParty};
use crate::sessions::ActiveSession;

/// What a service is shown.
#[derive(Debug)]
pub(super) enum Credential {
    /// The session's own token, and the key that it is bound to.
    Session(Arc<TokenPart>),
    /// A token for this service alone.
    Narrow(Arc<Narrow>),
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
            Self::Narrow(narrow) => (narrow.kind.scheme(), &narrow.token),
            Self::Caller(token) => (oidc::TokenType::Bearer.scheme(), token),
            Self::Context(authorization) => return Ok(authorization.clone()),
        };
        let value = HeaderValue::try_from(format!("{scheme} {}", token.expose_secret()));
        let mut value = value.map_err(|_| ApiError::Internal("token_not_a_header_value"))?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// Whether proofs go with it.
    pub(super) fn is_bound(&self) -> bool {
        match self {
            Self::Session(tokens) => tokens.dpop_key.is_some(),
            Self::Narrow(narrow) => narrow.dpop_key.is_some(),
            Self::Context(_) | Self::Caller(_) => false,
        }
    }

    /// The token and the key that proofs for it are made with, for a bound one.
    ///
    /// # Errors
    /// [`ApiError::Internal`] if what is stored is no key.
    pub(super) fn bound(&self) -> Result<Option<(&str, DpopKey)>, ApiError> {
        match self {
            Self::Session(tokens) => {
                Ok(dpop_key(tokens)?.map(|key| (tokens.access_token.expose_secret(), key)))
            }
            Self::Narrow(narrow) => {
                let key = narrow.dpop_key.as_ref();
                Ok(key.map(|key| (narrow.token.expose_secret(), key.clone())))
            }
            Self::Context(_) | Self::Caller(_) => Ok(None),
        }
    }
}

fn scheme(kind: TokenType) -> &'static str {
    match kind {
        TokenType::Bearer => oidc::TokenType::Bearer.scheme(),
        TokenType::Dpop => oidc::TokenType::Dpop.scheme(),
    }
}

fn dpop_key(tokens: &TokenPart) -> Result<Option<DpopKey>, ApiError> {
    let key = tokens.dpop_key.as_ref().map(|key| DpopKey::from_bytes(key.expose_secret()));
    key.transpose().map_err(|_| ApiError::Internal("dpop_key"))
}

/// The credential for `principal` at `service`; none for nobody.
///
/// # Errors
/// [`ApiError`] if the session's tokens are dead and cannot be renewed, or none may be shown.
pub(super) async fn credential(
    app: &Arc<App>,
    caller: &Caller,
    principal: &Principal,
    service: &Service,
) -> Result<Option<Credential>, ApiError> {
    match (principal, &service.token) {
        (Principal::Nobody, _) | (_, ServiceToken::None) => Ok(None),
        (Principal::Session(session), ServiceToken::Context(audience)) => {
            Ok(Some(Credential::Context(app.context_token(session, audience)?)))
        }
        (Principal::Session(session), ServiceToken::Session | ServiceToken::Exchange(_)) => {
            let tokens = app.fresh_tokens(session).await?;
            of_session(app, session, tokens, service).await.map(Some)
        }
        (Principal::Bearer(token), ServiceToken::Session) => {
            if app.config.strategy == Strategy::Fapi {
                return Err(refused(service, "token_not_bound", "caller_token_not_bound"));
            }
            Ok(Some(Credential::Caller(token.text.clone())))
        }
        (Principal::Bearer(token), ServiceToken::Exchange(target)) => {
            of_caller(app, caller, token, service, target).await.map(Some)
        }
        // The table refuses such a route: there is no session that a context token could speak of.
        (Principal::Bearer(_), ServiceToken::Context(_)) => Err(ApiError::Internal("no_context")),
    }
}

/// What the session's `tokens` are good for at `service`.
///
/// # Errors
/// [`ApiError`] if no token may be shown, or none can be had.
pub(super) async fn of_session(
    app: &Arc<App>,
    session: &ActiveSession,
    tokens: Arc<TokenPart>,
    service: &Service,
) -> Result<Credential, ApiError> {
    let ServiceToken::Exchange(target) = &service.token else {
        let must = app.config.strategy == Strategy::Fapi;
        if must && !bound::is_bound(&tokens, session_party(app, session)?.config()) {
            return Err(refused(service, "token_not_bound", "session_token_not_bound"));
        }
        return Ok(Credential::Session(tokens));
    };
    let party = session_party(app, session)?;
    let broad = Broad {
        holder: Holder::Session(session.key),
        token: tokens.access_token.clone(),
        dpop_key: dpop_key(&tokens)?,
        session: Some(session),
    };
    narrow(app, broad, service, target, &party).await
}

async fn of_caller(
    app: &Arc<App>,
    caller: &Caller,
    token: &CallerToken,
    service: &Service,
    target: &Target,
) -> Result<Credential, ApiError> {
    let party = caller.tenant.providers.all().find(|(_, party)| party.issuer() == token.issuer);
    let Some((_, party)) = party else {
        return Err(refused(service, "token_exchange_refused", "no_client_at_issuer"));
    };
    let holder = Holder::Caller(hash(&token.text));
    let broad = Broad { holder, token: token.text.clone(), dpop_key: None, session: None };
    narrow(app, broad, service, target, party).await
}

async fn narrow(
    app: &Arc<App>,
    broad: Broad<'_>,
    service: &Service,
    target: &Target,
    party: &Arc<RelyingParty>,
) -> Result<Credential, ApiError> {
    match app.narrowed(broad, target, party).await {
        Ok(token) if token.is_bound || app.config.strategy != Strategy::Fapi => {
            Ok(Credential::Narrow(token))
        }
        Ok(_) => Err(refused(service, "token_not_bound", "exchanged_token_not_bound")),
        Err(NoToken::Later(reason)) => Err(ApiError::IdpUnavailable(reason)),
        Err(NoToken::Refused(reason)) => Err(refused(service, "token_exchange_refused", reason)),
        Err(NoToken::Ended(reason)) => Err(ApiError::Unauthenticated(reason)),
    }
}

/// Who issued the session's tokens.
fn session_party(app: &App, session: &ActiveSession) -> Result<Arc<RelyingParty>, ApiError> {
    let management = app.management(session)?;
    app.tenants.provider_of(&management).ok_or(ApiError::IdpUnavailable("provider_gone"))
}

fn refused(service: &Service, code: &'static str, reason: &'static str) -> ApiError {
    ApiError::ServiceToken { service: service.name.clone(), code, reason }
}
