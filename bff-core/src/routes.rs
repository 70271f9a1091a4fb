//! Owns: the table of the BFF's own endpoints (DESIGN section 5) and what they share.

pub(crate) mod callback;
pub(crate) mod health;
pub(crate) mod jwks;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod refresh;
pub(crate) mod session;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use crate::app::App;
use crate::error::ApiError;

/// Longest form that an endpoint of our own reads.
const FORM_MAX: usize = 64 * 1024;

/// All endpoints; what none of them takes is for the proxy.
pub(crate) fn table() -> Router<Arc<App>> {
    Router::new()
        .route("/auth/login", get(login::login))
        .route("/auth/callback", get(callback::by_query).post(callback::by_form))
        .route("/auth/logout", get(logout::by_link).post(logout::by_post))
        .route("/api/auth/logout", get(logout::by_link).post(logout::by_post))
        .route("/api/auth/session", get(session::session))
        .route("/api/auth/refresh", post(refresh::refresh))
        .route("/.well-known/jwks.json", get(jwks::jwks))
        .route("/health", get(health::health))
        .method_not_allowed_fallback(|| async { ApiError::MethodNotAllowed })
        .layer(DefaultBodyLimit::max(FORM_MAX))
}
