//! Owns: one question at a time, for those who ask about something other than speed.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::Context as _;

use super::answer::Answers;

const SILENCE: Duration = Duration::from_secs(40);

/// A connection for one request at a time.
#[derive(Debug)]
pub struct Probe {
    stream: TcpStream,
    answers: Answers,
}

impl Probe {
    /// Connects.
    ///
    /// # Errors
    /// If nobody listens there.
    pub fn connect(target: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(target).context("cannot connect")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(SILENCE))?;
        Ok(Self { stream, answers: Answers::default() })
    }

    /// The status of the answer.
    ///
    /// # Errors
    /// If the connection breaks.
    pub fn ask(&mut self, request: &[u8]) -> anyhow::Result<u16> {
        self.stream.write_all(request)?;
        loop {
            let read = self.stream.read(self.answers.room()?)?;
            anyhow::ensure!(read > 0, "the server closed the connection");
            if let Some(status) = self.answers.filled(read)? {
                return Ok(status);
            }
        }
    }
}
