//! Owns: the table of the admin listener: health and metrics, the admin API (DESIGN section 8), and what
//! `forwardauth` asks of us (`/internal/`). Who may call what is decided here and nowhere else.

mod access;
mod digest;
mod gate;
mod internal;
mod revocations;
mod users;

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Request};
use axum::routing::{delete, get, post, put};
use axum::{Router, middleware};
use serde::de::DeserializeOwned;
use shell::admin::Admin;

pub use access::Access;

use crate::app::App;
use crate::error::ApiError;
use crate::whole::whole;

/// Longest body that the admin API reads.
const BODY_MAX: usize = 16 * 1024;

/// Everything that the admin listener serves.
pub fn router(app: &Arc<App>, admin: Admin) -> Router {
    let router = Router::new().fallback(move |request: Request| {
        let admin = admin.clone();
        async move { admin.answer(request.method(), request.uri().path()).map(Body::new) }
    });
    let router = if app.config.access.administrators() == 0 {
        router
    } else {
        router.nest("/admin", table(app))
    };
    router.merge(internal::routes(app)).with_state(Arc::clone(app))
}

/// The admin API. Nothing of it answers, not even that it is not there, before somebody is known to be
/// an administrator. What it begins it ends, though who asked hangs up.
fn table(app: &Arc<App>) -> Router<Arc<App>> {
    Router::new()
        .route("/users/{id}/sessions", get(users::sessions).delete(users::end_sessions))
        .route("/users/{id}/flags", put(users::set_flags))
        .route("/sessions/{reference}", delete(revocations::end_session))
        .route("/revocations", post(revocations::revoke))
        .route("/config", get(digest::config))
        .route_layer(middleware::from_fn_with_state(Arc::clone(app), whole))
        .fallback(|| async { ApiError::NotFound })
        .method_not_allowed_fallback(|| async { ApiError::MethodNotAllowed })
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(middleware::from_fn_with_state(Arc::clone(app), gate::guard))
}

/// A body that is a JSON object, whatever type it says it is of.
fn read_json<T: DeserializeOwned>(body: Result<Bytes, BytesRejection>) -> Result<T, ApiError> {
    let body = body.map_err(|_| ApiError::BadRequest("body_unreadable"))?;
    // serde takes a JSON array for a struct as well.
    let object = body.trim_ascii_start().starts_with(b"{").then_some(&body);
    object
        .and_then(|body| serde_json::from_slice(body).ok())
        .ok_or(ApiError::BadRequest("body_invalid"))
}
