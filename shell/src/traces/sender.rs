//! Owns: one request to the collector (OTLP/HTTP): whom it is sent to, over which TLS, for how long, and what
//! the answer means. Redirects are not followed.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER, USER_AGENT};
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;

use super::wire;

/// Longest answer that is read.
const ANSWER_MAX: usize = 64 * 1024;
/// Longest pause that a collector may ask for.
const PAUSE_MAX: Duration = Duration::from_secs(30);
const POOL_IDLE: Duration = Duration::from_secs(30);
const AGENT: &str = concat!("wicketgate/", env!("CARGO_PKG_VERSION"));

/// Where to send spans, and how.
#[derive(Clone)]
pub(super) struct Collector {
    pub(super) endpoint: Uri,
    pub(super) headers: HeaderMap,
    pub(super) tls: ClientConfig,
    pub(super) timeout: Duration,
}

impl std::fmt::Debug for Collector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { endpoint, timeout, .. } = self;
        f.debug_struct("Collector")
            .field("endpoint", endpoint)
            .field("timeout", timeout)
            .finish_non_exhaustive()
    }
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Taken, but for so many spans.
    Taken { rejected: usize },
    /// It may be taken another time, not before the pause if one is told.
    Later { reason: &'static str, pause: Option<Duration> },
    /// It never will be.
    Refused { status: u16 },
}

/// Sends batches.
pub(super) struct Sender {
    http: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    collector: Collector,
}

impl Sender {
    /// Connects to nobody yet.
    pub(super) fn new(collector: Collector) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(collector.timeout));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(collector.tls.clone())
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let http = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            .pool_max_idle_per_host(1)
            .build(connector);
        Self { http, collector }
    }

    /// Sends `body`.
    pub(super) async fn send(&self, body: Bytes) -> Outcome {
        let call = self.call(body);
        match tokio::time::timeout(self.collector.timeout, call).await {
            Ok(Ok(answer)) => outcome(&answer),
            Ok(Err(reason)) => Outcome::Later { reason, pause: None },
            Err(_) => Outcome::Later { reason: "timeout", pause: None },
        }
    }

    async fn call(&self, body: Bytes) -> Result<Response<Bytes>, &'static str> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.collector.endpoint.clone();
        let headers = request.headers_mut();
        *headers = self.collector.headers.clone();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        let response = self
            .http
            .request(request)
            .await
            .map_err(|error| if error.is_connect() { "connect" } else { "interrupted" })?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_MAX).collect().await.map_err(|_| "interrupted")?;
        Ok(Response::from_parts(head, body.to_bytes()))
    }
}

/// "OTLP/HTTP Response" of the specification.
fn outcome(answer: &Response<Bytes>) -> Outcome {
    let status = answer.status();
    match status {
        _ if status.is_success() => Outcome::Taken { rejected: wire::rejected(answer.body()) },
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Outcome::Later { reason: "busy", pause: pause(answer) },
        _ => Outcome::Refused { status: status.as_u16() },
    }
}

fn pause(answer: &Response<Bytes>) -> Option<Duration> {
    let seconds = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(PAUSE_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, retry_after: Option<&str>) -> Outcome {
        let mut answer = Response::new(Bytes::new());
        *answer.status_mut() = StatusCode::from_u16(status).unwrap();
        if let Some(seconds) = retry_after {
            answer.headers_mut().insert(RETRY_AFTER, seconds.parse().unwrap());
        }
        outcome(&answer)
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        assert_eq!(answered(200, None), Outcome::Taken { rejected: 0 });
        for status in [301, 400, 401, 404, 500] {
            assert_eq!(answered(status, None), Outcome::Refused { status });
        }
        let later = |pause| Outcome::Later { reason: "busy", pause };
        assert_eq!(answered(503, None), later(None));
        assert_eq!(answered(429, Some("7")), later(Some(Duration::from_secs(7))));
        assert_eq!(answered(429, Some("86400")), later(Some(PAUSE_MAX)));
        assert_eq!(answered(429, Some("Wed, 21 Oct 2026 07:28:00 GMT")), later(None));
    }

    #[test]
    fn an_answer_that_is_no_message_rejects_nothing() {
        for body in [&b""[..], b"{}", b"<html>", &[0xff; 9]] {
            let answer = Response::new(Bytes::copy_from_slice(body));
            assert_eq!(outcome(&answer), Outcome::Taken { rejected: 0 });
        }
    }
}
