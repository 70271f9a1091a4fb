//! Owns: who may use a route: every check between a routed request and its service.

use http::HeaderMap;
use http::request::Parts;
use session::id::StoreKey;

use super::headers::asks_for_upgrade;
use super::table::{Auth, Route};
use crate::app::App;
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
        }
    }

    /// The session that it holds good for, where there is one.
    pub(super) fn session_key(&self) -> Option<StoreKey> {
        match self {
            Self::Nobody => None,
            Self::Session(session) => Some(session.key),
        }
    }

    /// Whether a person is known, whose data no shared cache may keep.
    pub(super) const fn is_known(&self) -> bool {
        !matches!(self, Self::Nobody)
    }
}

/// Lets a request through to its route, or says why not.
///
/// # Errors
/// [`ApiError`], by what is missing.
pub(super) async fn admit(
    app: &App,
    caller: &Caller,
    head: &Parts,
    route: &Route,
) -> Result<Principal, ApiError> {
    match route.auth {
        Auth::None => Ok(Principal::Nobody),
        Auth::Session | Auth::Optional => by_cookie(app, caller, head, route).await,
    }
}

/// With every check that a cookie-authenticated call must pass.
async fn by_cookie(
    app: &App,
    caller: &Caller,
    head: &Parts,
    route: &Route,
) -> Result<Principal, ApiError> {
    let headers: &HeaderMap = &head.headers;
    let network = &app.config.network;
    csrf::check_origin(headers, caller.origin.as_ref(), &caller.tenant.site.cors_origins)?;
    let Some(session) = app.session(headers, caller, Use::Slides).await? else {
        return match route.auth {
            Auth::Session => Err(ApiError::Unauthenticated("no_session")),
            Auth::Optional | Auth::None => Ok(Principal::Nobody),
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
    if route.scopes.allow(edge.scopes(), b' ') && route.roles.allow(edge.roles(), b',') {
        Ok(Principal::Session(Box::new(session)))
    } else {
        Err(ApiError::InsufficientScope)
    }
}
