//! `GET /health`: whether everything that we depend on works.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde_json::json;

use super::session::json_response;
use crate::app::App;

/// 200 `healthy`, or 503 `degraded`.
pub(crate) async fn health(State(app): State<Arc<App>>) -> Response {
    let checks = app.checks().await;
    let word = |works: bool| if works { "healthy" } else { "unavailable" };
    let mut response = json_response(&json!({
        "status": if checks.healthy() { "healthy" } else { "degraded" },
        "checks": { "redis": word(checks.redis), "idp": word(checks.idp) },
        "timestamp": timestamp(app.now()),
    }));
    if !checks.healthy() {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    response
}

/// RFC 3339, in UTC.
fn timestamp(seconds: u64) -> Option<String> {
    let seconds = i64::try_from(seconds).ok()?;
    let time = cookie::time::OffsetDateTime::from_unix_timestamp(seconds).ok()?;
    Some(format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    ))
}

#[cfg(test)]
mod tests {
    #[test]
    fn timestamps_are_rfc_3339() {
        assert_eq!(super::timestamp(1_700_000_000).unwrap(), "2023-11-14T22:13:20Z");
    }
}
