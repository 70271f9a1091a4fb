//! Owns: the connection behind the pipe: made, introduced, watched, and made again.

use std::io;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use bytes::BytesMut;
use fred::types::config::{Config, ServerConfig, TlsConnector};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::client::TlsStream;

use super::Shared;
use super::serve::{Ended, serve};
use crate::store::StoreError;

/// Longest time for a connection, TLS and introduction together.
const CONNECT: Duration = Duration::from_millis(400);
/// Between two attempts, at first and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(250));
/// Longest introduction that Redis may answer with.
const GREETING_MAX: usize = 16 * 1024;

/// Where Redis is, and how to introduce ourselves.
#[derive(Clone)]
pub(in crate::redis) struct Address {
    host: String,
    port: u16,
    tls: Option<tokio_rustls::TlsConnector>,
    greeting: Vec<u8>,
}

impl Address {
    /// `None` for Sentinel and Cluster: there a server has to be found first. `tracks`: whether it
    /// shall tell which of the keys read have changed.
    pub(in crate::redis) fn of(config: &Config, tracks: bool) -> Option<Self> {
        let ServerConfig::Centralized { server } = &config.server else { return None };
        let tls = match &config.tls {
            None => None,
            Some(tls) => match &tls.connector {
                TlsConnector::Rustls(connector) => Some(connector.clone()),
            },
        };
        let mut greeting = Vec::new();
        let mut say = |words: &[&str]| {
            greeting.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
            for word in words {
                greeting.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
            }
        };
        match (&config.username, &config.password) {
            (Some(user), Some(password)) => say(&["AUTH", user, password]),
            (None, Some(password)) => say(&["AUTH", password]),
            (_, None) => {}
        }
        if let Some(database) = config.database {
            say(&["SELECT", &database.to_string()]);
        }
        if tracks {
            // RESP3, so that changes are told on the connection that reads.
            say(&["HELLO", "3"]);
            say(&["CLIENT", "TRACKING", "ON"]);
        }
        say(&["PING"]);
        // A URL writes an IPv6 address in brackets, the resolver and TLS do not.
        let host = server.host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Some(Self { host, port: server.port, tls, greeting })
    }
}

/// Keeps a connection for as long as anybody may ask.
pub(super) async fn keep(shared: Arc<Shared>, address: Address, command_timeout: Duration) {
    let mut pause = PAUSES.0;
    let mut told = false;
    loop {
        let ended = match timeout(CONNECT, connect(&address)).await {
            Ok(Ok(stream)) => {
                pause = PAUSES.0;
                told = false;
                match stream {
                    Stream::Plain(mut tcp) => {
                        let (reader, writer) = tcp.split();
                        live(&shared, reader, writer, command_timeout).await
                    }
                    Stream::Tls(tls) => {
                        let (reader, writer) = tokio::io::split(tls);
                        live(&shared, reader, writer, command_timeout).await
                    }
                }
            }
            Ok(Err(error)) => {
                // Nothing that passes by itself, unlike a Redis that is away.
                if error.kind() == io::ErrorKind::PermissionDenied && !told {
                    told = true;
                    tracing::warn!(%error, "redis refuses the connection that reads sessions");
                }
                Ended::Broken(error.kind())
            }
            Err(_) => Ended::Frozen,
        };
        tracing::debug!(?ended, "connection for reads ended");
        sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}

/// Reads are served over this connection, from now until it ends.
pub(super) async fn live<R, W>(
    shared: &Shared,
    reader: R,
    writer: W,
    command_timeout: Duration,
) -> Ended
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    if let Some(tracked) = &shared.tracked {
        tracked.begin(Instant::now().into_std());
    }
    shared.set_up(true);
    let ended = serve(shared, reader, writer, command_timeout).await;
    fail(shared, ended);
    ended
}

