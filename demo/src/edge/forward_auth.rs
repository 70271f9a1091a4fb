//! Owns: the question to `ForwardAuth`, put as Traefik puts it with the shipped configuration.
//!
//! Always GET without a body, the original request in `X-Forwarded-*`; any 2xx allows, any other answer
//! goes to the client as it is, no answer is 500 (all observed with Traefik 3.7.15).

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    ACCEPT, AUTHORIZATION, COOKIE, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN, USER_AGENT,
};
use http::{Request, Response, Uri, request};
use http_body_util::{BodyExt, Empty};

use super::headers::{self, Origin};
use super::relay::{Body, Failure, Upstreams, at};

/// Traefik's own, which cannot be set.
const TIMEOUT: Duration = Duration::from_secs(30);

/// `authRequestHeaders`: what the sidecar reads. It keeps a request with many headers from failing there.
const ASKED_WITH: [HeaderName; 10] = [
    COOKIE,
    AUTHORIZATION,
    ACCEPT,
    ORIGIN,
    USER_AGENT,
    HeaderName::from_static("sec-fetch-mode"),
    HeaderName::from_static("sec-fetch-dest"),
    HeaderName::from_static("sec-fetch-site"),
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("traceparent"),
];

/// What the sidecar decided.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Go on, with the identity these headers carry.
    Allowed(HeaderMap),
    /// Answer with this instead.
    Denied(Response<Body>),
}

/// Asks the sidecar at `sidecar` about a request whose claims are already stripped.
///
/// # Errors
///
/// When the sidecar gives no answer, or none in time.
pub(super) async fn ask(
    upstreams: &Upstreams,
    sidecar: SocketAddr,
    about: &request::Parts,
    origin: &Origin,
) -> Result<Verdict, Failure> {
    let question = question(sidecar, about, origin).ok_or(Failure::Malformed)?;
    let answer = tokio::time::timeout(TIMEOUT, upstreams.request(question))
        .await
        .map_err(|_| Failure::ForwardAuth(None))?
        .map_err(|error| Failure::ForwardAuth(Some(error)))?;
    if answer.status().is_success() {
        return Ok(Verdict::Allowed(answer.into_parts().0.headers));
    }
    let mut answer = answer.map(BodyExt::boxed);
    headers::strip_hop_by_hop(answer.headers_mut());
    Ok(Verdict::Denied(answer))
}

fn question(sidecar: SocketAddr, about: &request::Parts, origin: &Origin) -> Option<Request<Body>> {
    let empty = Empty::<Bytes>::new().map_err(|never| match never {}).boxed();
    let mut question = Request::new(empty);
    *question.uri_mut() = at(sidecar, &Uri::from_static("/auth/forward"))?;
    let headers = question.headers_mut();
    for name in &ASKED_WITH {
        for value in about.headers.get_all(name) {
            headers.append(name, value.clone());
        }
    }
    origin.describe(headers);
    headers.insert(HOST, HeaderValue::from_str(&sidecar.to_string()).ok()?);
    headers.insert("x-forwarded-method", HeaderValue::from_str(about.method.as_str()).ok()?);
    headers.insert("x-forwarded-uri", HeaderValue::from_str(&about.uri.to_string()).ok()?);
    Some(question)
}
