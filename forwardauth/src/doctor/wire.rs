//! Owns: the connections, one for each request, and the bounds that make the doctor safe in production: how many
//! requests, how fast, and how long.

use std::cell::Cell;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, InvalidDnsNameError, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_rustls::TlsConnector;

use super::answer::Answer;
use super::ask::Ask;

/// Most requests of one run.
pub const REQUESTS_MAX: u32 = 200;
/// Longest run.
const RUN: Duration = Duration::from_secs(120);
/// Between two requests: fewer than fifty a second.
const PACE: Duration = Duration::from_millis(20);
/// How often in one run a 429 is waited for, and how long at most.
const PATIENCE: u32 = 10;
const WAIT_MAX: Duration = Duration::from_secs(3);
const CONNECT: Duration = Duration::from_secs(3);
const ANSWER: Duration = Duration::from_secs(8);
/// Most that is read of an answer, in bytes. Traefik's list of routers may be long.
const BYTES_MAX: usize = 1024 * 1024;

/// Where requests go.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// The name in the certificate.
    pub(super) host: String,
    /// `Host`.
    pub(super) authority: String,
    /// What is connected to, with a port.
    pub(super) address: String,
    /// Over TLS.
    pub(super) secure: bool,
}

/// Why there is no answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failure {
    Connect(String),
    Tls(String),
    /// Closed without one.
    Closed,
    /// Something else than HTTP/1.
    NotHttp,
    /// 429, again and again.
    TurnedAway,
    Slow,
    /// The bounds of this run.
    Spent,
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(reason) => write!(formatter, "cannot connect: {reason}"),
            Self::Tls(reason) => write!(formatter, "no TLS: {reason}"),
            Self::Closed => formatter.write_str("closed without an answer"),
            Self::NotHttp => formatter.write_str("answered something else than HTTP"),
            Self::TurnedAway => {
                formatter.write_str("too many requests, says the site: ask again later")
            }
            Self::Slow => formatter.write_str("no answer in time"),
            Self::Spent => formatter.write_str("not asked: this run has asked enough"),
        }
    }
}

/// The file of `--ca` holds no certificate.
#[derive(Debug, thiserror::Error)]
#[error("--ca: no certificate in PEM that can be used")]
pub struct CaError;

/// Asks, within the bounds of one run. It belongs to one task.
pub(super) struct Wire {
    tls: TlsConnector,
    asked: Cell<u32>,
    patience: Cell<u32>,
    until: Instant,
}

impl Wire {
    /// Trusts the system's authorities, and those of `ca` in PEM.
    pub(super) fn new(ca: Option<&[u8]>) -> Result<Self, CaError> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(pem) = ca {
            let given = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
            let (added, _) = roots.add_parsable_certificates(given.map_err(|_| CaError)?);
            if added == 0 {
                return Err(CaError);
            }
        }
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let tls = TlsConnector::from(Arc::new(config));
        Ok(Self {
            tls,
            asked: Cell::new(0),
            patience: Cell::new(PATIENCE),
            until: Instant::now() + RUN,
        })
    }

    /// How many requests went out.
    pub(super) fn asked(&self) -> u32 {
        self.asked.get()
    }

    /// Sends one request on a connection of its own; again where the site says that it is too early.
    pub(super) async fn send(&self, place: &Place, ask: &Ask) -> Result<Answer, Failure> {
        loop {
            let answer = self.send_once(place, ask).await?;
            if answer.status != 429 {
                return Ok(answer);
            }
            let left = self.patience.get().checked_sub(1).ok_or(Failure::TurnedAway)?;
            self.patience.set(left);
            let wait = answer.text("retry-after").parse().map_or(WAIT_MAX, Duration::from_secs);
            sleep(wait.min(WAIT_MAX)).await;
        }
    }

    async fn send_once(&self, place: &Place, ask: &Ask) -> Result<Answer, Failure> {
        let stream = self.connect(place).await?;
        let end = self.until.min(Instant::now() + ANSWER);
        if !place.secure {
            return converse(stream, place, ask, end).await;
        }
        let name = ServerName::try_from(place.host.clone());
        let name = name.map_err(|error: InvalidDnsNameError| Failure::Tls(error.to_string()))?;
        let stream = timeout_at(end, self.tls.connect(name, stream)).await;
        let stream = stream.map_err(|_| Failure::Slow)?;
        let stream = stream.map_err(|error| Failure::Tls(error.to_string()))?;
        converse(stream, place, ask, end).await
    }

    /// Sends bytes that are no request, and returns the first few that come back.
    pub(super) async fn poke(&self, place: &Place, bytes: &[u8]) -> Result<Vec<u8>, Failure> {
        let mut stream = self.connect(place).await?;
        let mut received = Vec::new();
        let talk = async {
            stream.write_all(bytes).await?;
            stream.read_buf(&mut received).await
        };
        let end = self.until.min(Instant::now() + ANSWER);
        match timeout_at(end, talk).await {
            // Who hangs up has said no.
            Ok(_) => Ok(received),
            Err(_) => Err(Failure::Slow),
        }
    }

    async fn connect(&self, place: &Place) -> Result<TcpStream, Failure> {
        if self.asked.get() >= REQUESTS_MAX || Instant::now() >= self.until {
            return Err(Failure::Spent);
        }
        self.asked.set(self.asked.get() + 1);
        sleep(PACE).await;
        let stream = timeout(CONNECT, TcpStream::connect(&place.address)).await;
        let refused = |error: io::Error| Failure::Connect(error.to_string());
        stream.map_err(|_| Failure::Connect("timed out".to_owned()))?.map_err(refused)
    }
}

async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    place: &Place,
    ask: &Ask,
    end: Instant,
) -> Result<Answer, Failure> {
    // Who refuses a head before it was read whole has answered all the same.
    let head = ask.bytes(&place.authority);
    drop(timeout_at(end, stream.write_all(&head)).await.map_err(|_| Failure::Slow)?);
    drop(timeout_at(end, stream.flush()).await.map_err(|_| Failure::Slow)?);
    let mut received = Vec::with_capacity(4096);
    let mut answer = None;
    let mut is_late = false;
    while received.len() < BYTES_MAX {
        match timeout_at(end, stream.read_buf(&mut received)).await {
            Ok(Ok(0) | Err(_)) => break,
            Ok(Ok(_)) => {}
            Err(_) => {
                is_late = true;
                break;
            }
        }
        answer = Answer::read(&received, ask.method).map_err(|_| Failure::NotHttp)?;
        if answer.as_ref().is_some_and(|answer| answer.is_whole(ask.method)) {
            break;
        }
    }
    answer.ok_or(if is_late { Failure::Slow } else { Failure::Closed })
}
