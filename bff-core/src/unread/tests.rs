use std::convert::Infallible;

use http::{Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// A connection to a server that refuses whatever comes, without reading it.
async fn refusing() -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let refuse = service_fn(|request: Request<Incoming>| {
            drop(take(request));
            async {
                let mut answer = Response::new(Body::from("no"));
                *answer.status_mut() = StatusCode::UNAUTHORIZED;
                Ok::<_, Infallible>(answer)
            }
        });
        drop(http1::Builder::new().serve_connection(TokioIo::new(stream), refuse).await);
    });
    TcpStream::connect(address).await.unwrap()
}

/// Reads up to the end of one answer.
async fn answer(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\nno") {
        let byte = tokio::time::timeout(Duration::from_secs(10), stream.read_u8()).await.unwrap();
        text.push(byte.unwrap());
    }
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn c68_a_refused_body_that_comes_after_its_answer_breaks_no_connection() {
    let mut stream = refusing().await;
    for body in [b"{}".to_vec(), vec![b'x'; MOST]] {
        let head = format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).await.unwrap();
        let refused = answer(&mut stream).await;
        assert!(refused.starts_with("HTTP/1.1 401"), "{refused}");
        stream.write_all(&body).await.unwrap();
    }
    stream
        .write_all(b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")
        .await
        .unwrap();
    answer(&mut stream).await;
    stream.write_all(b"2\r\n{}\r\n0\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    assert!(answer(&mut stream).await.starts_with("HTTP/1.1 401"));
}

#[tokio::test]
async fn c67_a_long_body_is_not_read_for_nothing_and_a_late_one_not_for_long() {
    let mut stream = refusing().await;
    let head = format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", MOST + 1);
    stream.write_all(head.as_bytes()).await.unwrap();
    answer(&mut stream).await;
    assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 0, "closed at once");

    // One that says nothing of its length is read up to the same.
    let mut stream = refusing().await;
    stream
        .write_all(b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")
        .await
        .unwrap();
    answer(&mut stream).await;
    let chunk = format!("{MOST:x}\r\n{}\r\n", "x".repeat(MOST));
    let endless = async {
        loop {
            if stream.write_all(chunk.as_bytes()).await.is_err() {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), endless).await.unwrap();
}

#[tokio::test]
async fn c67_who_asks_before_sending_is_refused_and_asked_for_nothing() {
    let mut stream = refusing().await;
    let head = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    assert!(answer(&mut stream).await.starts_with("HTTP/1.1 401"), "no 100");
}
