//! Owns: the certificate that we show to the identity provider (RFC 8705 section 2) or to a service,
//! parsed and checked against its key.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};

/// Our certificate with its chain and its private key. Clones share them.
#[derive(Clone)]
pub struct TlsIdentity(Arc<CertifiedKey>);

impl TlsIdentity {
    /// Reads a chain in PEM, our own certificate first, and the private key in PEM.
    ///
    /// # Errors
    /// [`IdentityError`], which never repeats the input.
    pub fn parse(chain_pem: &[u8], key_pem: &[u8]) -> Result<Self, IdentityError> {
        let chain = CertificateDer::pem_slice_iter(chain_pem)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| IdentityError::Certificate)?;
        if chain.is_empty() {
            return Err(IdentityError::Certificate);
        }
        let key = PrivateKeyDer::from_pem_slice(key_pem).map_err(|_| IdentityError::Key)?;
        let provider = rustls::crypto::ring::default_provider();
        let certified =
            CertifiedKey::from_der(chain, key, &provider).map_err(|error| match error {
                rustls::Error::InconsistentKeys(_) => IdentityError::Mismatch,
                rustls::Error::InvalidCertificate(_) => IdentityError::Certificate,
                _ => IdentityError::Key,
            })?;
        Ok(Self(Arc::new(certified)))
    }

    /// The chain as the `x5c` member of a JWK has it (RFC 7517 section 4.7).
    pub fn x5c(&self) -> Vec<String> {
        self.0.cert.iter().map(|certificate| STANDARD.encode(certificate)).collect()
    }

    /// For the handshake.
    pub(super) fn resolver(&self) -> Arc<SingleCertAndKey> {
        Arc::new(SingleCertAndKey::from(Arc::clone(&self.0)))
    }
}

impl std::fmt::Debug for TlsIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsIdentity").field("chain", &self.0.cert.len()).finish_non_exhaustive()
    }
}

/// Why a certificate cannot be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// Not a PEM file of X.509 certificates of version 3.
    #[error("not a PEM file of X.509 certificates of version 3")]
    Certificate,
    /// Not a private key in PEM, or of a kind that TLS has no use for.
    #[error("not a private key in PEM that TLS can use")]
    Key,
    /// The key belongs to another certificate.
    #[error("the key of another certificate")]
    Mismatch,
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    fn pair(name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (certificate.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    #[test]
    fn a_certificate_and_its_key_are_read_and_never_shown() {
        let (certificate, key) = pair("client");
        let identity = TlsIdentity::parse(certificate.as_bytes(), key.as_bytes()).unwrap();
        assert_eq!(identity.x5c().len(), 1);
        assert!(!format!("{identity:?}").contains(&identity.x5c()[0]));
    }

    #[test]
    fn what_does_not_belong_together_is_refused() {
        let (certificate, key) = pair("client");
        let (_, other) = pair("other");
        for (chain, key, expected) in [
            (certificate.as_str(), other.as_str(), IdentityError::Mismatch),
            (certificate.as_str(), certificate.as_str(), IdentityError::Key),
            (certificate.as_str(), "", IdentityError::Key),
            (key.as_str(), key.as_str(), IdentityError::Certificate),
            ("", key.as_str(), IdentityError::Certificate),
        ] {
            let refused = TlsIdentity::parse(chain.as_bytes(), key.as_bytes()).unwrap_err();
            assert_eq!(refused, expected);
        }
    }
}
