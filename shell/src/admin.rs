//! Owns: what every admin listener serves: `/metrics`, `/health/live`, `/health/ready`.
//!
//! Ready means started and not draining. A Redis outage does not withdraw readiness: all replicas
//! would leave at once and none would come back faster.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Response, StatusCode};
use http_body_util::Full;

use crate::shutdown::Shutdown;
use crate::telemetry::Metrics;

/// The state behind the admin endpoints.
#[derive(Debug, Clone)]
pub struct Admin {
    /// Rendered by `/metrics`; `None` where another process owns the recorder.
    pub metrics: Option<Metrics>,
    /// Asked by `/health/ready`.
    pub shutdown: Shutdown,
}

impl Admin {
    /// The answer to `method path`.
    pub fn answer(&self, method: &Method, path: &str) -> Response<Full<Bytes>> {
        let known = matches!(path, "/metrics" | "/health/live" | "/health/ready");
        if known && !matches!(*method, Method::GET | Method::HEAD) {
            return text(StatusCode::METHOD_NOT_ALLOWED, "method not allowed\n");
        }
        match path {
            "/metrics" => self.metrics.as_ref().map_or_else(
                || text(StatusCode::NOT_FOUND, "not found\n"),
                |metrics| text(StatusCode::OK, metrics.render()),
            ),
            "/health/live" => text(StatusCode::OK, "live\n"),
            "/health/ready" if self.shutdown.is_ready() => text(StatusCode::OK, "ready\n"),
            "/health/ready" => text(StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
            _ => text(StatusCode::NOT_FOUND, "not found\n"),
        }
    }
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readiness_is_withdrawn_at_the_end_and_liveness_is_not() {
        let admin = Admin { metrics: None, shutdown: Shutdown::new() };
        let status = |path: &str| admin.answer(&Method::GET, path).status().as_u16();
        assert_eq!(status("/health/ready"), 503);
        admin.shutdown.started();
        assert_eq!((status("/health/ready"), status("/health/live")), (200, 200));
        admin.shutdown.begin();
        assert_eq!((status("/health/ready"), status("/health/live")), (503, 200));
        assert_eq!(status("/nonsense"), 404);
        assert_eq!(admin.answer(&Method::POST, "/metrics").status(), 405);
    }
}
