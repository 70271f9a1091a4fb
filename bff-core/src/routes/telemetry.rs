//! `POST /api/v1/metrics`: how the pages fare, as numbers without names (DESIGN section 5).
//!
//! Anybody may send them, so nothing is believed that could cost more than a counter: no cookie is read, no
//! text is kept, names and pages are those that the configuration lists, and numbers stay within bounds. A
//! page's last word comes by `navigator.sendBeacon`, which can set no header: `Origin` alone is asked of it,
//! and `text/plain` is as good as JSON.

mod events;

use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::response::Response;
use http::HeaderMap;
use http::header::CONTENT_TYPE;

use super::no_content;
use crate::app::App;
use crate::caller::Caller;
use crate::csrf;
use crate::error::ApiError;
use crate::limits::Subject;
use crate::metrics;
use events::Report;

/// Longest report.
pub(crate) const BODY_MAX: usize = 8 * 1024;

/// Counts what a page reports.
pub(crate) async fn report(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    csrf::check_origin(&headers, caller.origin.as_ref(), &caller.tenant.site.cors_origins)?;
    let rule = caller.tenant.rate_limits.telemetry.as_ref();
    app.limiter.admit(rule, &caller.tenant.id, Subject::Ip(caller.ip)).await?;
    let body = body.map_err(|rejection| ApiError::of_body(rejection.status()))?;
    if !is_text(&headers) {
        return Err(ApiError::UnsupportedMediaType);
    }
    let report = Report::parse(&body).map_err(ApiError::BadRequest)?;
    for event in report.events(&app.config.telemetry) {
        metrics::spa_event(&event);
    }
    Ok(no_content())
}

/// What a beacon of text or JSON is sent as.
fn is_text(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    ["application/json", "text/plain"].iter().any(|known| kind.eq_ignore_ascii_case(known))
}
