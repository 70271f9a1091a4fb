//! Owns: the API proxy: from a routed request to a service's answer.
//!
//! Only what `routes.yaml` lists is reachable; whatever the browser claimed about identity stays behind.
//! `forward` calls the steps in their order; each is a module that calls none of the others.

mod admit;
mod body;
mod bound;
mod challenge;
mod credential;
mod guard;
mod headers;
mod inject;
mod lasting;
mod limit;
mod onward;
mod path;
mod renew;
mod routes;
mod shape;
mod sign;
mod table;
mod upload;
mod upstream;
mod websocket;

use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::ALLOW;
use http::request::Parts;
use http::{Request, StatusCode, Uri};
use shell::traces;
use tokio::time::Instant;
use url::Url;

pub use routes::Routes;
pub(crate) use table::Clients;
pub use table::RouteTable;
#[cfg(test)]
pub(crate) use table::RoutesFile;
pub use upstream::Upstream;

use crate::app::App;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::loops;
use crate::step_up::StepUp;
use crate::streams::{Kind, Place};
use admit::Principal;
use body::Outgoing;
use challenge::Challenge;
use credential::Credential;
use inject::Injected;
use path::PlainPath;
use table::{Matched, Route};
use websocket::Handshake;

/// Whether `path` has one meaning, for us and whoever reads it before and after us.
pub(crate) fn is_plain(path: &str) -> bool {
    PlainPath::parse(path).is_some()
}

/// Answers everything that is no endpoint of our own.
///
/// # Errors
/// An answer of ours that carries an [`ApiError`]; what is `Ok` is the service's.
pub(crate) async fn proxy(
    app: &Arc<App>,
    caller: &Caller,
    request: Request<Body>,
) -> Result<Response, Response> {
    let begun = Instant::now();
    let (head, body) = request.into_parts();
    let Some(path) = PlainPath::parse(head.uri.path()) else {
        return Err(ApiError::BadRequest("path_unclear").into_response());
    };
    let routes = app.config.routes.load();
    let matched = match routes.find(&caller.tenant.id, path, &head.method) {
        Ok(matched) => matched,
        Err(error) => {
            let mut response = error.into_response();
            if let Some(allowed) = routes.allowed(&caller.tenant.id, path) {
                response.headers_mut().insert(ALLOW, allowed);
            }
            return Err(response);
        }
    };
    if let Some(current) = app.tracer.as_ref().and_then(|_| traces::current()) {
        current.name_route(|| matched.route.path.clone());
    }
    let answer = forward(app, caller, head, body, &matched).await;
    let status = answer.as_ref().map_or_else(ApiError::status, Response::status);
    matched.route.told().record(status, begun.elapsed());
    answer.map_err(IntoResponse::into_response)
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
    let method = head.method.clone();
    if route.shaping.is_some() {
        shape::prepare(&mut head.headers);
    }
    let (injected, body) = inject::inject(app, caller, &principal, matched, head, body).await?;
    let call = Call { app, caller, injected: &injected, matched, principal: &principal };
    let upload = lasting::place(app, session, &body)?;
    // In its place: it is kilobytes large, and every move of it would be paid by every request.
    let made = std::pin::pin!(call.made(body, credential, socket.is_some()));
    let mut response = lasting::while_it_lives(upload, made).await?;
    let has_switched = switched(app, route, socket, &mut response)?;
    if let (Some(shaping), false) = (&route.shaping, has_switched) {
        response = shape::shape(shaping, &route.service, caller, &method, response).await?;
    }
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

/// A call to a service: everything about it that stays the same if it is made again.
struct Call<'a> {
    app: &'a Arc<App>,
    caller: &'a Caller,
    injected: &'a Injected,
    matched: &'a Matched,
    principal: &'a Principal,
}

