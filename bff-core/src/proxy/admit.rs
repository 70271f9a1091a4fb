//! Owns: who may use a route: every check between a routed request and its service.

use std::sync::Arc;

use http::HeaderMap;
use http::request::Parts;
use session::header_text;
use session::id::StoreKey;
use session::store::IndexKey;
use shell::origin::Origin;

use super::headers::asks_for_upgrade;
use super::table::{Auth, Route, ServiceToken};
use crate::app::App;
use crate::bearer::{Asked, CallerToken, TokenRefused, shows_token};
use crate::caller::Caller;
use crate::csrf;
use crate::error::ApiError;
use crate::sessions::{ActiveSession, Use};

/// On whose behalf a service is called. Only [`admit`] makes one.
#[derive(Debug)]
pub(super) enum Principal {
    /// Whoever it is, the service is told nothing.
    Nobody,
    /// A user, by the cookie.
    Session(Box<ActiveSession>),
    /// Whoever the caller's own token speaks for.
    Bearer(Box<CallerToken>),
}

/// What a service is told of a user; every value may stand in a header.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Identity<'a> {
    pub(super) user_id: &'a [u8],
    pub(super) tenant_id: &'a [u8],
    pub(super) tenant_slug: &'a [u8],
    pub(super) master_flags: &'a [u8],
}

impl Principal {
    /// Who it is; `None` for nobody.
    pub(super) fn identity(&self) -> Option<Identity<'_>> {
        match self {
            Self::Nobody => None,
            Self::Session(session) => Some(Identity {
                user_id: session.edge.user_id(),
                tenant_id: session.edge.tenant_id(),
                tenant_slug: session.edge.tenant_slug(),
                master_flags: session.edge.master_flags(),
            }),
            Self::Bearer(token) => {
                Some(Identity { user_id: token.user_id_text.as_bytes(), ..Identity::default() })
            }
        }
    }

    /// The session that it holds good for, where there is one.
    pub(super) fn session_key(&self) -> Option<StoreKey> {
        match self {
            Self::Nobody | Self::Bearer(_) => None,
            Self::Session(session) => Some(session.key),
        }
    }

    /// Whether it is a browser's session.
    pub(super) const fn is_session(&self) -> bool {
        matches!(self, Self::Session(_))
    }

    /// Whether somebody is known, whose data no shared cache may keep.
    pub(super) const fn is_known(&self) -> bool {
        !matches!(self, Self::Nobody)
    }
}

/// Lets a request through to its route, or says why not.
///
/// # Errors
/// [`ApiError`], by what is missing.
pub(super) async fn admit(
    app: &Arc<App>,
    caller: &Caller,
    head: &Parts,
    route: &Route,
) -> Result<Principal, ApiError> {
    match route.auth {
        Auth::None => Ok(Principal::Nobody),
        Auth::Bearer => by_token(app, caller, head, route).await,
        // Who shows a token is judged by it alone: nobody falls back to a cookie.
        Auth::Hybrid if shows_token(&head.headers) => by_token(app, caller, head, route).await,
        Auth::Session | Auth::Optional | Auth::Hybrid => by_cookie(app, caller, head, route).await,
    }
}

/// No browser sends a token by itself, so nothing is asked about the origin.
async fn by_token(
    app: &App,
    caller: &Caller,
    head: &Parts,
    route: &Route,
) -> Result<Principal, ApiError> {
    // The proof of a bound token is for our URL, so the service could not be shown that token.
    let exchanges = matches!(route.service.token, ServiceToken::Exchange(_));
    let origin = proof_origin(caller).filter(|_| exchanges);
    let asked = Asked { idps: &route.idps, origin };
    let token = app.bearers.check(head, asked).await?;
    let holds = |held: &[String], name: &str| held.iter().any(|one| one == name);
    let has_scopes = route.scopes.allow(|name| holds(&token.scopes, name));
    if !has_scopes || !route.roles.allow(|name| holds(&token.roles, name)) {
        return Err(TokenRefused::insufficient(&route.scopes.names()).into());
    }
    if !token.user_id.is_empty() {
        let user = IndexKey::user(&caller.tenant.id, &token.issuer, &token.user_id);
        if !app.flags(&user).await?.is_good() {
            return Err(ApiError::Suspended);
        }
    }
    Ok(Principal::Bearer(Box::new(token)))
}

/// The origin that proofs are made for: one of those that the configuration names.
fn proof_origin(caller: &Caller) -> Option<&Origin> {
    let site = &caller.tenant.site;
    let request = caller.origin.as_ref().filter(|_| site.dynamic_callback);
    site.public_origin(request)
}

/// With every check that a cookie-authenticated call must pass.
async fn by_cookie(
    app: &Arc<App>,
    caller: &Caller,
    head: &Parts,
    route: &Route,
) -> Result<Principal, ApiError> {
    let headers: &HeaderMap = &head.headers;
    let network = &app.config.network;
    csrf::check_origin(headers, caller.origin.as_ref(), &caller.tenant.site.cors_origins)?;
    let Some(session) = app.session(headers, caller, Use::Slides).await? else {
        return match route.auth {
            Auth::Optional | Auth::None => Ok(Principal::Nobody),
            Auth::Session | Auth::Bearer | Auth::Hybrid => {
                Err(ApiError::Unauthenticated("no_session"))
            }
        };
    };
    if asks_for_upgrade(headers) {
        csrf::check_websocket(headers)?;
    } else {
        csrf::check_token(
            headers,
            &head.method,
            &network.csrf_header,
            route.strict_csrf,
            &app.config.session_keys,
            &session.id,
        )?;
    }
    let edge = &session.edge;
    let has_scope =
        |name: &str| edge.scopes().split(|byte| *byte == b' ').any(|one| one == name.as_bytes());
    let has_role = |name: &str| header_text::decode_list(edge.roles()).any(|one| one == name);
    if route.scopes.allow(has_scope) && route.roles.allow(has_role) {
        Ok(Principal::Session(Box::new(session)))
    } else {
        Err(ApiError::InsufficientScope)
    }
}
