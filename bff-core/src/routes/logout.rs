//! `/auth/logout`: ends the session here and at the IdP.
//!
//! By POST with the CSRF header, or by the unguessable link that `/api/auth/session` gave. A bare
//! GET asks first. The session is deleted before anything else; revocation at the IdP is tried in
//! the background and never holds the browser (bff-checklist 72-74).

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Method};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use session::cookie::{self, SessionCookie};
use session::seal::Purpose;

use super::session::{json_response, logout_url};
use crate::app::App;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::limits::Subject;
use crate::oidc::{EndSession, LogoutRequest, RelyingParty};
use crate::sessions::{ActiveSession, Cause, Use};
use crate::{csrf, loops, pages};

/// Longest wait for the IdP's metadata, which is known but for the first moments of a process.
const IDP_PATIENCE: Duration = Duration::from_secs(1);

/// Longest address that every server between here and there takes. A hint that makes it longer goes by
/// POST; not every hint, because a POST across sites brings the IdP no `SameSite=Lax` cookie.
const URL_MAX: usize = 2_000;

/// With the right `lt`, signs out; without one, asks.
pub(crate) async fn by_link(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let session = app.session(&headers, &caller, Use::Leaves).await?;
    let Some(session) = session else { return Ok(no_session(&caller, &headers)) };
    match logout_tag(query.as_deref().unwrap_or_default()) {
        None => Ok(pages::confirm_logout(&logout_url(&app, &session))),
        Some(shown) if is_ours(&app, &session, &shown) => {
            sign_out(&app, &caller, &headers, &session).await
        }
        Some(_) => Err(ApiError::BadRequest("logout_token_invalid")),
    }
}

/// With the CSRF header, or the `lt` of the confirmation page, signs out.
pub(crate) async fn by_post(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    let rule = caller.tenant.rate_limits.auth_post.as_ref();
    app.limiter.admit(rule, &caller.tenant.id, Subject::Ip(caller.ip)).await?;
    let body = body.map_err(|rejection| ApiError::of_body(rejection.status()))?;
    let network = &app.config.network;
    csrf::check_origin(&headers, caller.origin.as_ref(), &caller.tenant.site.cors_origins)?;
    let session = app.session(&headers, &caller, Use::Leaves).await?;
    let Some(session) = session else { return Ok(no_session(&caller, &headers)) };
    let shown = logout_tag(query.as_deref().unwrap_or_default())
        .or_else(|| logout_tag(std::str::from_utf8(&body).unwrap_or_default()));
    match shown {
        Some(shown) if is_ours(&app, &session, &shown) => {}
        Some(_) => return Err(ApiError::BadRequest("logout_token_invalid")),
        None => csrf::check_token(
            &headers,
            &Method::POST,
            &network.csrf_header,
            true,
            &app.config.session_keys,
            &session.id,
        )?,
    }
    sign_out(&app, &caller, &headers, &session).await
}

/// The value of the only `lt`. Two of them count as a wrong one.
fn logout_tag(parameters: &str) -> Option<Vec<u8>> {
    let mut found = url::form_urlencoded::parse(parameters.as_bytes())
        .filter(|(name, _)| name == "lt")
        .map(|(_, value)| URL_SAFE_NO_PAD.decode(value.as_bytes()).unwrap_or_default());
    let first = found.next()?;
    Some(if found.next().is_some() { Vec::new() } else { first })
}

fn is_ours(app: &App, session: &ActiveSession, shown: &[u8]) -> bool {
    let id = session.id.expose().as_bytes();
    app.config.session_keys.tag_is_ours(Purpose::Logout, id, shown)
}

