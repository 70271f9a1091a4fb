//! Requests as bytes, one after another on a connection that is kept as long as the peer keeps it.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

const LIMIT: Duration = Duration::from_secs(20);

/// A client that sends anything.
#[derive(Debug)]
pub(crate) struct Talk {
    peer: SocketAddr,
    stream: Option<TcpStream>,
}

impl Talk {
    pub(crate) const fn to(peer: SocketAddr) -> Self {
        Self { peer, stream: None }
    }

    /// Sends `target`, marked by `case`, and returns the status; `None` where the peer closed without an
    /// answer.
    pub(crate) async fn get(&mut self, target: &[u8], host: &str, case: usize) -> Option<u16> {
        let mut request = b"GET ".to_vec();
        request.extend_from_slice(target);
        request.extend_from_slice(
            format!(" HTTP/1.1\r\nHost: {host}\r\nX-Case: {case}\r\n\r\n").as_bytes(),
        );
        let kept = self.stream.is_some();
        let answer = self.exchange(&request).await;
        // A connection that was kept may have been closed before it heard of this request.
        if answer.is_none() && kept { self.exchange(&request).await } else { answer }
    }

    async fn exchange(&mut self, request: &[u8]) -> Option<u16> {
        let answer = timeout(LIMIT, self.once(request)).await;
        let (status, keeps) = answer.expect("the peer answers or closes")?;
        if !keeps {
            self.stream = None;
        }
        Some(status)
    }

    /// The status, and whether the connection can be used again.
    async fn once(&mut self, request: &[u8]) -> Option<(u16, bool)> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => none.insert(TcpStream::connect(self.peer).await.expect("the listener accepts")),
        };
        let mut received = Vec::new();
        let sent = stream.write_all(request).await;
        let answer = if sent.is_ok() { read(stream, &mut received).await } else { None };
        if answer.is_none() {
            self.stream = None;
        }
        answer
    }
}

async fn read(stream: &mut TcpStream, received: &mut Vec<u8>) -> Option<(u16, bool)> {
    let end = loop {
        if let Some(end) = memchr::memmem::find(received, b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(received).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&received[..end]).to_ascii_lowercase();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let field = |name: &str| {
        head.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned())
    };
    let closes = field("connection:").is_some_and(|value| value == "close");
    let Some(length) = field("content-length:").and_then(|text| text.parse::<usize>().ok()) else {
        // Of unknown length: nothing that follows could be told from it.
        return Some((status, false));
    };
    while received.len() < end + length {
        if stream.read_buf(received).await.ok()? == 0 {
            return None;
        }
    }
    Some((status, !closes && status != 400))
}
