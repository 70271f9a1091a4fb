//! `/auth/callback`: the browser is back from the IdP.
//!
//! The order matters: our own state first, then this browser's cookie, then the store gives the
//! login away once, and only then is the IdP's answer looked at and its code spent.

use std::sync::Arc;
use std::time::Instant;

use axum::Extension;
use axum::extract::rejection::RawFormRejection;
use axum::extract::{RawForm, RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue, header};
use session::cookie::{self, SessionCookie};
use session::id::SessionId;
use session::shelf::Shelf as _;

use super::login::{failed, login_cookies};
use super::see_other;
use crate::app::App;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::limits::Subject;
use crate::login_state::{LoginCookie, LoginState, PendingLogin};
use crate::loops::Completed;
use crate::oidc::AuthorizationResponse;
use crate::sessions::{Cause, LoginAge, Use};
use crate::{metrics, pages, same_site};

/// The query of a callback that was answered and only asks where to go now.
const OVER: &str = "over";

/// The answer in the query.
pub(crate) async fn by_query(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    match query.as_deref().unwrap_or_default() {
        OVER => again(&app, &caller, &headers, true).await,
        answer => callback(&app, &caller, &headers, answer).await,
    }
}

/// The answer in a form (`response_mode=form_post`). The IdP's page posts it across sites, and
/// browsers leave `SameSite` cookies out of that; they come with a redirect by GET.
pub(crate) async fn by_form(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    form: Result<RawForm, RawFormRejection>,
) -> Result<Response, ApiError> {
    let rule = caller.tenant.rate_limits.auth_post.as_ref();
    app.limiter.admit(rule, &caller.tenant.id, Subject::Ip(caller.ip)).await?;
    let RawForm(form) = form.map_err(|rejection| ApiError::of_body(rejection.status()))?;
    let form = std::str::from_utf8(&form).map_err(|_| ApiError::BadRequest("form_not_utf8"))?;
    if login_cookies(&caller, &headers).next().is_none() {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(url::form_urlencoded::parse(form.as_bytes()));
        return see_other(&format!("/auth/callback?{}", query.finish()));
    }
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
    result.inspect_err(|error| failed(caller, error))
}

async fn complete(
    app: &Arc<App>,
    caller: &Caller,
    headers: &HeaderMap,
    answer: &str,
) -> Result<Response, ApiError> {
    let answer = AuthorizationResponse::parse(answer)?;
    let state = answer.state().ok_or(ApiError::Login("state_missing"))?;
    let state = LoginState::parse(state, &caller.tenant.id, &app.config.session_keys)
        .ok_or(ApiError::Login("state_invalid"))?;
    let cookie = login_cookie(caller, headers, &state);
    let asked = Instant::now();
    let taken = match &cookie {
        None => None,
        Some(_) => app.store.take_login(state.suffix()).await?,
    };
    let (Some(cookie), Some(taken)) = (cookie, taken) else {
        return again(app, caller, headers, false).await;
    };
    let result = match cookie.open(&app.config.session_keys, &state, &taken.sealed) {
        Ok(pending) => {
            let age = LoginAge::of(&taken, asked);
            sign_in(app, caller, headers, answer, pending, &age).await
        }
        Err(_) => Err(ApiError::Login("other_browser")),
    };
    // However it went: this login is over.
    let mut response = result.unwrap_or_else(|error| {
        failed(caller, &error);
        error.into_response()
    });
    if let Some(clear) = caller.tenant.cookies.clear_login(state.suffix()) {
        response.headers_mut().append(SET_COOKIE, clear);
    }
    Ok(response)
}

async fn sign_in(
    app: &Arc<App>,
    caller: &Caller,
    headers: &HeaderMap,
    answer: AuthorizationResponse,
    pending: PendingLogin,
    age: &LoginAge,
) -> Result<Response, ApiError> {
    let PendingLogin { secrets, return_to, provider: name, completed } = pending;
    // None but the one that the browser was sent to: a code must not reach another (RFC 9700
    // section 4.4).
    let providers = &caller.tenant.providers;
    let provider = providers.get(name.as_deref()).ok_or(ApiError::Login("provider_gone"))?;
    let login = provider.finish_login(answer, secrets, app.now()).await?;
    let id = match app.begin_session(&login, name.as_deref(), caller, age).await {
        Ok(id) => id,
        Err(error) => {
            // Nobody will ever use these.
            let tokens = login.tokens;
            app.revoke_in_background(provider, tokens.refresh_token, tokens.access_token);
            return Err(error);
        }
    };
    let mut response = same_site::lead_on(caller, headers, return_to.as_str())?;
    let cookies = &caller.tenant.cookies;
    let lines = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes);
    match cookie::find(lines, cookies.name()) {
        SessionCookie::One(old) => replace(app, caller, old).await,
        SessionCookie::Several => {
            // One that stayed behind would make the new session ambiguous at once.
            for clear in cookies.clear_session(caller) {
                response.headers_mut().append(SET_COOKIE, clear);
            }
        }
        SessionCookie::Missing | SessionCookie::Malformed => {}
    }
    let cookie = cookies.session(&id).ok_or(ApiError::Internal("cookie"))?;
    response.headers_mut().append(SET_COOKIE, cookie);
    // Others of this browser's logins may have come back since this one began; they count once.
    if completed == Completed::of(headers, cookies)
        && let Some(counted) = cookies.completed(completed.and_one(app.now()).cookie_value())
    {
        response.headers_mut().append(SET_COOKIE, counted);
    }
    Ok(response)
}

/// A new login ends the session that this browser had (bff-checklist 15), even one that this client
/// may not use: its cookie may have been stolen. Another tenant's goes on. It may fail: the browser forgets that session's
/// cookie in any case.
async fn replace(app: &App, caller: &Caller, old: SessionId) {
    let ended = match app.session_by_id(old).await {
        Ok(Some(old)) if old.edge.tenant_id() == caller.tenant.id.as_bytes() => {
            app.end(&old, Cause::user("replaced").asked_by(caller)).await.map(drop)
        }
        Ok(_) => Ok(()),
        Err(error) => Err(error),
    };
    if let Err(error) = ended {
        tracing::warn!(reason = error.reason(), "replaced session left to expire");
    }
}

/// A callback whose login is over, or that belongs to another browser. Who is signed in already
/// goes on instead of seeing an error (bff-checklist 12). `looked` where the browser was asked once more,
/// and had no reason to keep its session back.
async fn again(
    app: &Arc<App>,
    caller: &Caller,
    headers: &HeaderMap,
    looked: bool,
) -> Result<Response, ApiError> {
    match app.session(headers, caller, Use::Silent).await? {
        Some(_) => see_other("/"),
        None if !looked && same_site::is_kept_back(caller, headers) => {
            Ok(pages::onward(&format!("/auth/callback?{OVER}")))
        }
        None => Err(ApiError::Login("login_unknown")),
    }
}

/// This browser's half of the login `state`. Two cookies of the name count as none.
fn login_cookie(caller: &Caller, headers: &HeaderMap, state: &LoginState) -> Option<LoginCookie> {
    let mut found = login_cookies(caller, headers).filter(|(suffix, _)| *suffix == state.suffix());
    let (_, value) = found.next()?;
    if found.next().is_some() { None } else { LoginCookie::parse(value) }
}
