//! Requests as bytes, for what no client library would send.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::tls::Ca;

const LIMIT: Duration = Duration::from_secs(15);

/// What came back, as far as it can be read.
#[derive(Clone, Debug)]
pub struct RawReply {
    /// The status code; `None` when the peer closed without an answer.
    pub status: Option<u16>,
    /// Everything received.
    pub text: String,
}

/// Sends `request` over plain TCP and reads until the peer closes.
///
/// The request should ask for that with `Connection: close`.
pub async fn plain(address: SocketAddr, request: &[u8]) -> RawReply {
    let stream = TcpStream::connect(address).await.expect("the listener accepts");
    exchange(stream, request).await
}

/// The same over TLS, with HTTP/1.1 and the given server name.
pub async fn tls(address: SocketAddr, ca: &Ca, host: &str, request: &[u8]) -> RawReply {
    exchange(connect(address, ca, host).await, request).await
}

/// The same from an address of the loopback network.
pub async fn tls_from(
    source: Ipv4Addr,
    address: SocketAddr,
    ca: &Ca,
    host: &str,
    request: &[u8],
) -> RawReply {
    exchange(connect_from(source, address, ca, host).await, request).await
}

/// A connection over TLS for HTTP/1.1.
pub async fn connect(address: SocketAddr, ca: &Ca, host: &str) -> TlsStream<TcpStream> {
    connect_from(Ipv4Addr::LOCALHOST, address, ca, host).await
}

async fn connect_from(
    source: Ipv4Addr,
    address: SocketAddr,
    ca: &Ca,
    host: &str,
) -> TlsStream<TcpStream> {
    let mut config = ca.client();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind((source, 0).into()).expect("an address of loopback");
    let stream = socket.connect(address).await.expect("the listener accepts");
    let name = ServerName::try_from(host.to_owned()).expect("a server name");
    let connected = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    connected.expect("TLS is spoken here")
}

async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &[u8]) -> RawReply {
    let mut received = Vec::new();
    let talk = async {
        // A peer may refuse and close before it has read everything: its answer still counts.
        drop(stream.write_all(request).await);
        drop(stream.flush().await);
        drop(stream.read_to_end(&mut received).await);
    };
    let ended = timeout(LIMIT, talk).await.is_ok();
    let text = String::from_utf8_lossy(&received).into_owned();
    assert!(ended, "the peer neither closed nor stopped talking: {text}");
    let status = text
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.split(' ').nth(1))
        .and_then(|code| code.parse().ok());
    RawReply { status, text }
}
