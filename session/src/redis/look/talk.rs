//! Owns: question and answer over one connection, one at a time.

use redis_protocol::resp2::decode::decode;
use redis_protocol::resp2::types::OwnedFrame;
use shell::reach::Wire;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Longest answer. `INFO memory` has two kilobytes.
const MOST: usize = 64 * 1024;

/// The connection ended, or what came is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken;

pub(super) struct Talk {
    wire: Box<dyn Wire>,
    heard: Vec<u8>,
}

impl Talk {
    pub(super) fn new(wire: Box<dyn Wire>) -> Self {
        Self { wire, heard: Vec::new() }
    }

    /// The answer to the command of `words`. Waits without end.
    ///
    /// # Cancel safety
    /// None: the next answer would be to this question.
    pub(super) async fn ask(&mut self, words: &[&str]) -> Result<OwnedFrame, Broken> {
        let mut command = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            command.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
        }
        self.wire.write_all(&command).await.map_err(|_| Broken)?;
        loop {
            if let Some((answer, used)) = decode(&self.heard).map_err(|_| Broken)? {
                self.heard.drain(..used.min(self.heard.len()));
                return Ok(answer);
            }
            let is_over = self.heard.len() > MOST
                || self.wire.read_buf(&mut self.heard).await.map_err(|_| Broken)? == 0;
            if is_over {
                return Err(Broken);
            }
        }
    }
}
