//! An answer that goes on for as long as its server wants: a stream of events.

use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout, timeout_at};

/// An answer whose content is read as it comes.
#[derive(Debug)]
pub struct Stream {
    /// Status code.
    pub status: StatusCode,
    /// What came so far.
    pub text: String,
    body: Incoming,
}

impl Stream {
    pub(crate) fn new(response: Response<Incoming>) -> Self {
        let (head, body) = response.into_parts();
        Self { status: head.status, text: String::new(), body }
    }

    /// Reads until `part` has come.
    ///
    /// # Panics
    /// When it has not within `limit`, or the server ends the stream before.
    pub async fn until(&mut self, part: &str, limit: Duration) {
        let deadline = Instant::now() + limit;
        while !self.text.contains(part) {
            assert!(self.more(deadline).await, "the stream ended without {part}: {}", self.text);
        }
    }

    /// Reads until the server ends the stream.
    ///
    /// # Panics
    /// When it has not within `limit`.
    pub async fn end(&mut self, limit: Duration) {
        let deadline = Instant::now() + limit;
        while self.more(deadline).await {}
    }

    /// Reads to the end and keeps nothing; how many bytes came.
    ///
    /// # Panics
    /// When the stream breaks off, or nothing comes for long.
    pub async fn drain(mut self) -> usize {
        let (limit, mut bytes) = (Duration::from_mins(1), 0);
        while let Some(frame) = timeout(limit, self.body.frame()).await.expect("more in time") {
            bytes += frame.expect("no early end").data_ref().map_or(0, Bytes::len);
        }
        bytes
    }

    async fn more(&mut self, deadline: Instant) -> bool {
        let frame = timeout_at(deadline, self.body.frame())
            .await
            .unwrap_or_else(|_| panic!("nothing more came in time: {}", self.text));
        let Some(Ok(frame)) = frame else { return false };
        if let Some(data) = frame.data_ref() {
            self.text.push_str(&String::from_utf8_lossy(data));
        }
        true
    }
}
