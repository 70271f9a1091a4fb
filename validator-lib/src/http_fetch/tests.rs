use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::HttpFetch;
use crate::algorithm::Algorithm;
use crate::discovery::DiscoveryError;
use crate::keyset::MAX_JWKS_BYTES;
use crate::keysource::{Fetch as _, FetchError, Fetched};
use crate::testkit::{AUDIENCE, NOW, Signer, jwks};
use crate::validator::Validator;

/// Answers one connection with `response`, as it stands, and gives the URL to ask.
async fn one_answer(response: String) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 2048];
        let read = stream.read(&mut request).await.unwrap();
        assert!(read > 0);
        // The reader may hang up as soon as it has had enough.
        drop(stream.write_all(response.as_bytes()).await);
    });
    format!("http://{address}/jwks")
}

async fn get(response: String) -> Result<Fetched, FetchError> {
    HttpFetch::new().unwrap().get(&one_answer(response).await).await
}

#[tokio::test]
async fn a_document_and_its_freshness_are_read() {
    let response =
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncache-control: public, max-age=90\r\n\r\n{}";
    let fetched = get(response.to_owned()).await.unwrap();
    assert_eq!(fetched, Fetched { body: b"{}".to_vec(), max_age: Some(90) });
}

#[tokio::test]
async fn no_redirect_is_followed_and_no_other_status_taken() {
    for (line, status) in [
        ("302 Found\r\nlocation: http://127.0.0.1:1/", 302),
        ("204 No Content", 204),
        ("404 Not Found", 404),
        ("500 Internal Server Error", 500),
    ] {
        let response = format!("HTTP/1.1 {line}\r\ncontent-length: 0\r\n\r\n");
        assert_eq!(get(response).await, Err(FetchError::Status(status)));
    }
}

#[tokio::test]
async fn a_body_is_bounded() {
    let body = "a".repeat(MAX_JWKS_BYTES + 1);
    let response = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{body}");
    assert_eq!(get(response).await, Err(FetchError::TooLarge));
}

#[tokio::test]
async fn an_issuer_that_cannot_be_reached_or_hangs_up_is_a_network_error() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let fetch = HttpFetch::new().unwrap();
    let refused = fetch.get(&format!("http://{address}/")).await.unwrap_err();
    assert!(matches!(refused, FetchError::Network(_)));
    assert!(matches!(get(String::new()).await, Err(FetchError::Network(_))));
    assert!(matches!(fetch.get("not a url").await, Err(FetchError::Network(_))));
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_says_nothing_is_given_up() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    assert_eq!(HttpFetch::new().unwrap().get(&url).await, Err(FetchError::Timeout));
}

#[tokio::test]
async fn a_body_that_breaks_off_is_a_network_error() {
    let response = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{}".to_owned();
    assert!(matches!(get(response).await, Err(FetchError::Network(_))));
}

#[test]
fn extra_roots_have_to_be_there() {
    for pem in
        [&b""[..], b"not pem", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
    {
        assert_eq!(HttpFetch::with_extra_roots(pem).unwrap_err(), DiscoveryError::Certificates);
    }
}

/// Serves `metadata` and, at any other path, `keys`, until the test ends.
async fn serve(listener: TcpListener, metadata: String, keys: String) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 2048];
        let read = stream.read(&mut request).await.unwrap();
        let asks_metadata = request[..read].starts_with(b"GET /.well-known/openid-configuration ");
        let body = if asks_metadata { &metadata } else { &keys };
        let length = body.len();
        let response = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}");
        stream.write_all(response.as_bytes()).await.unwrap();
    }
}

#[tokio::test]
async fn the_three_lines_work_against_a_server() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    let signer = Signer::new(Algorithm::ES256);
    let metadata = json!({"issuer": issuer, "jwks_uri": format!("{issuer}/keys")}).to_string();
    let keys = String::from_utf8(jwks(&[signer.jwk("k")])).unwrap();
    let server = tokio::spawn(serve(listener, metadata, keys));

    let raw = signer.access_token("k", json!({"iss": issuer}));
    let request = http::Request::get("/orders").header("authorization", format!("Bearer {raw}"));
    let (parts, ()) = request.body(()).unwrap().into_parts();
    // As a task, because a service runs it as one.
    let checked = tokio::spawn(async move {
        let validator = Validator::discover(issuer, AUDIENCE).clock(|| NOW).await.unwrap();
        let token = validator.check(&parts).await.unwrap();
        token.require_scope("orders:read").map(|()| token.subject().to_owned())
    });
    assert_eq!(checked.await.unwrap().unwrap(), "alice");
    server.abort();
}
