use std::net::SocketAddr;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

const LONG: Duration = Duration::from_secs(5);

/// Answers each connection with `answer` and closes it.
async fn server(answer: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let _read = stream.read(&mut request).await.unwrap();
            stream.write_all(&answer).await.unwrap();
        }
    });
    address
}

fn get(url: &str) -> Request<Full<Bytes>> {
    Request::get(url).body(Full::new(Bytes::new())).unwrap()
}

async fn send(address: SocketAddr, timeout: Duration) -> Result<Response<Bytes>, HttpError> {
    HttpClient::new(None).unwrap().send("test", get(&format!("http://{address}/")), timeout).await
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let answer = b"HTTP/1.1 307 X\r\nlocation: http://evil.example/\r\ncontent-length: 0\r\n\r\n";
    let response = send(server(answer.to_vec()).await, LONG).await.unwrap();
    assert_eq!(response.status(), 307);
}

#[tokio::test]
async fn an_answer_of_the_largest_size_is_read_and_one_byte_more_is_refused() {
    let answer = |length: usize| {
        let mut answer =
            format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n").into_bytes();
        answer.extend(std::iter::repeat_n(b'x', length));
        answer
    };
    let response = send(server(answer(MAX_BODY)).await, LONG).await.unwrap();
    assert_eq!(response.body().len(), MAX_BODY);
    let error = send(server(answer(MAX_BODY + 1)).await, LONG).await.unwrap_err();
    assert!(matches!(error, HttpError::TooLarge), "{error:?}");
    let mut endless = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    endless.extend(format!("{:x}\r\n", MAX_BODY + 1).into_bytes());
    endless.extend(std::iter::repeat_n(b'x', MAX_BODY + 1));
    let error = send(server(endless).await, LONG).await.unwrap_err();
    assert!(matches!(error, HttpError::TooLarge), "{error:?}");
}

#[tokio::test]
async fn a_refused_connection_is_known_not_to_have_been_sent() {
    let address = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let error = send(address, LONG).await.unwrap_err();
    assert!(matches!(error, HttpError::Connect(_)), "{error:?}");
    assert!(!error.may_have_been_sent());
}

#[tokio::test]
async fn an_answer_that_breaks_off_may_have_been_sent() {
    for answer in
        ["", "HTTP/1.1 200 OK\r\ncontent-le", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx"]
    {
        let error = send(server(answer.into()).await, LONG).await.unwrap_err();
        assert!(matches!(error, HttpError::Interrupted(_)), "{error:?}");
        assert!(error.may_have_been_sent());
    }
}

#[tokio::test]
async fn a_server_that_says_nothing_costs_the_timeout_and_no_more() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let error = send(listener.local_addr().unwrap(), Duration::from_millis(200)).await.unwrap_err();
    assert!(matches!(error, HttpError::Timeout), "{error:?}");
    assert!(error.may_have_been_sent());
}

#[tokio::test]
async fn a_tls_handshake_that_hangs_is_known_not_to_have_been_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let client = HttpClient::with_connect_timeout(None, Duration::from_millis(200)).unwrap();
    let error = client.send("test", get(&url), LONG).await.unwrap_err();
    assert!(matches!(error, HttpError::Connect(_)), "{error:?}");
}

#[tokio::test]
async fn a_private_ca_is_trusted_when_it_is_given_and_not_otherwise() {
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_pem = ca.self_signed(&ca_key).unwrap().pem();
    let issuer = Issuer::new(ca, ca_key);
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &issuer).unwrap();

    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key.into())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // A client that does not trust us hangs up during the handshake.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut request = [0; 1024];
            let _read = stream.read(&mut request).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            stream.shutdown().await.unwrap();
        }
    });

    let url = format!("https://localhost:{port}/");
    let trusting = HttpClient::new(Some(ca_pem.as_bytes())).unwrap();
    assert_eq!(trusting.send("test", get(&url), LONG).await.unwrap().status(), 200);
    let strange = HttpClient::new(None).unwrap();
    let error = strange.send("test", get(&url), LONG).await.unwrap_err();
    assert!(matches!(error, HttpError::Connect(_)), "{error:?}");
}

#[test]
fn a_ca_file_without_a_certificate_is_refused() {
    for pem in ["", "no pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let error = HttpClient::new(Some(pem.as_bytes())).unwrap_err();
        assert!(matches!(error, HttpSetupError::Ca), "{pem}");
    }
}