async fn sign_out(
    app: &Arc<App>,
    caller: &Caller,
    headers: &HeaderMap,
    session: &ActiveSession,
) -> Result<Response, ApiError> {
    let ended = app.end(session, Cause::user("logout").asked_by(caller)).await?;
    let session = ended.as_ref().unwrap_or(session);
    let tokens = app.tokens(session);
    let management = app.management(session);
    let provider = management.ok().and_then(|management| app.tenants.provider_of(&management));
    let end_session = match (tokens, provider) {
        (Ok(tokens), Some(provider)) => {
            let hint = tokens.id_token.as_ref().filter(|_| !session.is_elsewhere);
            let request = end_session(app, &provider, caller, headers, hint).await;
            app.revoke_in_background(&provider, tokens.refresh_token, tokens.access_token);
            request
        }
        (tokens, _) => {
            let reason = tokens.err().map_or("provider_gone", |error| error.reason());
            tracing::warn!(session = session.key.short(), reason, "tokens not revoked");
            None
        }
    };
    let mut response = signed_out(caller, headers, end_session.as_ref());
    clear_session(caller, &mut response);
    if loops::is_counting(headers, &caller.tenant.cookies) {
        loops::forget(&mut response, &caller.tenant.cookies);
    }
    Ok(response)
}

/// `None` where the IdP has no such endpoint, or does not say in time: then we are simply signed
/// out.
///
/// The ID token goes along as a hint where the browser itself follows the address, and not where a
/// script reads it: scripts hold no token.
async fn end_session(
    app: &App,
    provider: &RelyingParty,
    caller: &Caller,
    headers: &HeaderMap,
    hint: Option<&SecretString>,
) -> Option<LogoutRequest> {
    let site = &caller.tenant.site;
    let back = match &site.post_logout_redirect_uri {
        Some(uri) => Some(uri.clone()),
        None => {
            site.public_origin(caller.origin.as_ref()).map(|origin| format!("{origin}/auth/login"))
        }
    };
    let for_script = caller.is_script || wants_json(headers);
    let hint = hint.filter(|_| !for_script);
    let request = EndSession {
        id_token_hint: hint.map(ExposeSecret::expose_secret),
        post_logout_redirect_uri: back.as_deref(),
        state: None,
    };
    let asked = provider.end_session(&request, app.now());
    match tokio::time::timeout(IDP_PATIENCE, asked).await {
        Ok(Ok(request)) => request,
        Ok(Err(error)) => {
            tracing::warn!(reason = error.reason(), "session at the IdP not ended");
            None
        }
        Err(_) => {
            tracing::warn!(reason = "timeout", "session at the IdP not ended");
            None
        }
    }
}

/// Nobody is signed in. A cookie that leads nowhere is taken away; but where none was sent, one may
/// exist all the same: another site's link brings no `SameSite=Strict` cookie along, and must not
/// sign anybody out.
fn no_session(caller: &Caller, headers: &HeaderMap) -> Response {
    let mut response = signed_out(caller, headers, None);
    let lines = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes);
    if cookie::find(lines, caller.tenant.cookies.name()) != SessionCookie::Missing {
        clear_session(caller, &mut response);
    }
    response
}

fn clear_session(caller: &Caller, response: &mut Response) {
    for cookie in caller.tenant.cookies.clear_session(caller) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}

/// Says where to go. A script gets the address as JSON.
fn signed_out(
    caller: &Caller,
    headers: &HeaderMap,
    end_session: Option<&LogoutRequest>,
) -> Response {
    if wants_json(headers) && !caller.navigates {
        let url = end_session.map(|request| String::from(request.url()));
        return json_response(&json!({ "authenticated": false, "end_session_url": url }));
    }
    let Some(request) = end_session else { return pages::signed_out() };
    let url = request.url();
    if url.as_str().len() > URL_MAX {
        pages::leaving_by_form(request.endpoint().as_str(), request.parameters())
    } else {
        pages::leaving(url.as_str())
    }
}

fn wants_json(headers: &HeaderMap) -> bool {
    headers
        .get(http::header::ACCEPT)
        .is_some_and(|accept| accept.as_bytes().starts_with(b"application/json"))
}
