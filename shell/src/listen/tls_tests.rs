//! Owns: tests of what only a TLS listener does, and of how connections are counted.

use std::io;

use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::tests::hello;
use super::*;
use crate::config::Settings;
use crate::tls::Tls;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const NO_SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
/// Longer than any limit of these tests, shorter than the defaults.
const SOON: Duration = Duration::from_secs(5);

struct Server {
    address: SocketAddr,
    connector: TlsConnector,
    metrics: PrometheusHandle,
    shutdown: Shutdown,
}

/// `max` connections, at most.
fn start(limits: &Limits, max: usize) -> Server {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let mut settings = Settings::from_pairs([("CERT", certificate), ("KEY", key)]);
    let tls = Tls::from_settings(&mut settings, "CERT", "KEY").unwrap();

    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    client.alpn_protocols = vec![b"h2".to_vec()];

    let recorder = PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let connections =
        metrics::with_local_recorder(&recorder, || Connections::counted("test", Some(max)));
    let limits = Limits { connections, ..limits.clone() };
    let listener = bind("127.0.0.1:0".parse().unwrap(), false).unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = Shutdown::new();
    let served = serve(listener, Some(tls.config()), limits, shutdown.clone(), |_| {
        hyper::service::service_fn(hello)
    });
    drop(tokio::spawn(served));
    Server { address, connector: TlsConnector::from(Arc::new(client)), metrics, shutdown }
}

impl Server {
    async fn connect(&self) -> io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.address).await?;
        self.connector.connect(ServerName::try_from("localhost").unwrap(), stream).await
    }

    fn says(&self, line: &str) {
        let text = self.metrics.render();
        assert!(text.lines().any(|said| said == line), "{line}\n{text}");
    }
}

/// Reads until the peer closes, in whichever way.
async fn closed(mut stream: TlsStream<TcpStream>) {
    let read = async { drop(stream.read_to_end(&mut Vec::new()).await) };
    tokio::time::timeout(SOON, read).await.expect("the connection ends");
}

#[tokio::test]
async fn connections_and_handshakes_are_counted_and_requests_are_not() {
    let server = start(&Limits::default(), 10);
    let stream = TokioIo::new(server.connect().await.unwrap());
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    let driven = tokio::spawn(connection);
    for _ in 0..3 {
        let request = Request::get("https://localhost/").body(Empty::<Bytes>::new()).unwrap();
        let answer = sender.send_request(request).await.unwrap();
        assert_eq!(answer.collect().await.unwrap().to_bytes(), "hello");
    }
    server.says(r#"test_connections{protocol="h2"} 1"#);
    server.says(r#"test_connections_total{protocol="h2"} 1"#);
    server.says(r#"test_connections_total{protocol="h1"} 0"#);
    server.says(r#"test_tls_handshakes_total{result="full"} 1"#);

    // One that knows the server, and one that speaks no TLS.
    let again = server.connect().await.unwrap();
    let mut stranger = TcpStream::connect(server.address).await.unwrap();
    stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    drop(stranger.read_to_end(&mut Vec::new()).await);
    drop((sender, again));
    driven.await.unwrap().unwrap();
    server.shutdown.begin();
    assert!(server.shutdown.drained(SOON).await);
    server.says(r#"test_tls_handshakes_total{result="resumed"} 1"#);
    server.says(r#"test_tls_handshakes_total{result="failed"} 1"#);
    server.says(r#"test_connections{protocol="h2"} 0"#);
    server.says(r#"test_connections_total{protocol="h2"} 2"#);
}

#[tokio::test]
async fn t17_a_peer_that_agrees_on_http_2_and_says_nothing_is_let_go() {
    let limits = Limits { handshake_timeout: Duration::from_millis(500), ..Limits::default() };
    let server = start(&limits, 10);
    for begin in [&b""[..], &PREFACE[..10]] {
        let mut stream = server.connect().await.unwrap();
        stream.write_all(begin).await.unwrap();
        closed(stream).await;
    }
}

#[tokio::test]
async fn t17_a_peer_that_answers_no_ping_is_let_go() {
    let limits = Limits {
        ping_interval: Duration::from_millis(50),
        ping_timeout: Duration::from_millis(50),
        ..Limits::default()
    };
    let server = start(&limits, 10);
    let mut stream = server.connect().await.unwrap();
    stream.write_all(PREFACE).await.unwrap();
    stream.write_all(NO_SETTINGS).await.unwrap();
    closed(stream).await;
}

#[tokio::test]
async fn t17_connections_beyond_the_most_are_closed_at_once_and_room_is_used_again() {
    let server = start(&Limits::default(), 2);
    let (first, second) = (server.connect().await.unwrap(), server.connect().await.unwrap());
    assert!(server.connect().await.is_err());
    server.says("test_connections_refused_total 1");
    drop((first, second));
    let room = async {
        while server.connect().await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, room).await.expect("room for one more");
}
