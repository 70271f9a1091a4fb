//! A WebSocket of a page, as far as its beginning and its end go.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::agent::CHROME;
use crate::stack::{COOKIE, Stack};
use crate::traefik::HOST;

const LIMIT: Duration = Duration::from_mins(1);

/// An open WebSocket.
#[derive(Debug)]
pub struct Socket(TlsStream<TcpStream>);

/// A client that opens them: the handshakes of TLS are resumed.
#[derive(Clone)]
pub struct Opener {
    connector: TlsConnector,
    edge: std::net::SocketAddr,
    origin: String,
}

impl std::fmt::Debug for Opener {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Opener").field("edge", &self.edge).finish_non_exhaustive()
    }
}

impl Opener {
    /// Opens sockets at the edge of `stack`.
    pub fn new(stack: &Stack) -> Self {
        let mut config = stack.ca.client();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self {
            connector: TlsConnector::from(Arc::new(config)),
            edge: stack.traefik.secure,
            origin: stack.origin.clone(),
        }
    }

    /// Opens one at `path` with a session's cookie, as a page of ours does, from an address of the
    /// loopback network.
    ///
    /// # Panics
    /// When it does not come about.
    pub async fn open(&self, cookie: &str, path: &str, source: Ipv4Addr) -> Socket {
        let (status, socket) = self.ask(cookie, path, source, &self.origin).await;
        assert_eq!(status, 101);
        socket
    }

    /// The same from a page of `origin`; the status of the answer comes along.
    pub async fn ask(
        &self,
        cookie: &str,
        path: &str,
        source: Ipv4Addr,
        origin: &str,
    ) -> (u16, Socket) {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind((source, 0).into()).expect("an address of loopback");
        let stream = socket.connect(self.edge).await.expect("the edge accepts");
        let name = ServerName::try_from(HOST).expect("a server name");
        let mut stream = self.connector.connect(name, stream).await.expect("TLS is spoken here");
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {HOST}:{}\r\nUser-Agent: {CHROME}\r\nOrigin: {origin}\r\n\
             Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nCookie: {COOKIE}={cookie}\r\n\r\n",
            self.edge.port(),
        );
        stream.write_all(request.as_bytes()).await.expect("the edge reads");
        let mut head = Vec::new();
        // Nothing follows the head until the session ends.
        while !head.ends_with(b"\r\n\r\n") {
            let byte = timeout(LIMIT, stream.read_u8()).await.expect("an answer in time");
            head.push(byte.expect("an answer"));
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        (status.unwrap_or_else(|| panic!("{head}")), Socket(stream))
    }
}

impl Socket {
    /// What comes up to the end of the connection.
    pub async fn rest(mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        // Whether it ends by the book is not looked at.
        drop(timeout(LIMIT, self.0.read_to_end(&mut rest)).await.expect("the end in time"));
        rest
    }
}
