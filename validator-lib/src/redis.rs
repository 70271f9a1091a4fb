//! Owns: what is set to reach a Redis, and what cannot work.

pub(crate) mod connection;
pub(crate) mod failure;
pub(crate) mod pause;

use std::sync::Arc;

use fred::types::RespVersion;
use fred::types::config::{Config, TlsConnector};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

/// Why nothing that rests on a Redis can even be started. Never holds the URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The URL cannot be used.
    #[error("not a URL of redis://, rediss://, redis-cluster:// or rediss-cluster://")]
    Url,
    /// A certificate or key cannot be used, or they do not belong together.
    #[error("a certificate or its key cannot be used")]
    Certificates,
    /// The interval is zero, or the list would be stale between two proofs.
    #[error("the interval is zero or longer than half of the staleness that is allowed")]
    Interval,
    /// There is no tokio runtime.
    #[error("no tokio runtime")]
    NoRuntime,
}

/// How a builder is told to trust its `server`, and to be trusted by it.
macro_rules! reached_over_tls {
    () => {
        /// Trusts the PEM certificates of `pem` alone, in place of those that the machine trusts.
        pub fn ca(mut self, pem: impl Into<Vec<u8>>) -> Self {
            self.server.ca = Some(pem.into());
            self
        }

        /// Shows a certificate: its chain and its key, both PEM.
        pub fn client_certificate(
            mut self,
            chain: impl Into<Vec<u8>>,
            key: impl Into<Vec<u8>>,
        ) -> Self {
            self.server.certificate = Some((chain.into(), key.into()));
            self
        }
    };
}
pub(crate) use reached_over_tls;

/// A Redis, and how to trust it and be trusted.
pub(crate) struct Server {
    url: String,
    /// PEM; the machine's authorities where there is none.
    pub(crate) ca: Option<Vec<u8>>,
    /// A chain and its key, PEM.
    pub(crate) certificate: Option<(Vec<u8>, Vec<u8>)>,
}

impl Server {
    pub(crate) const fn at(url: String) -> Self {
        Self { url, ca: None, certificate: None }
    }

    pub(crate) fn config(&self) -> Result<Config, SetupError> {
        let (scheme, rest) = self.url.split_once("://").ok_or(SetupError::Url)?;
        // fred is shown a URL without TLS: for one with, it reads the machine's certificates by itself, and
        // panics where a program links two crypto providers.
        let (read, encrypted): (fn(&str) -> _, bool) = match scheme {
            "redis" => (Config::from_url_centralized, false),
            "rediss" => (Config::from_url_centralized, true),
            "redis-cluster" => (Config::from_url_clustered, false),
            "rediss-cluster" => (Config::from_url_clustered, true),
            _ => return Err(SetupError::Url),
        };
        let mut config = read(&format!("redis://{rest}")).map_err(|_| SetupError::Url)?;
        config.fail_fast = true;
        // With RESP3, messages and answers share a connection.
        config.version = RespVersion::RESP3;
        if encrypted {
            config.tls = Some(TlsConnector::from(self.tls()?).into());
        } else if self.ca.is_some() || self.certificate.is_some() {
            return Err(SetupError::Certificates);
        }
        Ok(config)
    }

    fn tls(&self) -> Result<ClientConfig, SetupError> {
        let unusable = |_| SetupError::Certificates;
        let mut roots = RootCertStore::empty();
        if let Some(pem) = &self.ca {
            for certificate in certificates(pem)? {
                roots.add(certificate).map_err(unusable)?;
            }
        } else {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        if roots.is_empty() {
            return Err(SetupError::Certificates);
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_root_certificates(roots);
        let Some((chain, key)) = &self.certificate else { return Ok(tls.with_no_client_auth()) };
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| SetupError::Certificates)?;
        tls.with_client_auth_cert(certificates(chain)?, key).map_err(unusable)
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, SetupError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    read.ok().filter(|read| !read.is_empty()).ok_or(SetupError::Certificates)
}
