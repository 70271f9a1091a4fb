//! Owns: the demo's edge, a stand-in for Traefik on loopback: listener, connections, shutdown.
//!
//! It does what the shipped Traefik configuration does and no more: strips what a client must not say
//! about itself, asks `ForwardAuth`, relays. Each answer carries `X-Demo-Edge`, so that nobody takes it
//! for the real thing. Connections are HTTP/1.1 (RFC 9112).

mod forward_auth;
mod headers;
mod path;
mod relay;
mod route;
#[cfg(test)]
mod tests;
mod tunnel;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub(crate) use headers::IDENTITY;
use relay::Edge;

/// How long a connection may take to send a request head, and may stand idle between two.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);
/// As the shipped Traefik configuration has it (`maxHeaderBytes`).
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// How long answers under way may take to end once the demo shuts down; event streams never would.
const DRAIN: Duration = Duration::from_secs(3);

/// Where the edge finds each part of the demo.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Routes {
    /// The Backend-for-Frontend: `/auth/*` and `/api/*`.
    pub(crate) bff: SocketAddr,
    /// The sidecar that is asked before `/whoami/` is reached.
    pub(crate) forwardauth: SocketAddr,
    /// The service behind `ForwardAuth`: `/whoami/`.
    pub(crate) whoami: SocketAddr,
    /// The sample single-page application: everything else.
    pub(crate) spa: SocketAddr,
    /// The buttons that take parts away, where there are any: `/chaos/`.
    pub(crate) chaos: Option<SocketAddr>,
}

/// Serves until `shutdown` completes, then lets answers under way end.
///
/// # Errors
///
/// When `listener` is not on loopback.
pub(crate) async fn serve(
    listener: TcpListener,
    routes: Routes,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    if !listener.local_addr()?.ip().is_loopback() {
        let why = "the demo's edge listens on loopback only";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    let stop = CancellationToken::new();
    let edge = Arc::new(Edge::new(routes, stop.clone()));
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(connection(stream, peer, Arc::clone(&edge), stop.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "the demo's edge could not accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
            () = &mut shutdown => break,
        }
    }
    drop(listener);
    stop.cancel();
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN, drained).await.is_err() {
        tracing::debug!("the demo's edge cut what was still open");
    }
    Ok(())
}

async fn connection(stream: TcpStream, peer: SocketAddr, edge: Arc<Edge>, stop: CancellationToken) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let service = service_fn(move |request| {
        let edge = Arc::clone(&edge);
        async move { Ok::<_, Infallible>(edge.answer(request, peer).await) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_header_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut served = pin!(served);
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = stop.cancelled() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection to the demo's edge ended early");
    }
}
