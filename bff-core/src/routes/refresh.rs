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
use crate::limits::Subject;
use crate::sessions::Use;

/// The session as it is afterwards.
pub(crate) async fn refresh(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let network = &app.config.network;
    csrf::check_origin(&headers, caller.origin.as_ref(), &caller.tenant.site.cors_origins)?;
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
    let rule = caller.tenant.rate_limits.session.as_ref();
    app.limiter.admit(rule, &caller.tenant.id, Subject::Session(&session.key)).await?;
    app.renewed_tokens(&session).await?;
    let session = app.session_by_id(session.id).await?;
    let mut session = session.ok_or(ApiError::Unauthenticated("session_gone"))?;
    // The slide of this use may still be on its way to the store.
    session.edge = session.edge.after_use(app.now());
    Ok(json_response(&describe(&app, &session)?))
}
