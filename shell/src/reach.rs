//! Owns: one connection to a peer, made to see whether it can be had: its name, TCP, TLS. Nothing is sent
//! over it here.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::check::Findings;
use crate::tls;

/// Longest wait for a peer, whatever is asked of it.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// How long a peer is listened to that may yet refuse our certificate: TLS 1.3 says so after the handshake.
const SECOND_THOUGHTS: Duration = Duration::from_millis(250);

/// A connection, whatever it is made of.
pub trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

/// Where a peer is.
#[derive(Debug, Clone)]
pub struct Peer {
    /// A name, or an address without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// With what it is trusted, and the name that its certificate must have; `None` for plain TCP.
    pub tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
}

/// A peer that was reached.
pub struct Reached {
    /// The connection.
    pub wire: Box<dyn Wire>,
    /// Seconds since the epoch at which its certificate expires, where it showed one that says so.
    pub expires: Option<u64>,
}

impl fmt::Debug for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reached").field("expires", &self.expires).finish_non_exhaustive()
    }
}

/// Why a peer cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreachable {
    /// Nobody knows the name.
    #[error("its name cannot be resolved")]
    Name,
    /// There is no TCP connection.
    #[error("no connection ({0})")]
    Tcp(io::ErrorKind),
    /// The handshake failed, or what came behind it.
    #[error("no TLS ({0})")]
    Tls(String),
    /// The peer hung up after the handshake.
    #[error("it hangs up behind the TLS handshake")]
    Closed,
    /// Nothing was heard in time.
    #[error("no answer in time")]
    TimedOut,
}

impl Unreachable {
    /// What to do about it.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Name => "Check the name, and the DNS of this network.",
            Self::Tcp(_) => {
                "Check that it runs, its port, and what stands between (NetworkPolicy)."
            }
            Self::Tls(_) | Self::Closed => {
                "Check the authority that is trusted, the name, and who must show a certificate."
            }
            Self::TimedOut => {
                "Check what stands between (firewall, NetworkPolicy), and that it is not stuck."
            }
        }
    }
}

impl Peer {
    /// Connects. No answer in [`PATIENCE`] is a time-out.
    ///
    /// # Errors
    /// [`Unreachable`].
    ///
    /// # Cancel safety
    /// The connection is closed.
    pub async fn reach(&self) -> Result<Reached, Unreachable> {
        timeout(PATIENCE, self.connect()).await.unwrap_or(Err(Unreachable::TimedOut))
    }

    async fn connect(&self) -> Result<Reached, Unreachable> {
        let found = lookup_host((self.host.as_str(), self.port)).await;
        let addresses: Vec<_> = found.map_err(|_| Unreachable::Name)?.collect();
        let tcp = TcpStream::connect(addresses.as_slice()).await;
        let tcp = tcp.map_err(|error| Unreachable::Tcp(error.kind()))?;
        let Some((config, name)) = &self.tls else {
            return Ok(Reached { wire: Box::new(tcp), expires: None });
        };
        let connector = TlsConnector::from(Arc::clone(config));
        let mut tls =
            connector.connect(name.clone(), tcp).await.map_err(|error| refused(&error))?;
        let shown = tls.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        let expires = shown.and_then(tls::expiry);
        let mut first = [0];
        match timeout(SECOND_THOUGHTS, tls.read(&mut first)).await {
            Ok(Err(error)) => Err(refused(&error)),
            // Most wait for us to speak; who hung up would not have been spoken to.
            Ok(Ok(0)) => Err(Unreachable::Closed),
            Ok(Ok(_)) | Err(_) => Ok(Reached { wire: Box::new(tls), expires }),
        }
    }

    /// Warns of a certificate of the peer's that has expired, or will soon. Both times are in seconds since the
    /// epoch; `path` is where the peer is named.
    pub fn warn_of_its_end(&self, path: &str, expires: u64, now: u64, findings: &mut Findings) {
        if let Some(end) = tls::ends(expires, now) {
            let warning = format!("leads to {self}, whose certificate {end}");
            findings.warn(path, &warning, "Renew it there.");
        }
    }

    /// Connects and hangs up, and notes in `findings` what came of it. `path` is where the peer is named, `what`
    /// it is called, `now` seconds since the epoch.
    pub async fn look(&self, path: &str, what: &str, now: u64, findings: &mut Findings) {
        match self.reach().await {
            Ok(Reached { expires, .. }) => {
                findings.reached(format!("{what} at {self}"));
                if let Some(expires) = expires {
                    self.warn_of_its_end(path, expires, now, findings);
                }
            }
            Err(error) => {
                findings.problem(path, &format!("leads to {self}: {error}"), error.hint());
            }
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        let tls = if self.tls.is_some() { " (TLS)" } else { "" };
        write!(f, "{open}{}{close}:{}{tls}", self.host, self.port)
    }
}

/// What rustls says of a certificate; it holds names of hosts at most.
fn refused(error: &io::Error) -> Unreachable {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    Unreachable::Tls(inner.map_or_else(|| error.kind().to_string(), ToString::to_string))
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    fn peer(host: &str, port: u16) -> Peer {
        Peer { host: host.to_owned(), port, tls: None }
    }

    #[tokio::test]
    async fn what_is_there_is_reached_and_what_is_not_is_told_why() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(peer("127.0.0.1", port).reach().await.is_ok());
        drop(listener);
        let refused = peer("127.0.0.1", port).reach().await.unwrap_err();
        assert_eq!(refused, Unreachable::Tcp(io::ErrorKind::ConnectionRefused));
        let nowhere = peer("nowhere.invalid", 1).reach().await.unwrap_err();
        assert_eq!(nowhere, Unreachable::Name);
    }

    #[tokio::test]
    async fn a_look_names_the_setting_and_the_place() {
        let mut findings = Findings::default();
        peer("nowhere.invalid", 80).look("A_URL", "a", 0, &mut findings).await;
        let problem = findings.problems.first().unwrap();
        assert_eq!(problem.path, "A_URL");
        assert_eq!(problem.problem, "leads to nowhere.invalid:80: its name cannot be resolved");
        assert_eq!(peer("::1", 80).to_string(), "[::1]:80");
    }
}
