//! `/auth/callback`: the browser is back from the IdP.
//!
//! The order matters: our own state first, then this browser's cookie, then the store gives the
//! login away once, and only then is the IdP's answer looked at and its code spent.

use std::sync::Arc;
use std::time::Instant;

use axum::Extension;
use axum::extract::rejection::RawFormRejection;
use axum::extract::{RawForm, RawQuery, State};
use axum::response::Response;
use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue, header};
use session::store::Store as _;

use super::login::see_other;
use crate::app::App;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::login_state::{LoginCookie, LoginState};
use crate::oidc::{AuthorizationResponse, LoginSecrets};
use crate::return_to::ReturnTo;
use crate::sessions::Use;
use crate::{audit, metrics};

/// The answer in the query.
pub(crate) async fn by_query(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    callback(&app, &caller, &headers, query.as_deref().unwrap_or_default()).await
}

/// The answer in a form (`response_mode=form_post`).
pub(crate) async fn by_form(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    form: Result<RawForm, RawFormRejection>,
) -> Result<Response, ApiError> {
    let RawForm(form) = form.map_err(|_| ApiError::BadRequest("form_unreadable"))?;
    let form = std::str::from_utf8(&form).map_err(|_| ApiError::BadRequest("form_not_utf8"))?;
    callback(&app, &caller, &headers, form).await
}

async fn callback(
    app: &Arc<App>,
    caller: &Caller,
    headers: &HeaderMap,
    answer: &str,
) -> Result<Response, ApiError> {
    let begun = Instant::now();
    let result = complete(app, caller, headers, answer).await;
    metrics::login_stage("callback", begun.elapsed());
    if let Err(error) = &result {
        audit::login_failed(caller, error.reason());
    }
    result
}

async fn complete(
    app: &Arc<App>,
    caller: &Caller,
    headers: &HeaderMap,
    answer: &str,
) -> Result<Response, ApiError> {
    let response = AuthorizationResponse::parse(answer)?;
    let state = response.state().ok_or(ApiError::Login("state_missing"))?;
    let state = LoginState::parse(state, &app.config.session_keys)
        .ok_or(ApiError::Login("state_invalid"))?;
    let cookie = login_cookie(app, headers, &state);
    let sealed = match &cookie {
        None => None,
        Some(_) => app.store.take_login(state.as_str()).await?,
    };
    let (Some(cookie), Some(sealed)) = (cookie, sealed) else {
        return again(app, caller, headers).await;
    };
    let (secrets, return_to) = cookie
        .open(&app.config.session_keys, &state, &sealed)
        .map_err(|_| ApiError::Login("other_browser"))?;
    sign_in(app, caller, headers, response, secrets, &state, &return_to).await
}

async fn sign_in(
    app: &Arc<App>,
    caller: &Caller,
    headers: &HeaderMap,
    response: AuthorizationResponse,
    secrets: LoginSecrets,
    state: &LoginState,
    return_to: &ReturnTo,
) -> Result<Response, ApiError> {
    let login = app.relying_party.finish_login(response, secrets, app.now()).await?;
    let id = app.begin_session(&login, caller).await?;
    replace_old_session(app, caller, headers).await;

    let mut response = see_other(return_to.as_str())?;
    let cookie = app.config.cookies.session(&id).ok_or(ApiError::Internal("cookie"))?;
    response.headers_mut().append(SET_COOKIE, cookie);
    if let Some(clear) = app.config.cookies.clear_login(state.suffix()) {
        response.headers_mut().append(SET_COOKIE, clear);
    }
    Ok(response)
}

/// A new login ends the session that this browser had (bff-checklist 15). It may fail: the browser
/// forgets that session's cookie in any case.
async fn replace_old_session(app: &Arc<App>, caller: &Caller, headers: &HeaderMap) {
    if let Ok(Some(old)) = app.session(headers, caller, Use::Silent).await
        && let Err(error) = app.end(&old, "replaced").await
    {
        tracing::warn!(reason = error.reason(), "replaced session left to expire");
    }
}

/// A callback whose login is over, or that belongs to another browser. Who is signed in already
/// goes on instead of seeing an error (bff-checklist 12).
async fn again(app: &Arc<App>, caller: &Caller, headers: &HeaderMap) -> Result<Response, ApiError> {
    match app.session(headers, caller, Use::Silent).await? {
        Some(_) => see_other("/"),
        None => Err(ApiError::Login("login_unknown")),
    }
}

fn login_cookie(app: &App, headers: &HeaderMap, state: &LoginState) -> Option<LoginCookie> {
    let name = app.config.cookies.login_name(state.suffix());
    let mut found = headers
        .get_all(header::COOKIE)
        .iter()
        .map(HeaderValue::as_bytes)
        .flat_map(|line| line.split(|byte| *byte == b';'))
        .filter_map(|pair| pair.trim_ascii().strip_prefix(name.as_bytes())?.strip_prefix(b"="));
    let first = found.next()?;
    if found.next().is_some() { None } else { LoginCookie::parse(first) }
}
