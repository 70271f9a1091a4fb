//! Owns: TLS on our own listeners. rustls over ring, TLS 1.2 and 1.3, ALPN `h2` before `http/1.1`,
//! resumption by tickets, and a certificate that can be exchanged while it serves.

mod certificate;
mod source;
#[cfg(test)]
mod tests;
mod watch;

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;

use crate::check::Findings;
use crate::config::Settings;
pub(crate) use certificate::expiry;
use certificate::{Certificate, Shown};
use source::Sources;

/// Why certificate and key cannot serve. Never holds key material.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// The certificate is not PEM.
    #[error("holds no certificate in PEM")]
    Certificate,
    /// The key is not PEM.
    #[error("holds no private key in PEM")]
    Key,
    /// They do not belong together, or are of a kind that rustls does not take.
    #[error("certificate and key do not fit")]
    Mismatch,
    /// The system gives no randomness for the keys of tickets.
    #[error("the system gives no randomness")]
    Randomness,
}

/// TLS of one listener, for all threads that share it. Clones are one.
#[derive(Debug, Clone)]
pub struct Tls {
    config: Arc<ServerConfig>,
    shown: Arc<Shown>,
    sources: Sources,
}

impl Tls {
    /// Reads certificate and key from the variables `certificate` and `key`. `None` if both are
    /// unset, or if something is wrong with them, which is noted in `settings`.
    pub fn from_settings(settings: &mut Settings, certificate: &str, key: &str) -> Option<Self> {
        let (sources, pems) = source::read(settings, certificate, key)?;
        let made = Certificate::from_pem(&pems.certificates, &pems.key)
            .and_then(|first| Self::new(first, sources));
        match made {
            Ok(tls) => Some(tls),
            Err(error) => {
                let path = if error == TlsError::Key { key } else { certificate };
                settings.problem(path, &error.to_string(), "Give PEM files that fit.");
                None
            }
        }
    }

    fn new(first: Certificate, sources: Sources) -> Result<Self, TlsError> {
        let shown = Arc::new(Shown::new(first));
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|_| TlsError::Mismatch)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::<Shown>::clone(&shown));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        // Without state of ours, so that any thread resumes what another one began (RFC 8446
        // section 2.2, RFC 5077). The keys change every six hours and never leave the process.
        config.ticketer = ring::Ticketer::new().map_err(|_| TlsError::Randomness)?;
        Ok(Self { config: Arc::new(config), shown, sources })
    }

    /// Warns of a certificate that has expired, or will soon. `name` is the variable that it came from, `now`
    /// seconds since the epoch.
    pub fn warn_of_its_end(&self, name: &str, now: u64, findings: &mut Findings) {
        if let Some(warning) = self.shown.expires().and_then(|expires| ends(expires, now)) {
            findings.warn(name, &format!("holds a certificate that {warning}"), "Renew it.");
        }
    }

    /// What a listener needs. It follows every exchange of the certificate.
    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }
}

/// Shorter than any renewal takes that is done by hand.
const SOON: u64 = 14 * 86_400;

/// How a certificate that expires at `expires` ends, where that has to be told. Both in seconds since the epoch.
pub(crate) fn ends(expires: u64, now: u64) -> Option<String> {
    match expires.saturating_sub(now) {
        0 => Some("has expired".to_owned()),
        left if left < SOON => Some(format!("expires within {} days", left.div_ceil(86_400))),
        _ => None,
    }
}

/// Makes ring the process's default, for libraries that ask for one. First thing in `main`.
pub fn install_ring() {
    // A second call changes nothing, which is what is wanted.
    drop(ring::default_provider().install_default());
}
