//! Owns: the one route table, what surrounds every route, and the listeners.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use http::header;
use hyper::body::Incoming;
use hyper::service::service_fn;
use shell::admin::Admin;
use shell::listen::{self, Limits};
use shell::tls::Tls;
use tokio::net::TcpListener;
use tower::ServiceExt as _;

use crate::app::App;
use crate::caller::{Ambiguous, Caller, Requester};
use crate::error::{self, ApiError};
use crate::proxy::OfService;
use crate::{admin, audit, cors, hardening, metrics, proxy, routes};

/// Where a connection comes from, put into every request of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    pub(crate) tls: bool,
}

/// Everything that `bff` serves to browsers.
pub fn router(app: &Arc<App>) -> Router {
    routes::table()
        .fallback(proxy::proxy)
        .layer(middleware::from_fn_with_state(Arc::clone(app), of_tenant))
        .merge(routes::of_nobody())
        .layer(middleware::from_fn_with_state(Arc::clone(app), surround))
        .with_state(Arc::clone(app))
}

/// Serves `listener` until the end begins.
pub async fn serve(app: Arc<App>, listener: TcpListener) {
    let (router, tls) = (router(&app), app.config.network.tls.as_ref().map(Tls::config));
    let is_tls = tls.is_some();
    let make = move |address| {
        let router = router.clone();
        service_fn(move |mut request: http::Request<Incoming>| {
            request.extensions_mut().insert(Peer { address, tls: is_tls });
            router.clone().oneshot(request.map(Body::new))
        })
    };
    listen::serve(listener, tls, limits(), app.shutdown.clone(), make).await;
}

/// Serves the admin listener until the end begins.
pub async fn serve_admin(app: Arc<App>, admin: Admin, listener: TcpListener) {
    let tls = app.config.network.admin_tls.as_ref().map(Tls::config);
    let (router, is_tls) = (admin::router(&app, admin), tls.is_some());
    let make = move |address| {
        let router = router.clone();
        service_fn(move |mut request: http::Request<Incoming>| {
            request.extensions_mut().insert(Peer { address, tls: is_tls });
            router.clone().oneshot(request.map(Body::new))
        })
    };
    listen::serve(listener, tls, limits(), app.shutdown.clone(), make).await;
}

fn limits() -> Limits {
    Limits { max_header_bytes: 64 * 1024, ..Limits::default() }
}

/// First and last of every request: who asks, and what a failure looks like.
async fn surround(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let requester = match requester(&app, &request) {
        Ok(requester) => requester,
        Err(Ambiguous(header)) => {
            tracing::info!(header, "sent twice or unreadable");
            let failure = ApiError::BadRequest("header_ambiguous");
            return hardened(error::render(&failure, &Requester::unknown(&*app.random), false));
        }
    };
    let is_page = request.uri().path().starts_with("/auth/");
    request.extensions_mut().insert(requester.clone());
    let mut response = next.run(request).await;
    if let Some(failure) = response.extensions_mut().remove::<ApiError>() {
        if let ApiError::Csrf(reason) = failure {
            metrics::csrf_rejected(reason);
            audit::csrf_rejected(&requester, reason);
        }
        if let ApiError::RateLimited(limited) = &failure {
            let rule = limited.rule();
            metrics::rate_limited(rule);
            app.limiter.told(|unwritten| audit::rate_limited(&requester, rule, unwritten));
        }
        let mut rendered = error::render(&failure, &requester, is_page);
        keep(response.headers(), &mut rendered);
        response = rendered;
    }
    hardened(response)
}

/// Whom the request is for: only what passes here has a [`Caller`], and a host that is nobody's has none
/// (bff-checklist 79).
async fn of_tenant(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let Some(requester) = request.extensions().get::<Requester>().cloned() else {
        return ApiError::Internal("no_requester").into_response();
    };
    let Some(tenant) = app.tenants.at(requester.origin.as_ref()) else {
        return ApiError::UnknownHost.into_response();
    };
    request.extensions_mut().insert(Caller::new(requester, Arc::clone(&tenant)));
    let Some(cors) = &tenant.cors else { return next.run(request).await };
    let origin = cors.listed(request.headers());
    let mut response = match cors.preflight(&request) {
        Ok(None) => next.run(request).await,
        Ok(Some(answer)) => answer,
        Err(refused) => refused.into_response(),
    };
    cors::put(origin, response.headers_mut());
    response
}

/// What browsers are told with every answer, and with those of our own besides.
fn hardened(mut response: Response) -> Response {
    let is_service = response.extensions().get::<OfService>().is_some();
    let headers = response.headers_mut();
    hardening::every(headers);
    if !is_service {
        hardening::ours(headers);
    }
    response
}

/// Headers that were set inside, on the error's carrier: cookies, the methods of a 405, and CORS,
/// without which a script of a listed origin could not read why it was refused.
fn keep(from: &http::HeaderMap, to: &mut Response) {
    let kept = [header::VARY, header::ALLOW, header::SET_COOKIE];
    for (name, value) in from {
        if kept.contains(name) || name.as_str().starts_with("access-control-") {
            to.headers_mut().append(name.clone(), value.clone());
        }
    }
}

/// Who asks.
pub(crate) fn requester(app: &App, request: &Request) -> Result<Requester, Ambiguous> {
    let peer = request.extensions().get::<Peer>().copied();
    let unknown = Peer { address: SocketAddr::from(([0, 0, 0, 0], 0)), tls: false };
    let peer = peer.unwrap_or(unknown);
    let authority = request.uri().authority().map(http::uri::Authority::as_str);
    Requester::of(
        request.headers(),
        authority,
        peer.address,
        peer.tls,
        &app.config.clients.trusted,
        &*app.random,
    )
}
