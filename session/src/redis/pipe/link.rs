//! Owns: the connection behind the pipe: made, introduced, watched, and made again.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use fred::types::config::{Config, ServerConfig, TlsConnector};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::client::TlsStream;

use super::{Shared, resp};
use crate::store::StoreError;

/// Longest time for a connection, TLS and introduction together.
const CONNECT: Duration = Duration::from_millis(400);
/// Between two attempts, at first and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(250));
/// Room for answers; a dozen or more edge views.
const CHUNK: usize = 16 * 1024;

/// Where Redis is, and how to introduce ourselves.
#[derive(Clone)]
pub(in crate::redis) struct Address {
    host: String,
    port: u16,
    tls: Option<tokio_rustls::TlsConnector>,
    greeting: Vec<u8>,
    answers: usize,
}

impl Address {
    /// `None` for Sentinel and Cluster: there a server has to be found first.
    pub(in crate::redis) fn of(config: &Config) -> Option<Self> {
        let ServerConfig::Centralized { server } = &config.server else { return None };
        let tls = match &config.tls {
            None => None,
            Some(tls) => match &tls.connector {
                TlsConnector::Rustls(connector) => Some(connector.clone()),
            },
        };
        let mut greeting = Vec::new();
        let mut answers = 0;
        let mut say = |words: &[&str]| {
            greeting.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
            for word in words {
                greeting.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
            }
            answers += 1;
        };
        match (&config.username, &config.password) {
            (Some(user), Some(password)) => say(&["AUTH", user, password]),
            (None, Some(password)) => say(&["AUTH", password]),
            (_, None) => {}
        }
        if let Some(database) = config.database {
            say(&["SELECT", &database.to_string()]);
        }
        say(&["PING"]);
        // A URL writes an IPv6 address in brackets, the resolver and TLS do not.
        let host = server.host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Some(Self { host, port: server.port, tls, greeting, answers })
    }
}

/// Keeps a connection for as long as anybody may ask.
pub(super) async fn keep(shared: Arc<Shared>, address: Address, command_timeout: Duration) {
    let mut pause = PAUSES.0;
    loop {
        let ended = match timeout(CONNECT, connect(&address)).await {
            Ok(Ok(stream)) => {
                pause = PAUSES.0;
                shared.set_up(true);
                match stream {
                    Stream::Plain(mut tcp) => {
                        let (reader, writer) = tcp.split();
                        serve(&shared, reader, writer, command_timeout).await
                    }
                    Stream::Tls(tls) => {
                        let (reader, writer) = tokio::io::split(tls);
                        serve(&shared, reader, writer, command_timeout).await
                    }
                }
            }
            Ok(Err(error)) => Ended::Broken(error.kind()),
            Err(_) => Ended::Frozen,
        };
        fail(&shared, ended);
        tracing::debug!(?ended, "connection for reads ended");
        sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}

/// Why a connection is of no use any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Broken(io::ErrorKind),
    Frozen,
}

/// Tells everybody who waits.
fn fail(shared: &Shared, ended: Ended) {
    let waiting = {
        shared.set_up(false);
        let mut state = shared.lock();
        state.out.clear();
        std::mem::take(&mut state.waiting)
    };
    let error = match ended {
        Ended::Broken(_) => StoreError::Unavailable,
        Ended::Frozen => StoreError::TimedOut,
    };
    for waiter in waiting {
        // Whoever gave up meanwhile need not be told.
        drop(waiter.send(Err(error.clone())));
    }
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
    while heard.windows(2).filter(|pair| *pair == b"\r\n").count() < address.answers {
        if stream.read_buf(&mut heard).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    if heard.starts_with(b"-") || heard.windows(2).any(|window| window == b"\n-") {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    Ok(())
}

/// Writes commands and reads answers until either fails.
///
/// The clock is set anew only when it goes off, so that watching costs nothing between.
async fn serve<R, W>(
    shared: &Shared,
    mut reader: R,
    mut writer: W,
    command_timeout: Duration,
) -> Ended
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut clock = pin!(sleep(command_timeout));
    let mut answers = BytesMut::with_capacity(CHUNK);
    let mut spare = BytesMut::with_capacity(CHUNK);
    let mut progress = Instant::now();
    loop {
        let owed = !shared.lock().waiting.is_empty();
        tokio::select! {
            biased;
            read = reader.read_buf(&mut answers) => match read {
                Ok(0) => return Ended::Broken(io::ErrorKind::UnexpectedEof),
                Ok(_) => {
                    progress = Instant::now();
                    if !deliver(shared, &mut answers) {
                        return Ended::Broken(io::ErrorKind::InvalidData);
                    }
                    answers.reserve(CHUNK / 4);
                }
                Err(error) => return Ended::Broken(error.kind()),
            },
            () = shared.wake.notified() => {
                if !owed {
                    progress = Instant::now();
                }
                std::mem::swap(&mut shared.lock().out, &mut spare);
                let written = timeout(command_timeout, async {
                    writer.write_all(&spare).await?;
                    writer.flush().await
                });
                match written.await {
                    Ok(Ok(())) => spare.clear(),
                    Ok(Err(error)) => return Ended::Broken(error.kind()),
                    Err(_) => return Ended::Frozen,
                }
            }
            () = clock.as_mut(), if owed => {
                if progress.elapsed() >= command_timeout {
                    return Ended::Frozen;
                }
                clock.as_mut().reset(progress + command_timeout);
            }
        }
    }
}

/// Hands whole answers to who waits for them; `false` if Redis says something nobody asked for.
fn deliver(shared: &Shared, answers: &mut BytesMut) -> bool {
    loop {
        match resp::next(answers) {
            Ok(None) => return true,
            Err(resp::Nonsense) => return false,
            Ok(Some(answer)) => {
                let Some(waiter) = shared.lock().waiting.pop_front() else { return false };
                // Whoever gave up meanwhile need not be told.
                drop(waiter.send(answer));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str) -> Option<Address> {
        Address::of(&Config::from_url(url).unwrap())
    }

    #[test]
    fn a_single_server_is_introduced_with_what_the_url_says() {
        let plain = address("redis://127.0.0.1:6379").unwrap();
        assert_eq!((plain.host.as_str(), plain.port, plain.answers), ("127.0.0.1", 6379, 1));
        assert_eq!(plain.greeting, b"*1\r\n$4\r\nPING\r\n");

        let full = address("redis://bff:p%40ss@[::1]:6380/2").unwrap();
        assert_eq!((full.host.as_str(), full.port, full.answers), ("::1", 6380, 3));
        let greeting = "*3\r\n$4\r\nAUTH\r\n$3\r\nbff\r\n$4\r\np@ss\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n2\r\n\
                        *1\r\n$4\r\nPING\r\n";
        assert_eq!(full.greeting, greeting.as_bytes());
    }

    #[test]
    fn where_a_server_has_to_be_found_first_there_is_no_pipe() {
        assert!(address("redis-cluster://127.0.0.1:7000").is_none());
        assert!(address("redis-sentinel://127.0.0.1:26379?sentinelServiceName=m").is_none());
    }
}
