use super::*;
use http_body_util::Full;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

async fn hello(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
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

async fn send(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn requests_are_answered() {
    let (address, _shutdown) = start(Limits::default());
    let answer = send(address, "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("hello"), "{answer}");
}

#[tokio::test]
async fn t17_too_large_a_header_is_refused() {
    let limits = Limits { max_header_bytes: 16 * 1024, ..Limits::default() };
    let (address, _shutdown) = start(limits);
    let request = format!("GET / HTTP/1.1\r\nhost: a\r\ncookie: {}\r\n\r\n", "a".repeat(17_000));
    let answer = send(address, &request).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[tokio::test]
async fn a_peer_that_sends_nothing_is_let_go() {
    let limits = Limits { header_timeout: Duration::from_millis(50), ..Limits::default() };
    let (address, _shutdown) = start(limits);
    for begin in ["", "GET / HT"] {
        let answer = send(address, begin).await;
        assert!(!answer.contains("200"), "{answer}");
    }
}

#[tokio::test]
async fn the_drain_finishes_what_is_under_way_and_refuses_the_rest() {
    let (address, shutdown) = start(Limits::default());
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n").await.unwrap();
    // The rest of the header follows only once the end has begun.
    shutdown.begin();
    stream.write_all(b"\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(shutdown.drained(Duration::from_secs(5)).await);
    assert!(TcpStream::connect(address).await.is_err());
}
