//! Owns: the way of one request through the edge: normalise, strip, ask, relay.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, COOKIE, HOST, HeaderValue, UPGRADE};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, StatusCode, Uri, request};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio_util::sync::CancellationToken;

use super::forward_auth::{self, Verdict};
use super::headers::{self, Origin};
use super::route::{self, Target};
use super::{Routes, path, tunnel};

/// A body on its way through, either way.
pub(super) type Body = BoxBody<Bytes, hyper::Error>;
/// The connections to the parts behind the edge.
pub(super) type Upstreams = Client<HttpConnector, Body>;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Why the edge itself answers, and not a part behind it.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The client's fault: no usable host or path.
    #[error("the request names no usable host or path")]
    Malformed,
    /// The client's fault: the path is not for it.
    #[error("the path is not routed")]
    NotRouted,
    /// `ForwardAuth` gave no answer; Traefik answers 500, not 502.
    #[error("ForwardAuth gave no answer")]
    ForwardAuth(#[source] Option<hyper_util::client::legacy::Error>),
    /// The part that should answer gave no answer.
    #[error("the upstream gave no answer")]
    Upstream(#[source] hyper_util::client::legacy::Error),
    /// The part that should answer changed the protocol though nobody asked it to.
    #[error("the upstream changed the protocol unasked")]
    UnwantedUpgrade,
}

impl Failure {
    fn status(&self) -> StatusCode {
        match self {
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::NotRouted => StatusCode::NOT_FOUND,
            Self::ForwardAuth(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Upstream(_) | Self::UnwantedUpgrade => StatusCode::BAD_GATEWAY,
        }
    }

    fn into_response(self) -> Response<Body> {
        if self.status().is_server_error() {
            tracing::warn!(error = ?self, "the demo's edge could not relay a request");
        }
        let text = self.status().canonical_reason().unwrap_or_default();
        let body = Full::from(text).map_err(|never| match never {}).boxed();
        let mut response = Response::new(body);
        *response.status_mut() = self.status();
        response.headers_mut().insert("content-type", HeaderValue::from_static("text/plain"));
        response
    }
}

/// The edge: its routes and its connections to what is behind it.
#[derive(Debug)]
pub(super) struct Edge {
    routes: Routes,
    upstreams: Upstreams,
    stop: CancellationToken,
}

impl Edge {
    pub(super) fn new(routes: Routes, stop: CancellationToken) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        connector.set_nodelay(true);
        let upstreams = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .set_host(false)
            .build(connector);
        Self { routes, upstreams, stop }
    }

    /// Answers one request of `peer`.
    pub(super) async fn answer(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> Response<Body> {
        let mut response = self.pass(request, peer).await.unwrap_or_else(Failure::into_response);
        headers::strip_identity(response.headers_mut());
        let name = HeaderValue::from_static("wicketgate-demo (not Traefik)");
        response.headers_mut().insert("x-demo-edge", name);
        response
    }

    async fn pass(
        &self,
        mut request: Request<Incoming>,
        peer: SocketAddr,
    ) -> Result<Response<Body>, Failure> {
        let upgrade = headers::wanted_upgrade(request.headers())
            .map(|protocol| (protocol, hyper::upgrade::on(&mut request)));
        let (mut parts, body) = request.into_parts();
        let websocket = upgrade
            .as_ref()
            .is_some_and(|(protocol, _)| protocol.as_bytes().eq_ignore_ascii_case(b"websocket"));
        let origin = origin(&parts, peer, websocket).ok_or(Failure::Malformed)?;
        parts.uri = normal_uri(&parts.uri).ok_or(Failure::Malformed)?;
        headers::strip_hop_by_hop(&mut parts.headers);
        headers::strip_claims(&mut parts.headers);

        let upstream = match route::target(&parts.uri.to_string()) {
            Target::Nobody => return Err(Failure::NotRouted),
            Target::Bff => self.routes.bff,
            Target::Spa => self.routes.spa,
            Target::Chaos => self.routes.chaos.unwrap_or(self.routes.spa),
            Target::Whoami => {
                let sidecar = self.routes.forwardauth;
                match forward_auth::ask(&self.upstreams, sidecar, &parts, &origin).await? {
                    Verdict::Denied(answer) => return Ok(answer),
                    Verdict::Allowed(identity) => {
                        headers::copy_identity(&identity, &mut parts.headers);
                        // The service has no business with the session cookie, and would show it.
                        parts.headers.remove(COOKIE);
                    }
                }
                self.routes.whoami
            }
        };
        origin.describe(&mut parts.headers);
        self.relay(upstream, parts, body.boxed(), upgrade).await
    }

    async fn relay(
        &self,
        upstream: SocketAddr,
        parts: request::Parts,
        body: Body,
        upgrade: Option<(HeaderValue, OnUpgrade)>,
    ) -> Result<Response<Body>, Failure> {
        let mut request = Request::new(body);
        *request.method_mut() = parts.method;
        *request.uri_mut() = at(upstream, &parts.uri).ok_or(Failure::Malformed)?;
        *request.headers_mut() = parts.headers;
        if let Some((protocol, _)) = &upgrade {
            request.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
            request.headers_mut().insert(UPGRADE, protocol.clone());
        }
        let mut response = self.upstreams.request(request).await.map_err(Failure::Upstream)?;
        let switched = response.headers().get(UPGRADE).cloned();
        headers::strip_hop_by_hop(response.headers_mut());
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            let (_, client) = upgrade.ok_or(Failure::UnwantedUpgrade)?;
            let protocol = switched.ok_or(Failure::UnwantedUpgrade)?;
            let service = hyper::upgrade::on(&mut response);
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
            response.headers_mut().insert(UPGRADE, protocol);
            tokio::spawn(tunnel::join(client, service, self.stop.clone()));
        }
        Ok(response.map(BodyExt::boxed))
    }
}

/// The host of the request line wins over the `Host` header (RFC 9112 section 3.2.2); two `Host` lines
/// are refused.
fn origin(parts: &request::Parts, peer: SocketAddr, websocket: bool) -> Option<Origin> {
    let mut lines = parts.headers.get_all(HOST).iter();
    let line = lines.next();
    if lines.next().is_some() {
        return None;
    }
    let authority = match parts.uri.authority() {
        Some(authority) => authority.clone(),
        None => Authority::try_from(line?.as_bytes()).ok()?,
    };
    if authority.as_str().contains('@') {
        return None;
    }
    Some(Origin {
        peer,
        host: HeaderValue::from_str(authority.as_str()).ok()?,
        port: authority.port_u16().unwrap_or(80),
        websocket,
    })
}

fn normal_uri(uri: &Uri) -> Option<Uri> {
    let normal = path::normalise(uri.path_and_query()?.as_str()).ok()?;
    let mut parts = http::uri::Parts::default();
    parts.path_and_query = Some(PathAndQuery::try_from(normal).ok()?);
    Uri::from_parts(parts).ok()
}

/// The same path at another part of the demo.
pub(super) fn at(upstream: SocketAddr, uri: &Uri) -> Option<Uri> {
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(Authority::try_from(upstream.to_string()).ok()?);
    parts.path_and_query = uri.path_and_query().cloned();
    Uri::from_parts(parts).ok()
}
