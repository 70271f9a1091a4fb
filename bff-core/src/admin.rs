//! Owns: the table of the admin listener: health and metrics, the admin API (DESIGN section 8), and what
//! `forwardauth` asks of us (`/internal/`). Who may call what is decided here and nowhere else.

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
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use shell::admin::Admin;
use shell::config::Settings;

use crate::app::App;
use crate::error::ApiError;

/// Longest body that the admin API reads.
const BODY_MAX: usize = 16 * 1024;

/// Who may use the admin listener beyond health and metrics.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// `BFF_ADMIN_TOKENS`: name of the actor, and its token. Empty: there is no admin API.
    pub actors: Vec<(String, SecretString)>,
    /// `BFF_INTERNAL_TOKEN`: what `forwardauth` shows. `None`: there are no internal endpoints.
    pub internal: Option<SecretString>,
}

impl Access {
    /// Reads the settings, noting all problems in `settings`.
    pub(crate) fn read(settings: &mut Settings) -> Self {
        let hint = "Give name:token pairs separated by commas.";
        let listed = settings.secret("BFF_ADMIN_TOKENS");
        let actors = listed.map_or(Ok(Vec::new()), |listed| actors(listed.expose_secret()));
        let actors = actors.unwrap_or_else(|problem| {
            settings.problem("BFF_ADMIN_TOKENS", problem, hint);
            Vec::new()
        });
        let internal = settings.secret("BFF_INTERNAL_TOKEN");
        if actors.iter().map(|(_, token)| token).chain(&internal).any(is_short) {
            settings.warn(
                "BFF_ADMIN_TOKENS, BFF_INTERNAL_TOKEN",
                "hold a token of less than 32 characters: whoever guesses it gets at every session",
                "openssl rand -base64 32 makes a good one.",
            );
        }
        Self { actors, internal }
    }
}

fn is_short(token: &SecretString) -> bool {
    token.expose_secret().len() < 32
}

fn actors(listed: &str) -> Result<Vec<(String, SecretString)>, &'static str> {
    let mut actors: Vec<(String, SecretString)> = Vec::new();
    for entry in listed.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        let (name, token) = entry.split_once(':').ok_or("holds an entry without a name")?;
        let named = !name.is_empty()
            && name.len() <= 64
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-@".contains(&byte));
        if !named || actors.iter().any(|(known, _)| known == name) {
            return Err("holds a name that is empty, odd or there twice");
        }
        if token.is_empty() {
            return Err("holds an empty token");
        }
        actors.push((name.to_owned(), token.to_owned().into()));
    }
    if actors.is_empty() { Err("names nobody") } else { Ok(actors) }
}

/// Everything that the admin listener serves.
pub fn router(app: &Arc<App>, admin: Admin) -> Router {
    let router = Router::new().fallback(move |request: Request| {
        let admin = admin.clone();
        async move { admin.answer(request.method(), request.uri().path()).map(Body::new) }
    });
    let router = if app.config.access.actors.is_empty() {
        router
    } else {
        router.nest("/admin", table(app))
    };
    router.merge(internal::routes(app)).with_state(Arc::clone(app))
}

/// The admin API. Nothing of it answers, not even that it is not there, before somebody is known to be
/// an administrator.
fn table(app: &Arc<App>) -> Router<Arc<App>> {
    Router::new()
        .route("/users/{id}/sessions", get(users::sessions).delete(users::end_sessions))
        .route("/users/{id}/flags", put(users::set_flags))
        .route("/sessions/{reference}", delete(revocations::end_session))
        .route("/revocations", post(revocations::revoke))
        .route("/config", get(digest::config))
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
