//! `GET /auth/login`: begins a login and sends the browser to the IdP.

use std::sync::Arc;
use std::time::Instant;

use axum::Extension;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::header::{CACHE_CONTROL, LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderValue, StatusCode};
use session::shelf::Shelf as _;

use super::no_content;
use crate::app::App;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::login_state::{LOGIN_SECONDS, LOGINS_PER_BROWSER, LoginCookie, LoginState, LoginTicket};
use crate::metrics;
use crate::oidc::{LoginHints, LoginRequest};
use crate::return_to::ReturnTo;
use crate::sessions::keep_for;

/// Most login cookies that one answer takes away.
const CLEARED_MAX: usize = 50;

/// Begins a login. A prefetch begins nothing (bff-checklist 14).
pub(crate) async fn login(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let begun = Instant::now();
    if is_prefetch(&headers) {
        return Ok(no_content());
    }
    let query = query.unwrap_or_default();
    let hints = LoginHints::from_query(&query)?;
    let return_to = return_to(&query, &app.config.network.allowed_hosts)?;
    let redirect_uri = redirect_uri(&app, &caller)?;

    let ticket = LoginTicket::fresh(&app.config.session_keys, &*app.random, app.now());
    let request =
        LoginRequest { redirect_uri: &redirect_uri, state: ticket.state().as_str(), hints: &hints };
    let login = app.providers.main().begin_login(&request, app.now()).await?;
    let sealed = ticket.seal(&app.config.session_keys, &login.secrets, &return_to, &*app.random)?;
    let name = ticket.state().as_str();
    app.store.put_login(name, sealed, keep_for(LOGIN_SECONDS)).await?;

    metrics::login_stage("begin", begun.elapsed());
    let seconds = i64::try_from(LOGIN_SECONDS).unwrap_or(i64::MAX);
    let cookie = app.config.cookies.login(&ticket, seconds);
    let mut response = see_other(login.url.as_str())?;
    let headers_out = response.headers_mut();
    headers_out.append(SET_COOKIE, cookie.ok_or(ApiError::Internal("cookie"))?);
    for suffix in abandoned(&app, &headers) {
        if let Some(clear) = app.config.cookies.clear_login(&suffix) {
            headers_out.append(SET_COOKIE, clear);
        }
    }
    Ok(response)
}

fn redirect_uri(app: &App, caller: &Caller) -> Result<String, ApiError> {
    let origin = app.config.network.public_origin(caller.origin.as_ref());
    let origin = origin.ok_or(ApiError::BadRequest("host_not_served"))?;
    Ok(format!("{origin}/auth/callback"))
}

fn return_to(query: &str, allowed_hosts: &[String]) -> Result<ReturnTo, ApiError> {
    let mut targets = url::form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| name == "return_to")
        .map(|(_, value)| value);
    match (targets.next(), targets.next()) {
        (None, _) => Ok(ReturnTo::default()),
        (Some(target), None) => Ok(ReturnTo::parse(&target, allowed_hosts)),
        (Some(_), Some(_)) => Err(ApiError::BadRequest("return_to_repeated")),
    }
}

/// The oldest of this browser's logins beyond what it may keep, no more than an answer can carry.
fn abandoned(app: &App, headers: &HeaderMap) -> Vec<String> {
    let begun_at = |value| LoginCookie::parse(value).map_or(0, |login| login.begun_at);
    let mut logins: Vec<(&str, u64)> =
        login_cookies(app, headers).map(|(suffix, value)| (suffix, begun_at(value))).collect();
    logins.sort_by_key(|(_, begun_at)| std::cmp::Reverse(*begun_at));
    let kept = LOGINS_PER_BROWSER.saturating_sub(1);
    logins.into_iter().skip(kept).take(CLEARED_MAX).map(|(suffix, _)| suffix.to_owned()).collect()
}

/// This browser's login cookies: suffix of the name, and value.
pub(super) fn login_cookies<'a>(
    app: &App,
    headers: &'a HeaderMap,
) -> impl Iterator<Item = (&'a str, &'a [u8])> + use<'a> {
    let prefix = app.config.cookies.login_prefix();
    headers
        .get_all(http::header::COOKIE)
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b';'))
        .filter_map(move |pair| {
            let rest = pair.trim_ascii().strip_prefix(prefix.as_bytes())?;
            let equals = rest.iter().position(|byte| *byte == b'=')?;
            let (suffix, value) = rest.split_at_checked(equals)?;
            Some((LoginState::parse_suffix(suffix)?, value.get(1..)?))
        })
}

fn is_prefetch(headers: &HeaderMap) -> bool {
    [
        "sec-purpose",
        "purpose",
        "x-purpose",
        "x-moz",
        "next-router-prefetch",
        "x-middleware-prefetch",
    ]
    .iter()
    .any(|name| {
        headers.get(*name).is_some_and(|value| {
            let value = value.as_bytes();
            value == b"1" || value.windows(8).any(|part| part.eq_ignore_ascii_case(b"prefetch"))
        })
    })
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
