//! A certificate authority of the test's own, and the certificates of its parts.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use rustls::client::WantsClientCert;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, ServerConfig};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// The authority; every part of a stack trusts it and nothing else does.
#[derive(Debug)]
pub struct Ca {
    directory: PathBuf,
    issuer: Issuer<'static, KeyPair>,
    root: CertificateDer<'static>,
}

/// A certificate and its key, as files and as values.
#[derive(Debug)]
pub struct Leaf {
    /// PEM of the certificate.
    pub certificate: PathBuf,
    /// PEM of the private key.
    pub key: PathBuf,
    chain: Vec<CertificateDer<'static>>,
    private: PrivatePkcs8KeyDer<'static>,
}

impl Ca {
    /// Makes a new authority whose certificates lie in `directory`.
    pub fn new(directory: PathBuf) -> Self {
        let key = KeyPair::generate().expect("a key pair");
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "wicketgate test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).expect("a root certificate");
        std::fs::write(directory.join("ca.pem"), certificate.pem()).expect("ca.pem");
        let root = certificate.der().clone();
        Self { directory, issuer: Issuer::new(params, key), root }
    }

    /// PEM of the root certificate.
    pub fn file(&self) -> PathBuf {
        self.directory.join("ca.pem")
    }

    /// Issues a certificate for DNS names and addresses, good for servers and clients.
    pub fn issue(&self, name: &str, subjects: &[&str]) -> Leaf {
        let key = KeyPair::generate().expect("a key pair");
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.subject_alt_names =
            subjects.iter().map(|subject| alternative_name(subject)).collect();
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Leaf {
            certificate: write(&self.directory, &format!("{name}.pem"), &certificate.pem()),
            key: write(&self.directory, &format!("{name}.key"), &key.serialize_pem()),
            chain: vec![certificate.der().clone()],
            private: PrivatePkcs8KeyDer::from(key.serialize_der()),
        }
    }

    /// Makes a certificate that nobody but itself vouches for, and returns it and its key as PEM files.
    pub fn self_signed(&self, name: &str) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().expect("a key pair");
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.self_signed(&key).expect("a certificate");
        (
            write(&self.directory, &format!("{name}.pem"), &certificate.pem()),
            write(&self.directory, &format!("{name}.key"), &key.serialize_pem()),
        )
    }

    /// A client that trusts this authority alone, without ALPN.
    pub fn client(&self) -> ClientConfig {
        self.trusting_clients().with_no_client_auth()
    }

    /// The same, with a certificate for servers that ask for one.
    pub fn client_showing(&self, leaf: &Leaf) -> ClientConfig {
        self.trusting_clients()
            .with_client_auth_cert(leaf.chain.clone(), leaf.private())
            .expect("the key belongs to the certificate")
    }

    fn trusting_clients(&self) -> ConfigBuilder<ClientConfig, WantsClientCert> {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone()).expect("the root certificate is one");
        ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("the provider knows TLS 1.2 and 1.3")
            .with_root_certificates(roots)
    }

    /// The certificate that `address` shows at a new handshake.
    ///
    /// # Panics
    /// When there is none of this authority for `host`.
    pub async fn shown(&self, address: SocketAddr, host: &str) -> CertificateDer<'static> {
        let stream = TcpStream::connect(address).await.expect("the listener accepts");
        let name = ServerName::try_from(host.to_owned()).expect("a server name");
        // A client without memory: a resumed handshake shows no certificate.
        let connector = TlsConnector::from(Arc::new(self.client()));
        let stream = connector.connect(name, stream).await.expect("TLS is spoken here");
        let chain = stream.get_ref().1.peer_certificates().expect("a chain");
        chain[0].clone().into_owned()
    }
}

impl Leaf {
    /// Whether `shown` is this certificate.
    pub fn is(&self, shown: &CertificateDer<'_>) -> bool {
        self.chain[0] == *shown
    }

    /// The certificate as DER.
    pub fn der(&self) -> &[u8] {
        &self.chain[0]
    }

    fn private(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(self.private.clone_key())
    }

    /// A server that shows this certificate, speaks HTTP/1.1, and takes nobody without a certificate of
    /// `ca`.
    pub fn demanding_server(&self, ca: &Ca) -> Arc<ServerConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(ca.root.clone()).expect("the root certificate is one");
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
            .build()
            .expect("there is a root");
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("the provider knows TLS 1.2 and 1.3")
            .with_client_cert_verifier(verifier)
            .with_single_cert(self.chain.clone(), self.private())
            .expect("the key belongs to the certificate");
        Arc::new(config)
    }

    /// A server that shows this certificate and offers the protocols, best first.
    pub fn server(&self, protocols: &[&str]) -> Arc<ServerConfig> {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("the provider knows TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_single_cert(self.chain.clone(), self.private())
            .expect("the key belongs to the certificate");
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        Arc::new(config)
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn alternative_name(subject: &str) -> SanType {
    subject.parse::<IpAddr>().map_or_else(
        |_| SanType::DnsName(subject.try_into().expect("a DNS name")),
        SanType::IpAddress,
    )
}

fn write(directory: &Path, name: &str, pem: &str) -> PathBuf {
    let path = directory.join(name);
    std::fs::write(&path, pem).expect("a file for the certificate");
    path
}
