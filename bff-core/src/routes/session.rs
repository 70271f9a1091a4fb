//! `GET /api/auth/session`: who is signed in, for the SPA.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, SET_COOKIE, VARY};
use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};
use session::seal::Purpose;

use crate::app::App;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::limits::Subject;
use crate::sessions::{ActiveSession, Use};
use crate::{csrf, loops, user_context};

/// Always 200, unless the store is away or the session asks too often.
pub(crate) async fn session(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    csrf::check_origin(&headers, caller.origin.as_ref(), &caller.tenant.site.cors_origins)?;
    let purpose = if is_probe(query.as_deref()) { Use::Silent } else { Use::Slides };
    let (body, cookies) = match app.session(&headers, &caller, purpose).await {
        Ok(Some(session)) => {
            let rule = caller.tenant.rate_limits.session.as_ref();
            app.limiter.admit(rule, &caller.tenant.id, Subject::Session(&session.key)).await?;
            match describe(&app, &session) {
                Ok(told) => (told, Vec::new()),
                Err(ApiError::Unauthenticated(reason)) => {
                    tracing::warn!(session = session.key.short(), reason, "tokens do not open");
                    (signed_out(), Vec::new())
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None) | Err(ApiError::Binding | ApiError::Suspended | ApiError::OtherTenant) => {
            (signed_out(), Vec::new())
        }
        Err(ApiError::CookieTossing(cookies)) => (signed_out(), cookies),
        Err(error) => return Err(error),
    };
    let mut response = json_response(&body);
    let authenticated = body.get("authenticated").and_then(Value::as_bool) == Some(true);
    if authenticated && loops::is_counting(&headers, &caller.tenant.cookies) {
        loops::forget(&mut response, &caller.tenant.cookies);
    }
    for cookie in cookies {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}

/// What the browser may know of a live session.
pub(crate) fn describe(app: &Arc<App>, session: &ActiveSession) -> Result<Value, ApiError> {
    let tokens = app.tokens(session)?;
    let edge = &session.edge;
    let tenant = String::from_utf8_lossy(edge.tenant_id());
    let context = &app.config.user_context;
    let shown = user_context::for_browser(context, &tokens.context);
    let mut told = json!({
        "authenticated": true,
        "user": tokens.profile,
        "expires_at": edge.expires_at(),
        "idle_expires_at": edge.idle_deadline(),
        "csrf_token": csrf::token(&app.config.session_keys, &session.id),
        "logout_url": logout_url(app, session),
        "tenant": (!tenant.is_empty()).then_some(tenant),
    });
    if let (false, Some(told)) = (context.browser.is_empty(), told.as_object_mut()) {
        told.insert("context".to_owned(), Value::Object(shown));
    }
    if !context.browser.is_empty() {
        drop(app.reread_if_due(session, &tokens.context));
    }
    Ok(told)
}

/// A link that logs this session out, and that nobody else can guess.
pub(crate) fn logout_url(app: &App, session: &ActiveSession) -> String {
    let tag = app.config.session_keys.tag(Purpose::Logout, session.id.expose().as_bytes());
    format!("/auth/logout?lt={}", URL_SAFE_NO_PAD.encode(tag))
}

fn signed_out() -> Value {
    json!({ "authenticated": false })
}

fn is_probe(query: Option<&str>) -> bool {
    let query = query.unwrap_or_default();
    url::form_urlencoded::parse(query.as_bytes())
        .any(|(name, value)| name == "slide" && value == "false")
}

/// JSON that no cache may keep.
pub(crate) fn json_response(body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(VARY, HeaderValue::from_static("Cookie"));
    response
}
