//! Owns: tests of accepting, of the limits and of the drain, on plain connections.

use super::*;
use http_body_util::Full;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Semaphore;

pub(super) async fn hello(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::new("hello".into())))
}

fn start(limits: Limits) -> (SocketAddr, Shutdown) {
    let listener = bind("127.0.0.1:0".parse().unwrap(), false).unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = Shutdown::new();
    let served =
        serve(listener, None, limits, shutdown.clone(), |_| hyper::service::service_fn(hello));
    drop(tokio::spawn(served));
    (address, shutdown)
}

async fn send(address: SocketAddr, request: String) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A server that refuses half-way resets the connection; what it said before that counts.
    drop(stream.read_to_end(&mut answer).await);
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn requests_are_answered() {
    let (address, _shutdown) = start(Limits::default());
    let answer =
        send(address, "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n".to_owned()).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("hello"), "{answer}");
}

#[tokio::test]
async fn t17_too_large_a_header_is_refused() {
    let limits = Limits { max_header_bytes: 16 * 1024, ..Limits::default() };
    let (address, _shutdown) = start(limits);
    let request = format!("GET / HTTP/1.1\r\nhost: a\r\ncookie: {}\r\n\r\n", "a".repeat(17_000));
    let answer = send(address, request).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[tokio::test]
async fn a_peer_that_sends_nothing_is_let_go() {
    let limits = Limits { header_timeout: Duration::from_millis(50), ..Limits::default() };
    let (address, _shutdown) = start(limits);
    for begin in ["", "GET / HT"] {
        let answer = send(address, begin.to_owned()).await;
        assert!(!answer.contains("200"), "{answer}");
    }
}

#[tokio::test]
async fn the_drain_finishes_what_is_under_way_and_refuses_the_rest() {
    let (entered, leave) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let listener = bind("127.0.0.1:0".parse().unwrap(), false).unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = Shutdown::new();
    let gates = (Arc::clone(&entered), Arc::clone(&leave));
    let served = serve(listener, None, Limits::default(), shutdown.clone(), move |_| {
        let (entered, leave) = gates.clone();
        hyper::service::service_fn(move |request| {
            let (entered, leave) = (Arc::clone(&entered), Arc::clone(&leave));
            async move {
                entered.add_permits(1);
                drop(leave.acquire().await);
                hello(request).await
            }
        })
    });
    let served = tokio::spawn(served);
    let answer = tokio::spawn(send(address, "GET / HTTP/1.1\r\nhost: a\r\n\r\n".to_owned()));
    drop(entered.acquire().await);

    shutdown.begin();
    served.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err(), "the listener is closed");
    leave.add_permits(1);
    let answer = answer.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("hello"), "{answer}");
    assert!(shutdown.drained(Duration::from_secs(5)).await);
}

async fn read_answer(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    while !answer.ends_with(b"hello") {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0, "closed without an answer");
    }
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_request_on_an_idle_connection_at_the_drain_is_answered_as_the_last_one() {
    const REQUEST: &[u8] = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n";
    let (address, shutdown) = start(Limits::default());
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(REQUEST).await.unwrap();
    assert!(!read_answer(&mut stream).await.contains("connection: close"));

    shutdown.begin();
    // The connection's task has heard of it by now, and would have closed what is idle.
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    stream.write_all(REQUEST).await.unwrap();
    assert!(read_answer(&mut stream).await.contains("connection: close"));
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0, "closed behind the last answer");
    assert!(shutdown.drained(Duration::from_secs(5)).await);
}

#[tokio::test]
async fn a_connection_that_stays_idle_does_not_hold_the_drain() {
    let limits = Limits { linger: Duration::from_millis(20), ..Limits::default() };
    let (address, shutdown) = start(limits);
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    drop(read_answer(&mut idle).await);
    shutdown.begin();
    assert_eq!(idle.read(&mut [0]).await.unwrap(), 0);
    assert!(shutdown.drained(Duration::from_secs(5)).await);
}

#[tokio::test]
async fn who_waits_to_be_accepted_when_the_drain_begins_is_answered() {
    let listener = bind("127.0.0.1:0".parse().unwrap(), false).unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = Shutdown::new();
    let answers: Vec<_> = (0..8)
        .map(|_| tokio::spawn(send(address, "GET / HTTP/1.1\r\nhost: a\r\n\r\n".to_owned())))
        .collect();
    // One thread runs all of this: each of them connects when it is given its turn.
    tokio::task::yield_now().await;
    shutdown.begin();
    serve(listener, None, Limits::default(), shutdown.clone(), |_| {
        hyper::service::service_fn(hello)
    })
    .await;
    for answer in answers {
        let answer = answer.await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("hello"), "{answer}");
    }
}

/// Lints keep shipped code from it; a library may still.
#[tokio::test]
async fn t08_a_panic_in_a_handler_is_no_answer_and_ends_its_own_connection_alone() {
    let listener = bind("127.0.0.1:0".parse().unwrap(), false).unwrap();
    let address = listener.local_addr().unwrap();
    // Room for two connections: one that panicked must give its place back.
    let limits =
        Limits { connections: Connections::counted("panics", Some(2)), ..Limits::default() };
    let shutdown = Shutdown::new();
    let served = serve(listener, None, limits, shutdown.clone(), |_| {
        hyper::service::service_fn(async |request: Request<Incoming>| {
            assert_ne!(request.uri().path(), "/panic", "as the test wants it");
            hello(request).await
        })
    });
    drop(tokio::spawn(served));
    let mut bystander = TcpStream::connect(address).await.unwrap();
    for _ in 0..5 {
        let answer = send(address, "GET /panic HTTP/1.1\r\nhost: a\r\n\r\n".to_owned()).await;
        assert_eq!(answer, "", "a proxy makes 502 of it, and never a 2xx");
        bystander.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        assert!(read_answer(&mut bystander).await.starts_with("HTTP/1.1 200"));
    }
    shutdown.begin();
    assert!(shutdown.drained(Duration::from_secs(10)).await, "a panic holds no drain");
}
