//! Owns: asking Redis, one blocking connection, as little of the protocol as the benchmarks need.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, bail};

const TIMEOUT: Duration = Duration::from_secs(30);

/// What Redis answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A simple or bulk string.
    Text(Vec<u8>),
    /// An integer.
    Integer(i64),
    /// Nothing there.
    Nil,
    /// A list.
    List(Vec<Self>),
}

impl Value {
    /// The text, or nothing.
    pub fn text(self) -> String {
        match self {
            Self::Text(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            _ => String::new(),
        }
    }
}

/// A connection.
#[derive(Debug)]
pub struct Connection {
    stream: BufReader<TcpStream>,
    out: Vec<u8>,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// If nobody listens there.
    pub fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).context("no Redis there")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        Ok(Self { stream: BufReader::with_capacity(256 * 1024, stream), out: Vec::new() })
    }

    /// Asks one thing.
    ///
    /// # Errors
    /// If the connection breaks or Redis refuses.
    pub fn ask(&mut self, words: &[&[u8]]) -> anyhow::Result<Value> {
        self.push(words);
        self.flush()?;
        self.read()
    }

    /// Notes a command for [`Self::flush`].
    pub fn push(&mut self, words: &[&[u8]]) {
        encode(&mut self.out, words);
    }

    /// Sends what was noted; each command then has an answer to [`Self::read`].
    ///
    /// # Errors
    /// If the connection breaks.
    pub fn flush(&mut self) -> anyhow::Result<()> {
        self.stream.get_mut().write_all(&self.out)?;
        self.out.clear();
        Ok(())
    }

    /// Sends what was noted and reads `count` answers, which are thrown away.
    ///
    /// # Errors
    /// If the connection breaks or Redis refuses one.
    pub fn settle(&mut self, count: usize) -> anyhow::Result<()> {
        self.flush()?;
        for _ in 0..count {
            self.read()?;
        }
        Ok(())
    }

    /// The next answer.
    ///
    /// # Errors
    /// If the connection breaks or Redis refuses.
    pub fn read(&mut self) -> anyhow::Result<Value> {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line)?;
        let (kind, rest) = line.split_first().context("Redis closed the connection")?;
        let rest = std::str::from_utf8(rest)?.trim_end();
        match kind {
            b'+' => Ok(Value::Text(rest.into())),
            b':' => Ok(Value::Integer(rest.parse()?)),
            b'$' if rest == "-1" => Ok(Value::Nil),
            b'$' => {
                let mut bytes = vec![0; rest.parse::<usize>()? + 2];
                self.stream.read_exact(&mut bytes)?;
                bytes.truncate(bytes.len() - 2);
                Ok(Value::Text(bytes))
            }
            b'*' => (0..rest.parse::<usize>()?)
                .map(|_| self.read())
                .collect::<anyhow::Result<_>>()
                .map(Value::List),
            _ => bail!("Redis: {rest}"),
        }
    }

    /// A field of `INFO section`.
    ///
    /// # Errors
    /// If Redis has no such field.
    pub fn info(&mut self, section: &str, field: &str) -> anyhow::Result<u64> {
        let text = self.ask(&[b"INFO", section.as_bytes()])?.text();
        text.lines()
            .find_map(|line| line.strip_prefix(field)?.strip_prefix(':')?.trim().parse().ok())
            .with_context(|| format!("INFO {section} has no {field}"))
    }
}

/// Appends a command.
pub fn encode(out: &mut Vec<u8>, words: &[&[u8]]) {
    let head = |out: &mut Vec<u8>, kind: char, number: usize| {
        out.extend_from_slice(format!("{kind}{number}\r\n").as_bytes());
    };
    head(out, '*', words.len());
    for word in words {
        head(out, '$', word.len());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_a_list_of_bulk_strings() {
        let mut out = Vec::new();
        encode(&mut out, &[b"HGET", b"key", b""]);
        assert_eq!(out, b"*3\r\n$4\r\nHGET\r\n$3\r\nkey\r\n$0\r\n\r\n");
    }
}
