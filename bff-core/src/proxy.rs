//! Owns: the API proxy: from a routed request to a service's answer.
//!
//! Route, origin, session, CSRF header, tokens, headers, service, in this order. Only what
//! `routes.yaml` lists is reachable; whatever the browser claimed about identity stays behind.

mod headers;
mod path;
mod table;
mod upstream;

use std::sync::Arc;
use std::time::Instant;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::Request;
use http::header::ALLOW;
use http::request::Parts;

pub use table::RouteTable;
pub use upstream::Upstream;

use crate::app::App;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::sessions::{ActiveSession, Use};
use crate::{csrf, loops, metrics};
use headers::Identity;
use path::PlainPath;
use table::{Auth, Matched};

/// Answers everything that is no endpoint of our own.
pub(crate) async fn proxy(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request<Body>,
) -> Response {
    let begun = Instant::now();
    let (head, body) = request.into_parts();
    let Some(path) = PlainPath::parse(head.uri.path()) else {
        return ApiError::BadRequest("path_unclear").into_response();
    };
    let routes = &app.config.routes;
    let matched = match routes.find(&path, &head.method) {
        Ok(matched) => matched,
        Err(error) => {
            let mut response = error.into_response();
            if let Some(allowed) = routes.allowed(&path) {
                response.headers_mut().insert(ALLOW, allowed);
            }
            return response;
        }
    };
    let id = matched.route.id.clone();
    let response = forward(&app, &caller, head, body, &matched).await;
    let response = response.unwrap_or_else(|error| {
        let status = error.status();
        let mut response = error.into_response();
        *response.status_mut() = status;
        response
    });
    metrics::proxied(&id, response.status().as_u16(), begun.elapsed());
    response
}

async fn forward(
    app: &Arc<App>,
    caller: &Caller,
    head: Parts,
    body: Body,
    matched: &Matched,
) -> Result<Response, ApiError> {
    let session = admit(app, caller, &head, matched).await?;
    let identity = match &session {
        None => Identity::Nobody,
        Some(session) => Identity::User {
            edge: Box::new(session.edge.to_view()),
            tokens: app.fresh_tokens(session).await?,
        },
    };
    let signed_in = session.is_some();
    let is_counting = signed_in && loops::is_counting(&head.headers, &app.config.cookies);
    let mut response = app.upstream.send(app, caller, head, body, matched, &identity).await?;
    headers::clean_response(response.headers_mut(), app.config.cookies.name(), signed_in);
    if is_counting {
        loops::forget(&mut response, &app.config.cookies);
    }
    Ok(response)
}

/// The session that this route needs, with every check that a cookie-authenticated call must pass.
async fn admit(
    app: &App,
    caller: &Caller,
    head: &Parts,
    matched: &Matched,
) -> Result<Option<ActiveSession>, ApiError> {
    let route = &matched.route;
    if route.auth == Auth::None {
        return Ok(None);
    }
    let (headers, network) = (&head.headers, &app.config.network);
    csrf::check_origin(headers, caller.origin.as_ref(), &network.cors_origins)?;
    let Some(session) = app.session(headers, caller, Use::Slides).await? else {
        return match route.auth {
            Auth::Session => Err(ApiError::Unauthenticated("no_session")),
            Auth::Optional | Auth::None => Ok(None),
        };
    };
    csrf::check_token(
        headers,
        &head.method,
        &network.csrf_header,
        route.strict_csrf,
        &app.config.session_keys,
        &session.id,
    )?;
    let edge = &session.edge;
    if route.scopes.allow(edge.scopes(), b' ') && route.roles.allow(edge.roles(), b',') {
        Ok(Some(session))
    } else {
        Err(ApiError::InsufficientScope)
    }
}
