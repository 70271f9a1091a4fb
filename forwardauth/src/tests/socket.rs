//! The service on a socket: what only shows there.

use super::gate::{Gate, alice};
use shell::listen::{self, Limits};
use shell::shutdown::Shutdown;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The first bytes of the answer to `request`.
async fn send(request: &str) -> String {
    let gate = Gate::with(&[
        ("BFF_TRUSTED_PROXIES", "127.0.0.1"),
        ("BFF_BINDING_IP", "off"),
        ("BFF_BINDING_UA", "off"),
    ])
    .await;
    let session = gate.sign_in(&alice()).await;
    let listener = listen::bind("127.0.0.1:0".parse().unwrap(), false).unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = Shutdown::new();
    let (verify, end) = (gate.verify.clone(), shutdown.clone());
    let served =
        tokio::spawn(async move { verify.serve(listener, None, Limits::default(), end).await });
    let mut stream = TcpStream::connect(address).await.unwrap();
    let cookie = format!("bff_session={}", session.expose());
    stream.write_all(request.replace("{cookie}", &cookie).as_bytes()).await.unwrap();
    let mut answer = vec![0; 12];
    let read = stream.read_exact(&mut answer);
    tokio::time::timeout(Duration::from_secs(5), read).await.expect("an answer").unwrap();
    drop(stream);
    shutdown.begin();
    served.await.unwrap();
    assert!(shutdown.drained(Duration::from_secs(5)).await);
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_body_that_never_comes_is_not_waited_for() {
    let naive = "POST /auth/verify HTTP/1.0\r\ncookie: {cookie}\r\ncontent-length: 5\r\n\r\n";
    assert_eq!(send(naive).await, "HTTP/1.0 200");
}

#[tokio::test]
async fn raw_bytes_and_many_headers_are_no_reason_to_refuse() {
    let many: String = (0..90).map(|number| format!("x-{number}: y\r\n")).collect();
    let head = format!(
        "GET /auth/verify HTTP/1.1\r\nhost: a\r\ncookie: caf\u{e9}={{}}; {{cookie}}\r\n{many}\r\n"
    );
    assert_eq!(send(&head).await, "HTTP/1.1 200");
}

#[tokio::test]
async fn t17_a_head_beyond_all_measure_is_431() {
    let endless =
        format!("GET /auth/verify HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "y".repeat(300_000));
    let answer = send(&endless).await;
    assert_eq!(answer, "HTTP/1.1 431");
}