/// Tells everybody who waits.
fn fail(shared: &Shared, ended: Ended) {
    if let Some(tracked) = &shared.tracked {
        tracked.end();
    }
    let error = match ended {
        Ended::Broken(_) => StoreError::Unavailable,
        Ended::Frozen => StoreError::TimedOut,
    };
    let wakers = shared.lock().fail(&error);
    shared.up.send_replace(false);
    wakers.into_iter().for_each(Waker::wake);
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

async fn connect(address: &Address) -> io::Result<Stream> {
    let tcp = TcpStream::connect((address.host.as_str(), address.port)).await?;
    tcp.set_nodelay(true)?;
    match &address.tls {
        None => {
            let mut tcp = tcp;
            introduce(&mut tcp, address).await?;
            Ok(Stream::Plain(tcp))
        }
        Some(tls) => {
            let name = ServerName::try_from(address.host.clone()).map_err(io::Error::other)?;
            let mut tls = tls.connect(name, tcp).await?;
            introduce(&mut tls, address).await?;
            Ok(Stream::Tls(Box::new(tls)))
        }
    }
}

async fn introduce<S>(stream: &mut S, address: &Address) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    stream.write_all(&address.greeting).await?;
    let mut heard = BytesMut::with_capacity(1024);
    // The answer to the last word, `PING`.
    while !heard.ends_with(b"+PONG\r\n") {
        if let Some(code) = refusal(&heard) {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, code));
        }
        if heard.len() > GREETING_MAX || stream.read_buf(&mut heard).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    match refusal(&heard) {
        Some(code) => Err(io::Error::new(io::ErrorKind::PermissionDenied, code)),
        None => Ok(()),
    }
}

/// The code of the first error among whole lines, such as `NOPERM`. What follows it may name users.
fn refusal(heard: &[u8]) -> Option<String> {
    let mut lines =
        heard.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"));
    let error = lines.find_map(|line| line.strip_prefix(b"-"))?;
    let code = error.iter().take_while(|byte| byte.is_ascii_uppercase());
    Some(code.map(|byte| char::from(*byte)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str) -> Option<Address> {
        Address::of(&Config::from_url(url).unwrap(), false)
    }

    #[test]
    fn a_single_server_is_introduced_with_what_the_url_says() {
        let plain = address("redis://127.0.0.1:6379").unwrap();
        assert_eq!((plain.host.as_str(), plain.port), ("127.0.0.1", 6379));
        assert_eq!(plain.greeting, b"*1\r\n$4\r\nPING\r\n");

        let full = address("redis://bff:p%40ss@[::1]:6380/2").unwrap();
        assert_eq!((full.host.as_str(), full.port), ("::1", 6380));
        let greeting = "*3\r\n$4\r\nAUTH\r\n$3\r\nbff\r\n$4\r\np@ss\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n2\r\n\
                        *1\r\n$4\r\nPING\r\n";
        assert_eq!(full.greeting, greeting.as_bytes());
    }

    #[test]
    fn t09_a_refusal_is_told_by_its_code_alone() {
        for (heard, expected) in [
            (&b"+OK\r\n-NOPERM this user has no permissions\r\n+PONG\r\n"[..], Some("NOPERM")),
            (b"-WRONGPASS invalid username-password pair\r\n", Some("WRONGPASS")),
            (b"-ERR unknown", None),
            (b"+OK\r\n+PONG\r\n", None),
        ] {
            assert_eq!(refusal(heard).as_deref(), expected, "{}", heard.escape_ascii());
        }
    }

    #[test]
    fn tracking_is_asked_for_before_the_first_read() {
        let config = Config::from_url("redis://127.0.0.1:6379").unwrap();
        let greeting = "*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n*3\r\n$6\r\nCLIENT\r\n$8\r\nTRACKING\r\n\
                        $2\r\nON\r\n*1\r\n$4\r\nPING\r\n";
        assert_eq!(Address::of(&config, true).unwrap().greeting, greeting.as_bytes());
    }

    #[test]
    fn where_a_server_has_to_be_found_first_there_is_no_pipe() {
        assert!(address("redis-cluster://127.0.0.1:7000").is_none());
        assert!(address("redis-sentinel://127.0.0.1:26379?sentinelServiceName=m").is_none());
    }
}
