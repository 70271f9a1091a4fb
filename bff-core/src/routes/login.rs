//! `GET /auth/login`: begins a login and sends the browser to the IdP.

mod left_overs;
mod query;

use std::sync::Arc;
use std::time::Instant;

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::HeaderMap;
use http::header::SET_COOKIE;
use session::shelf::Shelf as _;

use super::{no_content, see_other};
use crate::app::App;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::limits::Subject;
use crate::login_state::{LOGIN_SECONDS, LoginTicket, PendingLogin};
use crate::loops::{self, Completed};
use crate::oidc::{Exchange, LoginRequest};
use crate::sessions::{Use, keep_for};
use crate::{audit, metrics, pages, same_site};

pub(super) use left_overs::login_cookies;
use query::LoginQuery;

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
    let asked =
        LoginQuery::parse(&query, &caller.tenant.site.allowed_hosts, &app.config.login_methods)?;
    if caller.says_navigation
        && let Some(home) = query::at_home(&caller, &query, &asked)
    {
        return see_other(&home);
    }
    if caller.says_navigation && !asked.returned && same_site::is_kept_back(&caller, &headers) {
        return Ok(pages::onward(&query::returned(&query)));
    }
    let rule = caller.tenant.rate_limits.login.as_ref();
    app.limiter.admit(rule, &caller.tenant.id, Subject::Ip(caller.ip)).await?;
    if asked.returned
        && query::asks_for_a_session(&query)
        && app.session(&headers, &caller, Use::Silent).await?.is_some()
    {
        return see_other(asked.return_to.as_str());
    }
    let completed = Completed::of(&headers, &caller.tenant.cookies);
    let is_loop = completed.is_loop(app.now()) && !asked.retries;
    if is_loop && !keeps_its_session(&app, &caller, &headers).await {
        let error = ApiError::LoginLoop { retry: query::retry(&query, &asked) };
        failed(&caller, &error);
        return Err(error);
    }
    let completed = if asked.retries { Completed::default() } else { completed };
    let answer = begin(&app, &caller, &asked, completed).await;
    metrics::login_stage("begin", begun.elapsed());
    let mut response = answer.inspect_err(|error| failed(&caller, error))?;
    if asked.retries {
        loops::forget(&mut response, &caller.tenant.cookies);
    }
    left_overs::take_away(&app, &caller, &headers, &mut response);
    Ok(response)
}

/// Tells of a login that led to no session.
pub(super) fn failed(caller: &Caller, error: &ApiError) {
    metrics::login_failed(error.login_failure());
    audit::login_failed(caller, error.reason());
}

/// Whether a program, and no browser, brings a session back that works. A browser may be sent here by
/// verify, which takes that session for none; nobody sends a program anywhere.
async fn keeps_its_session(app: &Arc<App>, caller: &Caller, headers: &HeaderMap) -> bool {
    let browser = caller.says_navigation || caller.is_script;
    !browser && matches!(app.session(headers, caller, Use::Silent).await, Ok(Some(_)))
}

async fn begin(
    app: &Arc<App>,
    caller: &Caller,
    asked: &LoginQuery,
    completed: Completed,
) -> Result<Response, ApiError> {
    let provider = asked.idp.as_deref();
    let party = caller.tenant.providers.get(provider).ok_or(ApiError::BadRequest("idp_unknown"))?;
    let redirect_uri = redirect_uri(caller)?;
    let keys = &app.config.session_keys;
    let ticket = LoginTicket::fresh(&caller.tenant.id, keys, &*app.random, app.now());
    let services = match party.config().exchange {
        Exchange::Resource => app.config.routes.load().services_with_tokens(&caller.tenant.id),
        Exchange::Auto | Exchange::Always => Vec::new(),
    };
    let request = LoginRequest {
        redirect_uri: &redirect_uri,
        state: ticket.state().as_str(),
        hints: &asked.hints,
        services: &services,
    };
    let login = party.begin_login(&request, app.now()).await?;
    let pending = PendingLogin {
        secrets: login.secrets,
        return_to: asked.return_to.clone(),
        provider: provider.map(str::to_owned),
        completed,
    };
    let sealed = ticket.seal(keys, &pending, &*app.random)?;
    app.store.put_login(ticket.suffix(), sealed, keep_for(LOGIN_SECONDS)).await?;

    let seconds = i64::try_from(LOGIN_SECONDS).unwrap_or(i64::MAX);
    let cookie = caller.tenant.cookies.login(&ticket, seconds);
    let mut response = see_other(login.url.as_str())?;
    response.headers_mut().append(SET_COOKIE, cookie.ok_or(ApiError::Internal("cookie"))?);
    Ok(response)
}

fn redirect_uri(caller: &Caller) -> Result<String, ApiError> {
    let origin = caller.tenant.site.public_origin(caller.origin.as_ref());
    let origin = origin.ok_or(ApiError::BadRequest("host_not_served"))?;
    Ok(format!("{origin}/auth/callback"))
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
