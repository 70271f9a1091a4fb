//! `/auth/logout`: ends the session here and at the IdP.
//!
//! By POST with the CSRF header, or by the unguessable link that `/api/auth/session` gave. A bare
//! GET asks first. The session is deleted before anything else; revocation at the IdP is tried in
//! the background and never holds the browser (bff-checklist 72-74).

use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::SET_COOKIE;
use http::{HeaderMap, Method};
use secrecy::ExposeSecret;
use serde_json::json;
use session::record::TokenPart;
use session::seal::Purpose;

use super::session::json_response;
use crate::app::App;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::oidc::{EndSession, TokenKind};
use crate::sessions::{ActiveSession, Use};
use crate::{csrf, pages};

/// With the right `lt`, signs out; without one, asks.
pub(crate) async fn by_link(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let session = app.session(&headers, &caller, Use::Silent).await?;
    let Some(session) = session else { return Ok(over(&app, &caller, &headers, None)) };
    match logout_tag(query.as_deref().unwrap_or_default()) {
        None => {
            let tag = app.config.session_keys.tag(Purpose::Logout, session.id.expose().as_bytes());
            let action = format!("/auth/logout?lt={}", URL_SAFE_NO_PAD.encode(tag));
            Ok(pages::confirm_logout(&action))
        }
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
    let body = body.map_err(|_| ApiError::BadRequest("body_unreadable"))?;
    let network = &app.config.network;
    csrf::check_origin(&headers, caller.origin.as_ref(), &network.cors_origins)?;
    let session = app.session(&headers, &caller, Use::Silent).await?;
    let Some(session) = session else { return Ok(over(&app, &caller, &headers, None)) };
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
    let tokens = app.tokens(session).ok();
    app.end(session, "logout").await?;
    let end_session = match &tokens {
        Some(tokens) => end_session_url(app, caller, tokens).await,
        None => None,
    };
    if let Some(tokens) = tokens {
        revoke_in_background(app, tokens);
    }
    Ok(over(app, caller, headers, end_session.as_deref()))
}

/// `None` where the IdP has no such endpoint, or cannot be asked: then we are simply signed out.
async fn end_session_url(app: &App, caller: &Caller, tokens: &TokenPart) -> Option<String> {
    let network = &app.config.network;
    let origin = network.default_origin.as_ref().or(caller.origin.as_ref());
    let back = match &network.post_logout_redirect_uri {
        Some(uri) => Some(uri.clone()),
        None => origin.map(|origin| format!("{origin}/auth/login")),
    };
    let request = EndSession {
        id_token_hint: tokens.id_token.as_ref().map(ExposeSecret::expose_secret),
        post_logout_redirect_uri: back.as_deref(),
        state: None,
    };
    let url = app.relying_party.end_session_url(&request, app.now()).await;
    url.ok().flatten().map(String::from)
}

fn revoke_in_background(app: &Arc<App>, tokens: TokenPart) {
    let app = Arc::clone(app);
    app.shutdown.clone().spawn(async move {
        let now = app.now();
        let refresh = tokens.refresh_token.iter().map(|token| (token, TokenKind::Refresh));
        let access = std::iter::once((&tokens.access_token, TokenKind::Access));
        for (token, kind) in refresh.chain(access) {
            if let Err(error) = app.relying_party.revoke(token, kind, now).await {
                tracing::warn!(reason = error.reason(), "token not revoked at the IdP");
            }
        }
    });
}

/// The session is over: takes the cookie away and says where to go. A script gets the address as
/// JSON.
fn over(app: &App, caller: &Caller, headers: &HeaderMap, end_session: Option<&str>) -> Response {
    let wants_json = headers
        .get(http::header::ACCEPT)
        .is_some_and(|accept| accept.as_bytes().starts_with(b"application/json"));
    let mut response = if wants_json && !caller.navigates {
        json_response(&json!({ "authenticated": false, "end_session_url": end_session }))
    } else {
        end_session.map_or_else(pages::signed_out, pages::leaving)
    };
    for cookie in app.config.cookies.clear_both_forms() {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}