impl Call<'_> {
    /// Makes it, and once more for a nonce, and once more for a token, where the service asks for them and
    /// the body is at hand (bff-checklist 29 to 31, 69, 70).
    async fn made(
        &self,
        body: Body,
        mut credential: Option<Credential>,
        is_socket: bool,
    ) -> Result<Response, ApiError> {
        let service = &self.matched.route.service;
        let mut body = match credential {
            Some(_) => Outgoing::of(body, self.matched.route.idle_timeout).await?,
            None => Outgoing::Passing(Some(body)),
        };
        let (mut asked_for_nonce, mut asked_for_token) = (false, false);
        loop {
            let (response, has_nonce) =
                self.once(body.take(), credential.as_ref(), is_socket).await?;
            let Some(shown) = &credential else { return Ok(response) };
            match challenge::read(&response) {
                Some(Challenge::Nonce) if shown.is_bound() => {
                    let name = service.name.clone();
                    if asked_for_nonce || !has_nonce {
                        let (code, reason) = ("dpop_nonce_loop", "dpop_nonce_loop");
                        return Err(ApiError::ServiceToken { service: name, code, reason });
                    }
                    if !body.is_held() {
                        return Err(ApiError::AskAgain { service: name });
                    }
                    asked_for_nonce = true;
                }
                Some(Challenge::Token) if body.is_held() && !asked_for_token => {
                    let (app, caller) = (self.app, self.caller);
                    let new = renew::renew(app, caller, self.principal, shown, service).await?;
                    let Some(new) = new else { return Ok(response) };
                    credential = Some(new);
                    asked_for_token = true;
                }
                Some(Challenge::StepUp(asked)) => return self.step_up(asked, response),
                _ => return Ok(response),
            }
        }
    }

    /// One attempt, and whether it brought a nonce.
    async fn once(
        &self,
        body: Body,
        credential: Option<&Credential>,
        is_socket: bool,
    ) -> Result<(Response, bool), ApiError> {
        let Self { app, caller, injected, matched, principal } = self;
        let signing = &matched.route.service.signing;
        let onward = |body| {
            let made = onward::onward(app, caller, injected, body, matched, principal, credential);
            made.map(|request| signing.names.removed_from(request))
        };
        let mut request = onward(body)?;
        let mut bound_url = None;
        if let Some(shown) = credential.filter(|shown| shown.is_bound()) {
            onward::prove(app, caller, shown, &mut request).await?;
            bound_url = Some(request.uri().clone());
        }
        if is_socket {
            websocket::put_upgrade(request.headers_mut());
        }
        let route = &matched.route;
        let request = sign::sign(signing, request, route.idle_timeout, || app.now()).await?;
        let response = app.upstream.send(route, request, || onward(Body::empty()).ok()).await?;
        let has_nonce = bound_url.is_some_and(|url| note_nonce(caller, &url, &response));
        Ok((response, has_nonce))
    }

    /// Tells the page of a login that its service asks for, and the session's other pages. Whoever comes
    /// with a token of their own is told by the service.
    fn step_up(&self, asked: StepUp, response: Response) -> Result<Response, ApiError> {
        let Principal::Session(session) = self.principal else { return Ok(response) };
        if asked.is_met(session.edge.auth_time(), session.edge.acr(), self.app.now()) {
            return Err(ApiError::StepUpInVain);
        }
        let management = self.app.management(session)?;
        self.app.tell_step_up(self.caller, session.key, &self.matched.route.service.name, &asked);
        let login_url = asked.login_url(management.provider.as_deref());
        Err(ApiError::StepUp { asked, login_url })
    }
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
fn note_nonce(caller: &Caller, url: &Uri, response: &Response) -> bool {
    let Some(nonce) = response.headers().get(headers::DPOP_NONCE) else { return false };
    let (Ok(url), Ok(nonce)) = (Url::parse(&url.to_string()), nonce.to_str()) else {
        return false;
    };
    caller.tenant.providers.main().note_resource_nonce(&url, nonce);
    true
}
