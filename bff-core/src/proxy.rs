//! Owns: the API proxy: from a routed request to a service's answer.
//!
//! Only what `routes.yaml` lists is reachable; whatever the browser claimed about identity stays behind.
//! `forward` calls the steps in their order; each is a module that calls none of the others.

mod admit;
mod bound;
mod credential;
mod guard;
mod headers;
mod limit;
mod onward;
mod path;
mod routes;
mod sign;
mod table;
mod upload;
mod upstream;
mod websocket;

use std::sync::Arc;
use std::time::Instant;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::ALLOW;
use http::request::Parts;
use http::{Request, StatusCode, Uri};
use url::Url;

pub use routes::Routes;
pub use table::RouteTable;
pub use upstream::Upstream;

use crate::app::App;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::streams::{Kind, Place};
use crate::{loops, metrics};
use path::PlainPath;
use table::{Matched, Route};
use websocket::Handshake;

/// Marks an answer that a service gave: what it says of caches and embedding is its own word.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OfService;

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
    let routes = app.config.routes.load();
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
    let response = forward(&app, &caller, head, body, &matched).await.map(|mut response| {
        response.extensions_mut().insert(OfService);
        response
    });
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
    mut head: Parts,
    body: Body,
    matched: &Matched,
) -> Result<Response, ApiError> {
    let (route, cookies) = (&matched.route, &caller.tenant.cookies);
    let handshake = websocket::handshake(&mut head, route.websocket)?;
    let principal = admit::admit(app, caller, &head, route).await?;
    limit::limit(app, caller, route, &principal).await?;
    let credential = credential::credential(app, caller, &principal, &route.service).await?;
    let is_counting = principal.is_session() && loops::is_counting(&head.headers, cookies);
    let session = principal.session_key();
    let socket = match handshake {
        Some(handshake) => Some((handshake, app.streams.take(app, Kind::WebSocket, session)?)),
        None => None,
    };
    let mut request =
        onward::onward(app, caller, head, body, matched, &principal, credential.as_ref()).await?;
    let url = request.uri().clone();
    if socket.is_some() {
        websocket::put_upgrade(request.headers_mut());
    }
    let signing = &route.service.signing;
    let request = sign::sign(signing, request, route.idle_timeout, app.now()).await?;
    let mut response = app.upstream.send(route, request).await?;
    note_nonce(caller, &url, &mut response);
    let has_switched = switched(app, route, socket, &mut response)?;
    headers::clean_response(response.headers_mut(), cookies.name(), principal.is_known());
    if is_counting {
        loops::forget(&mut response, cookies);
    }
    if has_switched {
        websocket::put_upgrade(response.headers_mut());
        return Ok(response);
    }
    guard::guard(app, session, route.idle_timeout, response)
}

/// Whether the service has switched protocols, which it may only where it was asked.
fn switched(
    app: &Arc<App>,
    route: &Route,
    socket: Option<(Handshake, Place)>,
    response: &mut Response,
) -> Result<bool, ApiError> {
    let has_switched = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    let joined = match socket {
        Some((handshake, place)) => handshake.join(app, place, route.idle_timeout, response),
        None if has_switched => Err("switched_unasked"),
        None => Ok(()),
    };
    joined.map(|()| has_switched).map_err(|reason| {
        let service = route.service.name.clone();
        tracing::warn!(service, reason, "service failed");
        ApiError::UpstreamUnreachable { service }
    })
}

/// Keeps the nonce of a service, a matter between it and us (RFC 9449 section 9).
fn note_nonce(caller: &Caller, url: &Uri, response: &mut Response) {
    let Some(nonce) = response.headers_mut().remove("dpop-nonce") else { return };
    if let (Ok(url), Ok(nonce)) = (Url::parse(&url.to_string()), nonce.to_str()) {
        caller.tenant.providers.main().note_resource_nonce(&url, nonce);
    }
}
