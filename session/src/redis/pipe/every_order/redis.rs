//! Owns: a Redis that does one command at a time, and says in one order what it did.

use std::collections::VecDeque;

use bytes::BytesMut;
use futures_util::FutureExt as _;
use tokio::io::{AsyncReadExt as _, DuplexStream};
use tokio::time::Instant;

use super::shop::Fixed;

/// What Redis says, and which version of the session all know who heard it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Message {
    pub(super) wire: Vec<u8>,
    pub(super) tells: usize,
}

pub(super) struct Redis {
    pub(super) connection: Option<DuplexStream>,
    pub(super) heard: BytesMut,
    pub(super) says: VecDeque<Message>,
    pub(super) version: usize,
    /// When each version began to be.
    pub(super) since: Vec<Instant>,
    pub(super) tracks: bool,
}

impl Redis {
    pub(super) fn new() -> Self {
        Self {
            connection: None,
            heard: BytesMut::new(),
            says: VecDeque::new(),
            version: 0,
            since: vec![Instant::now()],
            tracks: false,
        }
    }

    /// Reads what came, without waiting.
    pub(super) fn listen(&mut self) {
        if let Some(connection) = &mut self.connection {
            while let Some(Ok(1..)) = connection.read_buf(&mut self.heard).now_or_never() {}
        }
    }

    /// Does one command.
    pub(super) fn execute(&mut self, fixed: &Fixed) {
        const READ_ENDS: &[u8] = b"\r\n$1\r\ne\r\n";
        let wire = if self.heard.starts_with(b"PING\r\n") {
            drop(self.heard.split_to(6));
            b"+PONG\r\n".to_vec()
        } else {
            assert!(self.heard.starts_with(b"*3\r\n$4\r\nHGET\r\n"), "{:?}", self.heard);
            let mut windows = self.heard.windows(READ_ENDS.len());
            let end = windows.position(|bytes| bytes == READ_ENDS).unwrap() + READ_ENDS.len();
            drop(self.heard.split_to(end));
            self.tracks = true;
            let view = &fixed.views[self.version];
            let mut wire = format!("${}\r\n", view.len()).into_bytes();
            wire.extend_from_slice(view);
            wire.extend_from_slice(b"\r\n");
            wire
        };
        self.says.push_back(Message { wire, tells: 0 });
    }

    /// Something else becomes of the session. Who read it is told, once.
    pub(super) fn change(&mut self, names: &str) {
        self.version += 1;
        self.since.push(Instant::now());
        if std::mem::take(&mut self.tracks) {
            let wire = format!(">2\r\n$10\r\ninvalidate\r\n{names}\r\n").into_bytes();
            self.says.push_back(Message { wire, tells: self.version });
        }
    }
}
