//! Owns: the endpoint that verify is measured against: hyper on one thread, an empty 200 with the
//! headers of an allowed request, and nothing done for it.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue};
use http::{Request, Response};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// A body of nothing.
#[derive(Debug, Clone, Copy)]
pub struct Empty;

impl Body for Empty {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        std::task::Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        true
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(0)
    }
}

/// The headers of an allowed request.
const HEADERS: [(HeaderName, HeaderValue); 8] = [
    (HeaderName::from_static("x-user-id"), HeaderValue::from_static("auth0|5f7c0ba1e4b0")),
    (
        HeaderName::from_static("x-session-id"),
        HeaderValue::from_static("o0pOsq3z5lE0K-pENasuur8fSh_Rnru3iKwtHj9QfIw"),
    ),
    (HeaderName::from_static("x-auth-time"), HeaderValue::from_static("1795323366")),
    (HeaderName::from_static("x-tenant-id"), HeaderValue::from_static("")),
    (HeaderName::from_static("x-tenant-slug"), HeaderValue::from_static("")),
    (HeaderName::from_static("x-user-roles"), HeaderValue::from_static("ADMIN,USER")),
    (HeaderName::from_static("x-master-flags"), HeaderValue::from_static("")),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// The answer of both reference programs.
pub fn allowed() -> Response<Empty> {
    // Room for all at once: growing would make this yardstick longer than it is.
    let mut headers = HeaderMap::with_capacity(HEADERS.len());
    for (name, value) in HEADERS {
        headers.insert(name, value);
    }
    let mut response = Response::new(Empty);
    *response.headers_mut() = headers;
    response
}

/// Serves `listener` on this thread, each request through `before`.
///
/// # Errors
/// If connections cannot be accepted.
pub async fn serve<F>(
    listener: TcpListener,
    before: impl Fn() -> F + Clone + 'static,
) -> std::io::Result<()>
where
    F: Future<Output = ()> + 'static,
{
    loop {
        let (stream, _): (_, SocketAddr) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let before = before.clone();
        let service = service_fn(move |_: Request<Incoming>| {
            let done = before();
            async move {
                done.await;
                Ok::<_, Infallible>(allowed())
            }
        });
        drop(tokio::task::spawn_local(
            http1::Builder::new().serve_connection(TokioIo::new(stream), service),
        ));
    }
}
