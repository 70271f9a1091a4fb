//! A very small client of the Redis protocol (RESP2), for looking into the real server.

use std::net::SocketAddr;

use tokio::io::{
    AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader,
};
use tokio::net::TcpStream;

/// An answer of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `+OK`
    Simple(String),
    /// `-ERR …`
    Error(String),
    /// `:1`
    Integer(i64),
    /// `$n`
    Bulk(Vec<u8>),
    /// `*n`
    Array(Vec<Self>),
    /// Nothing there.
    Nil,
}

impl Value {
    /// The bytes of a string answer, and nothing of any other.
    pub fn bytes(self) -> Vec<u8> {
        match self {
            Self::Bulk(bytes) => bytes,
            Self::Simple(text) => text.into_bytes(),
            _ => Vec::new(),
        }
    }

    /// The members of an array answer, and nothing of any other.
    pub fn members(self) -> Vec<Self> {
        if let Self::Array(members) = self { members } else { Vec::new() }
    }

    /// Every string inside, in order.
    pub fn flatten(self) -> Vec<Vec<u8>> {
        match self {
            Self::Array(members) => members.into_iter().flat_map(Self::flatten).collect(),
            Self::Integer(number) => vec![number.to_string().into_bytes()],
            Self::Nil => Vec::new(),
            text => vec![text.bytes()],
        }
    }
}

/// A connection.
#[derive(Debug)]
pub struct Connection(BufReader<TcpStream>);

impl Connection {
    /// Connects without logging in.
    ///
    /// # Errors
    /// When nothing listens.
    pub async fn open(address: SocketAddr) -> std::io::Result<Self> {
        Ok(Self(BufReader::new(TcpStream::connect(address).await?)))
    }

    /// Sends a command and waits for its answer.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn command(&mut self, words: &[&[u8]]) -> std::io::Result<Value> {
        self.0.write_all(&written(words)).await?;
        self.read().await
    }

    /// Sends all commands in one write, so that nothing of anybody else's comes between what fits into
    /// one read of the server, and waits for their answers.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn pipeline(&mut self, commands: &[Vec<&[u8]>]) -> std::io::Result<Vec<Value>> {
        let requests: Vec<u8> = commands.iter().flat_map(|words| written(words)).collect();
        let (reader, mut writer) = self.0.get_mut().split();
        let mut reader = BufReader::new(reader);
        let answers = async {
            let mut answers = Vec::with_capacity(commands.len());
            for _ in commands {
                answers.push(read(&mut reader).await?);
            }
            Ok(answers)
        };
        // Read while writing: a server whose answers nobody takes stops reading.
        let ((), answers) = tokio::try_join!(writer.write_all(&requests), answers)?;
        Ok(answers)
    }

    async fn read(&mut self) -> std::io::Result<Value> {
        read(&mut self.0).await
    }
}

fn written(words: &[&[u8]]) -> Vec<u8> {
    let mut request = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        request.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        request.extend_from_slice(word);
        request.extend_from_slice(b"\r\n");
    }
    request
}

async fn read(from: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<Value> {
    let mut line = String::new();
    if from.read_line(&mut line).await? == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    let (kind, rest) = line.trim_end().split_at(1);
    let number: i64 = rest.parse().unwrap_or(-1);
    let length = usize::try_from(number);
    match (kind, length) {
        ("+", _) => Ok(Value::Simple(rest.to_owned())),
        ("-", _) => Ok(Value::Error(rest.to_owned())),
        (":", _) => Ok(Value::Integer(number)),
        ("$", Ok(length)) => {
            let mut bytes = vec![0; length + 2];
            from.read_exact(&mut bytes).await?;
            bytes.truncate(length);
            Ok(Value::Bulk(bytes))
        }
        ("*", Ok(length)) => {
            let mut members = Vec::with_capacity(length);
            for _ in 0..length {
                members.push(Box::pin(read(from)).await?);
            }
            Ok(Value::Array(members))
        }
        _ => Ok(Value::Nil),
    }
}
