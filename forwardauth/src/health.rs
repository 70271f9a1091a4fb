//! Owns: the admin listener of verify: what every program serves there, and `/health`, which alone
//! tells of a Redis outage.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use serde_json::json;
use session::any::AnyStore;
use session::store::Store as _;
use shell::admin::Admin;
use shell::clock::Clock;
use shell::listen::{self, Limits};
use shell::shutdown::Shutdown;
use tokio::net::TcpListener;

/// The state behind the admin listener.
#[derive(Clone)]
pub(crate) struct Health {
    pub(crate) admin: Admin,
    pub(crate) store: AnyStore,
    pub(crate) clock: Arc<dyn Clock>,
    /// Longest wait for the store.
    pub(crate) deadline: Duration,
}

impl Health {
    /// Serves `listener` until `shutdown` begins: later than the traffic's, so that probes and
    /// scrapes see the drain.
    pub(crate) async fn serve(self, listener: TcpListener, shutdown: Shutdown) {
        let make = move |_: SocketAddr| {
            let health = self.clone();
            service_fn(move |request: Request<Incoming>| {
                let health = health.clone();
                async move {
                    let (method, path) = (request.method(), request.uri().path());
                    Ok::<_, Infallible>(health.answer(method, path).await)
                }
            })
        };
        listen::serve(listener, None, Limits::default(), shutdown, make).await;
    }

    async fn answer(&self, method: &Method, path: &str) -> Response<Full<Bytes>> {
        if path != "/health" || !matches!(*method, Method::GET | Method::HEAD) {
            return self.admin.answer(method, path);
        }
        let ping = tokio::time::timeout(self.deadline, self.store.ping()).await;
        let (status, word, redis) = if matches!(ping, Ok(Ok(()))) {
            (StatusCode::OK, "healthy", "up")
        } else {
            (StatusCode::SERVICE_UNAVAILABLE, "degraded", "down")
        };
        let body = json!({
            "status": word,
            "checks": { "redis": redis },
            "timestamp": self.clock.unix_seconds(),
        });
        let mut response = Response::new(Full::from(body.to_string()));
        *response.status_mut() = status;
        response.headers_mut().extend([
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ]);
        response
    }
}
