//! `POST /api/auth/refresh`: extends the session; refreshes tokens if they are due.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, Method};

use super::session::{describe, json_response};
use crate::app::App;
use crate::caller::Caller;
use crate::csrf;
use crate::error::ApiError;
use crate::sessions::Use;

/// The session as it is afterwards.
pub(crate) async fn refresh(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let network = &app.config.network;
    csrf::check_origin(&headers, caller.origin.as_ref(), &network.cors_origins)?;
    let session = app
        .session(&headers, &caller, Use::Slides)
        .await?
        .ok_or(ApiError::Unauthenticated("no_session"))?;
    csrf::check_token(
        &headers,
        &Method::POST,
        &network.csrf_header,
        true,
        &app.config.session_keys,
        &session.id,
    )?;
    app.fresh_tokens(&session).await?;
    let now = app.session(&headers, &caller, Use::Silent).await?;
    let now = now.ok_or(ApiError::Unauthenticated("session_gone"))?;
    Ok(json_response(&describe(&app, &now)?))
}
