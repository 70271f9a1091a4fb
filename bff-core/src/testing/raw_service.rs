//! Owns: a service whose every byte is the test's: streams, sockets, and what goes wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Longer than anything that is waited for.
const LIMIT: Duration = Duration::from_secs(24 * 3600);

/// The service. It stops with the runtime of its test.
pub(crate) struct RawService {
    pub(crate) url: String,
    talks: mpsc::UnboundedReceiver<Talk>,
}

/// A connection on which the head of a request has come.
pub(crate) struct Talk {
    pub(crate) head: String,
    stream: TcpStream,
    heard: Vec<u8>,
}

impl RawService {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, talks) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let sender = sender.clone();
                tokio::spawn(async move {
                    let mut talk = Talk { head: String::new(), stream, heard: Vec::new() };
                    if talk.next_head().await.is_some() {
                        drop(sender.send(talk));
                    }
                });
            }
        });
        Self { url, talks }
    }

    /// The next connection.
    pub(crate) async fn talk(&mut self) -> Talk {
        timeout(LIMIT, self.talks.recv()).await.unwrap().unwrap()
    }

    /// Whether nobody has come.
    pub(crate) fn is_alone(&mut self) -> bool {
        self.talks.try_recv().is_err()
    }
}

impl Talk {
    /// The head of the next request on this connection; `None` at its end.
    pub(crate) async fn next_head(&mut self) -> Option<()> {
        const END: &[u8] = b"\r\n\r\n";
        loop {
            let end = self.heard.windows(END.len()).position(|window| window == END);
            if let Some(end) = end {
                let rest = self.heard.split_off(end + END.len());
                self.head = String::from_utf8(std::mem::replace(&mut self.heard, rest)).unwrap();
                return Some(());
            }
            if self.read().await == 0 {
                return None;
            }
        }
    }

    pub(crate) async fn say(&mut self, text: impl AsRef<[u8]>) {
        self.stream.write_all(text.as_ref()).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// An answer with content.
    pub(crate) async fn answer(&mut self, status: u16, body: &str) {
        let length = body.len();
        self.say(format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n\r\n{body}")).await;
    }

    /// A chunk of an answer.
    pub(crate) async fn chunk(&mut self, text: &str) {
        self.say(format!("{:x}\r\n{text}\r\n", text.len())).await;
    }

    /// Reads until `part` has come; what came up to its end.
    pub(crate) async fn until(&mut self, part: &[u8]) -> Vec<u8> {
        loop {
            let found = self.heard.windows(part.len()).position(|window| window == part);
            if let Some(found) = found {
                let rest = self.heard.split_off(found + part.len());
                return std::mem::replace(&mut self.heard, rest);
            }
            assert!(self.read().await > 0, "the end, not {part:?}: {:?}", self.heard);
        }
    }

    /// Says chunk after chunk until nobody takes them any more, and notes in `said` how many were taken.
    pub(crate) async fn flood(mut self, said: Arc<AtomicUsize>) {
        let chunk = format!("4000\r\n{}\r\n", "x".repeat(0x4000));
        while self.stream.write_all(chunk.as_bytes()).await.is_ok() {
            said.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits for the end of the connection.
    pub(crate) async fn end(mut self) {
        while self.read().await > 0 {}
    }

    /// A reset makes an end as well.
    async fn read(&mut self) -> usize {
        let read = timeout(LIMIT, self.stream.read_buf(&mut self.heard)).await.unwrap();
        read.unwrap_or(0)
    }
}
