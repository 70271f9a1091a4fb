//! Owns: the proxy that `bff`'s is measured against: hyper's server before hyper-util's client on one
//! thread. It rewrites the target, takes off what belongs to one connection, and does nothing else.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http::header::{CONNECTION, HOST};
use http::uri::{Authority, Scheme};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{Either, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

type Pool = Client<HttpConnector, Incoming>;
type Answer = Response<Either<Incoming, Empty<Bytes>>>;

/// Serves `listener` on this thread with the answers of `upstream`.
///
/// # Errors
/// If connections cannot be accepted.
pub async fn serve(listener: TcpListener, upstream: SocketAddr) -> std::io::Result<()> {
    let authority: Authority = upstream.to_string().parse().map_err(std::io::Error::other)?;
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let pool: Pool = Client::builder(TokioExecutor::new()).build(connector);
    loop {
        let (stream, _): (_, SocketAddr) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (pool, authority) = (pool.clone(), authority.clone());
        let service = service_fn(move |request| {
            let (pool, authority) = (pool.clone(), authority.clone());
            async move { Ok::<_, Infallible>(pass(&pool, authority, request).await) }
        });
        drop(tokio::task::spawn_local(
            http1::Builder::new().serve_connection(TokioIo::new(stream), service),
        ));
    }
}

async fn pass(pool: &Pool, authority: Authority, mut request: Request<Incoming>) -> Answer {
    let mut parts = request.uri().clone().into_parts();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(authority);
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
    request.headers_mut().remove(HOST);
    request.headers_mut().remove(CONNECTION);
    if let Ok(answer) = pool.request(request).await {
        return answer.map(Either::Left);
    }
    let mut answer = Response::new(Either::Right(Empty::new()));
    *answer.status_mut() = StatusCode::BAD_GATEWAY;
    answer
}
