//! Owns: the table of the BFF's own endpoints (DESIGN section 5) and what they share.

pub(crate) mod backchannel;
pub(crate) mod callback;
pub(crate) mod events;
pub(crate) mod health;
pub(crate) mod jwks;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod refresh;
pub(crate) mod session;
pub(crate) mod sessions;
pub(crate) mod telemetry;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::response::Response;
use axum::routing::{delete, get, post};
use axum::{Router, middleware};
use http::header::{CACHE_CONTROL, LOCATION};
use http::{HeaderValue, StatusCode, Uri};

use crate::app::App;
use crate::error::ApiError;
use crate::proxy;
use crate::whole::whole;

/// Longest form that an endpoint of our own reads.
const FORM_MAX: usize = 64 * 1024;

/// All endpoints of a tenant.
pub(crate) fn of_tenant(app: &Arc<App>) -> Router<Arc<App>> {
    ending(app)
        .route("/auth/login", get(login::login).head(no_head))
        .route("/api/auth/session", get(session::session))
        .route("/api/auth/refresh", post(refresh::refresh))
        .route("/api/auth/events", get(events::events).head(no_head))
        .route(
            "/api/v1/metrics",
            post(telemetry::report).layer(DefaultBodyLimit::max(telemetry::BODY_MAX)),
        )
        .method_not_allowed_fallback(|| async { ApiError::MethodNotAllowed })
        .fallback(|uri: Uri| async move { not_found(uri.path()) })
        .layer(DefaultBodyLimit::max(FORM_MAX))
}

/// Those that end sessions; a login ends the one that the browser had.
fn ending(app: &Arc<App>) -> Router<Arc<App>> {
    Router::new()
        .route("/auth/callback", get(callback::by_query).post(callback::by_form).head(no_head))
        .route("/auth/logout", get(logout::by_link).post(logout::by_post).head(no_head))
        .route("/api/auth/logout", get(logout::by_link).post(logout::by_post).head(no_head))
        .route("/api/auth/sessions", get(sessions::list).delete(sessions::end_many))
        .route("/api/auth/sessions/{reference}", delete(sessions::end_one))
        .route_layer(middleware::from_fn_with_state(Arc::clone(app), whole))
}

/// Those that are the same whatever host they are asked at, and know no tenant: an issuer's token names
/// whom it is for itself.
pub(crate) fn of_nobody() -> Router<Arc<App>> {
    Router::new()
        .route(
            "/auth/backchannel-logout",
            post(backchannel::logout).layer(DefaultBodyLimit::max(backchannel::FORM_MAX)),
        )
        .route("/.well-known/jwks.json", get(jwks::jwks))
        .route("/health", get(health::health))
        .method_not_allowed_fallback(|| async { ApiError::MethodNotAllowed })
}

fn not_found(path: &str) -> ApiError {
    if proxy::is_plain(path) { ApiError::NotFound } else { ApiError::BadRequest("path_unclear") }
}

/// Who only wants to know whether a page is there begins and ends nothing.
async fn no_head() -> Response {
    no_content()
}

/// Nothing to see, and nothing done.
pub(crate) fn no_content() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// 303: never repeats a method or body (RFC 9700 section 4.12).
pub(crate) fn see_other(location: &str) -> Result<Response, ApiError> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let location = HeaderValue::try_from(location).map_err(|_| ApiError::Internal("location"))?;
    let headers = response.headers_mut();
    headers.insert(LOCATION, location);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
