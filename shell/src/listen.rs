//! Owns: accepting connections and serving HTTP on them, with a limit on everything a peer can make
//! us wait for, and the drain at the end.
//!
//! Plain connections speak HTTP/1.1 (with upgrades); TLS connections what ALPN settled. No sniffing:
//! hyper-util's `auto` builder waits without limit for a first byte.

mod activity;
mod connection;
mod connections;
mod cut;
#[cfg(test)]
mod cut_tests;
#[cfg(test)]
mod every_order;
mod first_bytes;
mod limits;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tls_tests;
mod watch;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::service::Service;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::shutdown::Shutdown;

pub use connections::Connections;
pub use cut::Cut;
pub use limits::Limits;

/// Binds `address` with a backlog that outlasts a burst, shared with other threads of this process.
///
/// # Errors
/// As `bind(2)` and `listen(2)`.
pub fn bind(address: SocketAddr, share: bool) -> io::Result<TcpListener> {
    let domain = socket2::Domain::for_address(address);
    let socket = socket2::Socket::new(domain, socket2::Type::STREAM, Some(socket2::Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if share {
        socket.set_reuse_port(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(4096)?;
    TcpListener::from_std(socket.into())
}

/// Serves `listener` until `shutdown` begins; connections go on until they are drained.
///
/// `make` is asked once a connection, with the peer's address, for the service that answers it.
pub async fn serve<M, S, B>(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    limits: Limits,
    shutdown: Shutdown,
    make: M,
) where
    M: Fn(SocketAddr) -> S + Send,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let limits = Arc::new(limits);
    let acceptor = tls.map(TlsAcceptor::from);
    let start = |stream, peer| {
        // Closed at once: a peer that waits in the backlog would not know why.
        let Some(open) = limits.connections.admit() else { return };
        let service = make(peer);
        let connection = connection::Connection {
            limits: Arc::clone(&limits),
            shutdown: shutdown.clone(),
            open,
        };
        prepare(&stream);
        match acceptor.clone() {
            None => shutdown.track(connection.plain(stream, service)),
            Some(acceptor) => shutdown.track(connection.tls(acceptor, stream, service)),
        }
    };
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.begun() => break,
        };
        match accepted {
            Ok((stream, peer)) => start(stream, peer),
            Err(error) => {
                // Out of file descriptors, mostly. The pause keeps this from becoming a busy loop.
                tracing::warn!(%error, "cannot accept");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    // Who is in the backlog already holds an open connection, which closing the listener would reset.
    for_each_in_backlog(listener, start);
}

/// Accepts whoever waits, and nobody later. The runtime is not asked: it knows of those alone that its
/// driver has heard of, which is some while ago where there is much to do.
fn for_each_in_backlog(listener: TcpListener, start: impl Fn(TcpStream, SocketAddr)) {
    let Ok(listener) = listener.into_std() else { return };
    loop {
        match listener.accept() {
            Ok((stream, peer)) => {
                if stream.set_nonblocking(true).is_ok()
                    && let Ok(stream) = TcpStream::from_std(stream)
                {
                    start(stream, peer);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(_) => return,
        }
    }
}

fn prepare(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
}
