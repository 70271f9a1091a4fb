//! Owns: a certificate chain with its key, and the one that is shown to peers at the moment.

use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use secrecy::{ExposeSecret as _, SecretString};
use x509_cert::Certificate as X509;
use x509_cert::der::Decode as _;

use super::TlsError;

/// A chain and its key, which fit.
#[derive(Debug)]
pub(super) struct Certificate {
    key: Arc<CertifiedKey>,
    /// Seconds since the epoch at which the first certificate of the chain expires (RFC 5280
    /// section 4.1.2.5); `None` where that cannot be read, which rustls does not ask for.
    pub(super) expires: Option<u64>,
}

impl Certificate {
    pub(super) fn from_pem(certificates: &[u8], key: &SecretString) -> Result<Self, TlsError> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificates).collect();
        let chain = chain.map_err(|_| TlsError::Certificate)?;
        let expires = chain.first().ok_or(TlsError::Certificate).map(expiry)?;
        let key = PrivateKeyDer::from_pem_slice(key.expose_secret().as_bytes())
            .map_err(|_| TlsError::Key)?;
        let key = CertifiedKey::from_der(chain, key, &ring::default_provider())
            .map_err(|_| TlsError::Mismatch)?;
        Ok(Self { key: Arc::new(key), expires })
    }
}

/// Seconds since the epoch at which `certificate` expires; `None` where that cannot be read.
pub(crate) fn expiry(certificate: &CertificateDer<'_>) -> Option<u64> {
    let parsed = X509::from_der(certificate).ok()?;
    Some(parsed.tbs_certificate().validity().not_after.to_unix_duration().as_secs())
}

/// The certificate of the next handshake. Connections that are open keep theirs.
#[derive(Debug)]
pub(super) struct Shown(ArcSwap<Certificate>);

impl Shown {
    pub(super) fn new(first: Certificate) -> Self {
        Self(ArcSwap::from_pointee(first))
    }

    pub(super) fn show(&self, next: Certificate) {
        self.0.store(Arc::new(next));
    }

    /// As [`Certificate::expires`].
    pub(super) fn expires(&self) -> Option<u64> {
        self.0.load().expires
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.load().key))
    }
}
