//! Owns: tests of reading certificates, resuming sessions and exchanging certificates.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{
    ClientConfig, HandshakeKind, ProtocolVersion, RootCertStore, SupportedProtocolVersion,
};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::*;
use crate::clock::ManualClock;
use crate::reload::{Trust, Watch};

const NOW: u64 = 1_800_000_000;

struct Pair {
    certificate: String,
    key: String,
    der: CertificateDer<'static>,
}

fn pair_until(year: i32) -> Pair {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.not_after = date_time_ymd(year, 1, 1);
    let certificate = params.self_signed(&key).unwrap();
    let der = certificate.der().clone();
    Pair { certificate: certificate.pem(), key: key.serialize_pem(), der }
}

fn pair() -> Pair {
    pair_until(2100)
}

fn read(pairs: &[(&str, &str)]) -> Result<Option<Tls>, String> {
    let mut settings = Settings::from_pairs(pairs.iter().copied());
    let tls = Tls::from_settings(&mut settings, "CERT", "KEY");
    settings.finish(Some(tls)).map(|(tls, _)| tls).map_err(|problems| problems.to_string())
}

#[test]
fn t09_certificate_and_key_are_checked_at_start() {
    let (made, other) = (pair(), pair());
    assert!(read(&[]).unwrap().is_none());
    assert!(read(&[("CERT", &made.certificate), ("KEY", &made.key)]).unwrap().is_some());
    for (certificate, key, problem) in [
        ("-----BEGIN canary", made.key.as_str(), "CERT: holds no certificate"),
        (&made.certificate, "-----BEGIN canary", "KEY: holds no private key"),
        (&made.certificate, &other.key, "CERT: certificate and key do not fit"),
        (&made.certificate, "", "KEY: is missing"),
        ("", &made.key, "CERT: is missing"),
        ("/nowhere/canary", &made.key, "CERT: names a file that cannot be read"),
    ] {
        let told = read(&[("CERT", certificate), ("KEY", key)]).unwrap_err();
        assert!(told.starts_with(problem) && !told.contains("canary"), "{told}");
        assert_eq!(told.matches("hint:").count(), 1, "{told}");
    }
}

/// A pair in files, the TLS that was read from them, and somebody who looks when told.
struct Files {
    directory: TempDir,
    tls: Tls,
    watch: Watch,
    metrics: PrometheusHandle,
}

impl Files {
    fn with(first: &Pair) -> Self {
        let directory = TempDir::new().unwrap();
        let (certificate, key) = paths(directory.path());
        std::fs::write(&certificate, &first.certificate).unwrap();
        std::fs::write(&key, &first.key).unwrap();
        let (certificate, key) = (certificate.to_str().unwrap(), key.to_str().unwrap());
        let tls = read(&[("CERT", certificate), ("KEY_FILE", key)]).unwrap().unwrap();
        let recorder = PrometheusBuilder::new().build_recorder();
        let metrics = recorder.handle();
        let clock = Arc::new(ManualClock::at(NOW));
        let watch =
            metrics::with_local_recorder(&recorder, || Watch::over(tls.watched("traffic", clock)));
        Self { directory, tls, watch, metrics }
    }

    fn put(&self, certificate: &str, key: &str) {
        let (certificate_path, key_path) = paths(self.directory.path());
        std::fs::write(certificate_path, certificate).unwrap();
        std::fs::write(key_path, key).unwrap();
    }

    async fn look_twice(&mut self) {
        self.watch.look(Trust::WhenSeenTwice).await;
        self.watch.look(Trust::WhenSeenTwice).await;
    }

    async fn shows(&self, expected: &Pair) {
        let client = client(rustls::ALL_VERSIONS, &[expected]);
        assert_eq!(handshake(&self.tls, &client).await.certificate.as_ref(), Some(&expected.der));
    }

    fn says(&self, line: &str) {
        let text = self.metrics.render();
        assert!(text.lines().any(|said| said == line), "{line}\n{text}");
    }
}

fn paths(directory: &Path) -> (PathBuf, PathBuf) {
    (directory.join("tls.crt"), directory.join("tls.key"))
}

fn client(versions: &[&'static SupportedProtocolVersion], trusted: &[&Pair]) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for pair in trusted {
        roots.add(pair.der.clone()).unwrap();
    }
    let provider = Arc::new(ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec(), b"h2".to_vec()];
    Arc::new(config)
}

