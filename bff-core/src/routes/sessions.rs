//! `/api/auth/sessions`: a user's own sessions, listed and ended (bff-checklist 47).
//!
//! A session is named by its reference, the `X-Session-ID` that services see. It opens nothing, and the
//! reference of somebody else's session names none here.

use std::sync::Arc;

use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use http::header::SET_COOKIE;
use http::{HeaderMap, Method};
use serde_json::{Value, json};
use session::id::StoreKey;

use super::no_content;
use super::session::json_response;
use crate::app::App;
use crate::caller::Caller;
use crate::csrf;
use crate::error::ApiError;
use crate::limits::Subject;
use crate::sessions::{ActiveSession, Cause, Listed, Use};

/// `GET`: my sessions, newest first.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let session = signed_in(&app, &caller, &headers, &Method::GET).await?;
    let sessions = app.sessions_of(&app.user_of(&session)?).await?;
    let told: Vec<Value> = sessions.iter().map(|listed| describe(listed, &session.key)).collect();
    Ok(json_response(&json!({ "sessions": told })))
}

fn describe(listed: &Listed, current: &StoreKey) -> Value {
    json!({
        "ref": listed.key.to_string(),
        "created_at": listed.edge.created_at(),
        "last_seen": listed.edge.last_seen(),
        "device": listed.management.device,
        "current": listed.key == *current,
    })
}

/// `DELETE /{ref}`: ends one of mine. The current one ends as by logout, but for the way to the IdP.
pub(crate) async fn end_one(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    reference: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let session = signed_in(&app, &caller, &headers, &Method::DELETE).await?;
    let Path(reference) = reference.map_err(|_| ApiError::NotFound)?;
    let key = StoreKey::parse(&reference).ok_or(ApiError::NotFound)?;
    if key == session.key {
        let ended = app.end(&session, Cause::user("logout").asked_by(&caller)).await?;
        return Ok(left(&app, &caller, &ended.unwrap_or(session), no_content()));
    }
    let user = app.user_of(&session)?;
    let listed = app.session_of(&user, &key).await?.ok_or(ApiError::NotFound)?;
    if app.end_listed_one(&listed, Cause::user("revoked").asked_by(&caller)).await? {
        Ok(no_content())
    } else {
        Err(ApiError::NotFound)
    }
}

/// `DELETE`: ends all of mine, with `except=current` all others.
pub(crate) async fn end_many(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let session = signed_in(&app, &caller, &headers, &Method::DELETE).await?;
    let spares_current = spares_current(query.as_deref().unwrap_or_default())?;
    let user = app.user_of(&session)?.index();
    let cause = Cause::user("revoked").asked_by(&caller);
    if spares_current {
        let ended = app.end_others(&user, &session.key, cause).await?;
        return Ok(json_response(&json!({ "ended": ended })));
    }
    let ended = app.end_all(&user, cause).await?;
    let response = json_response(&json!({ "ended": ended }));
    Ok(left(&app, &caller, &session, response))
}

/// A misspelt exception must not end everything.
fn spares_current(query: &str) -> Result<bool, ApiError> {
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    match (pairs.next(), pairs.next()) {
        (None, _) => Ok(false),
        (Some((name, value)), None) if name == "except" && value == "current" => Ok(true),
        _ => Err(ApiError::BadRequest("query_invalid")),
    }
}

async fn signed_in(
    app: &Arc<App>,
    caller: &Caller,
    headers: &HeaderMap,
    method: &Method,
) -> Result<ActiveSession, ApiError> {
    let network = &app.config.network;
    csrf::check_origin(headers, caller.origin.as_ref(), &caller.tenant.site.cors_origins)?;
    let purpose = if method == Method::GET { Use::Slides } else { Use::Leaves };
    let session = app.session(headers, caller, purpose).await?;
    let session = session.ok_or(ApiError::Unauthenticated("no_session"))?;
    let (header, keys) = (&network.csrf_header, &app.config.session_keys);
    csrf::check_token(headers, method, header, false, keys, &session.id)?;
    let rule = caller.tenant.rate_limits.session.as_ref();
    app.limiter.admit(rule, &caller.tenant.id, Subject::Session(&session.key)).await?;
    Ok(session)
}

/// The current session has ended: its tokens are revoked, and its cookie goes.
fn left(
    app: &Arc<App>,
    caller: &Caller,
    session: &ActiveSession,
    mut response: Response,
) -> Response {
    app.revoke_tokens_of(session);
    for cookie in caller.tenant.cookies.clear_session(caller) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}
