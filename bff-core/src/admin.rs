//! Owns: the table of the admin listener: health and metrics, the admin API (DESIGN section 8), and what
//! `forwardauth` asks of us (`/internal/`). Who may call what is decided here and nowhere else.

mod internal;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use secrecy::{ExposeSecret as _, SecretString};
use shell::admin::Admin;
use shell::config::Settings;

use crate::app::App;

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
        let actors = listed.map(|listed| actors(listed.expose_secret())).unwrap_or(Ok(Vec::new()));
        let actors = actors.unwrap_or_else(|problem| {
            settings.problem("BFF_ADMIN_TOKENS", problem, hint);
            Vec::new()
        });
        let internal = settings.secret("BFF_INTERNAL_TOKEN");
        if actors.iter().map(|(_, token)| token).chain(&internal).any(is_short) {
            settings.warn(
                "BFF_ADMIN_TOKENS or BFF_INTERNAL_TOKEN holds a token of less than 32 characters: \
                 whoever guesses it gets at every session",
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
    Router::new()
        .fallback(move |request: Request| {
            let admin = admin.clone();
            async move { admin.answer(request.method(), request.uri().path()).map(Body::new) }
        })
        .merge(internal::routes(app))
        .with_state(Arc::clone(app))
}
