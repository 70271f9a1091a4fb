//! Owns: TLS on our own listeners. rustls over ring, TLS 1.2 and 1.3, ALPN `h2` before `http/1.1`.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::{ExposeSecret as _, SecretString};

/// Why certificate and key cannot serve. Never holds key material.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
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
}

/// A server configuration from PEM texts.
///
/// # Errors
/// [`TlsError`].
pub fn server_config(
    certificates: &[u8],
    key: &SecretString,
) -> Result<Arc<ServerConfig>, TlsError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificates).collect();
    let chain = chain.ok().filter(|chain| !chain.is_empty()).ok_or(TlsError::Certificate)?;
    let key =
        PrivateKeyDer::from_pem_slice(key.expose_secret().as_bytes()).map_err(|_| TlsError::Key)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| TlsError::Mismatch)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|_| TlsError::Mismatch)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Makes ring the process's default, for libraries that ask for one. First thing in `main`.
pub fn install_ring() {
    // A second call changes nothing, which is what is wanted.
    drop(rustls::crypto::ring::default_provider().install_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t09_certificate_and_key_are_checked_at_start() {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let cert = made.cert.pem();
        let key: SecretString = made.signing_key.serialize_pem().into();
        let other_key: SecretString = other.signing_key.serialize_pem().into();

        let config = server_config(cert.as_bytes(), &key).unwrap();
        assert_eq!(config.alpn_protocols, [b"h2".to_vec(), b"http/1.1".to_vec()]);
        assert_eq!(server_config(b"x", &key).unwrap_err(), TlsError::Certificate);
        let no_key = SecretString::from("x".to_owned());
        assert_eq!(server_config(cert.as_bytes(), &no_key).unwrap_err(), TlsError::Key);
        assert_eq!(server_config(cert.as_bytes(), &other_key).unwrap_err(), TlsError::Mismatch);
    }
}