struct Handshake {
    kind: HandshakeKind,
    version: ProtocolVersion,
    alpn: Vec<u8>,
    certificate: Option<CertificateDer<'static>>,
}

async fn handshake(tls: &Tls, client: &Arc<ClientConfig>) -> Handshake {
    let (near, far) = tokio::io::duplex(16 * 1024);
    let acceptor = TlsAcceptor::from(tls.config());
    let server = tokio::spawn(async move {
        let mut stream = acceptor.accept(far).await.unwrap();
        stream.write_all(b"x").await.unwrap();
        stream.shutdown().await.unwrap();
    });
    let name = ServerName::try_from("localhost").unwrap();
    let connector = TlsConnector::from(Arc::clone(client));
    let mut stream = connector.connect(name, near).await.unwrap();
    // Tickets of TLS 1.3 come after the handshake, before the first byte.
    stream.read_to_end(&mut Vec::new()).await.unwrap();
    server.await.unwrap();
    let connection = stream.get_ref().1;
    Handshake {
        kind: connection.handshake_kind().unwrap(),
        version: connection.protocol_version().unwrap(),
        alpn: connection.alpn_protocol().unwrap().to_vec(),
        certificate: connection
            .peer_certificates()
            .and_then(|chain| chain.first())
            .map(|first| first.clone().into_owned()),
    }
}

#[tokio::test]
async fn a_second_handshake_is_resumed_and_http_2_preferred() {
    let made = pair();
    let tls = read(&[("CERT", &made.certificate), ("KEY", &made.key)]).unwrap().unwrap();
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let client = client(&[version], &[&made]);
        let first = handshake(&tls, &client).await;
        let second = handshake(&tls, &client).await;
        assert_eq!(first.version, version.version);
        assert_eq!(first.kind, HandshakeKind::Full, "{:?}", first.version);
        assert_eq!(second.kind, HandshakeKind::Resumed, "{:?}", first.version);
        assert_eq!((&first.alpn[..], &second.alpn[..]), (&b"h2"[..], &b"h2"[..]));
    }
}

#[tokio::test]
async fn a_new_pair_is_shown_once_both_files_are_written() {
    let (first, second) = (pair(), pair());
    let mut files = Files::with(&first);
    files.look_twice().await;
    files.says(r#"tls_certificate_expiry_timestamp_seconds{listener="traffic"} 4102444800"#);
    files.says(r#"tls_certificate_reloads_total{listener="traffic",result="ok"} 0"#);

    // Between the two writes, half of each pair is there.
    files.put(&second.certificate, &first.key);
    files.watch.look(Trust::WhenSeenTwice).await;
    files.put(&second.certificate, &second.key);
    files.watch.look(Trust::WhenSeenTwice).await;
    files.shows(&first).await;
    files.says(r#"tls_certificate_reloads_total{listener="traffic",result="refused"} 0"#);

    files.watch.look(Trust::WhenSeenTwice).await;
    files.shows(&second).await;
    files.look_twice().await;
    files.says(r#"tls_certificate_reloads_total{listener="traffic",result="ok"} 1"#);
    files.says("config_last_reload_successful 1");
}

#[tokio::test]
async fn t09_a_broken_pair_is_refused_once_and_the_old_one_stays() {
    let (first, other, expired) = (pair(), pair(), pair_until(2020));
    let mut files = Files::with(&first);
    for (number, (certificate, key)) in [
        ("", ""),
        (first.certificate.as_str(), "-----BEGIN canary"),
        (&first.certificate, &other.key),
        (&expired.certificate, &expired.key),
    ]
    .into_iter()
    .enumerate()
    {
        files.put(certificate, key);
        files.look_twice().await;
        files.look_twice().await;
        files.shows(&first).await;
        let refused = number + 1;
        files.says(&format!(
            r#"tls_certificate_reloads_total{{listener="traffic",result="refused"}} {refused}"#
        ));
        files.says("config_last_reload_successful 0");
    }

    std::fs::remove_file(paths(files.directory.path()).1).unwrap();
    files.look_twice().await;
    files.shows(&first).await;
    files.says(r#"tls_certificate_reloads_total{listener="traffic",result="refused"} 5"#);

    files.put(&other.certificate, &other.key);
    files.watch.look(Trust::AtOnce).await;
    files.shows(&other).await;
    files.says("config_last_reload_successful 1");
}
