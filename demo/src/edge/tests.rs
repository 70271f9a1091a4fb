mod stage;

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::any;
use http_body_util::BodyExt as _;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{mpsc, oneshot};

use super::*;
use stage::{Chunks, local, stage, stage_of, stage_with};

/// The headers that the whoami service says it received.
fn received(answer: &str) -> serde_json::Value {
    let (head, body) = answer.split_once("\r\n\r\n").expect("a body");
    assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
    serde_json::from_str::<serde_json::Value>(body).expect("JSON")["headers"].clone()
}

#[tokio::test]
async fn t04_the_service_gets_exactly_the_verified_identity() {
    let stage = stage().await;
    let spoof = "Cookie: session=good\r\nX-User-ID: mallory\r\nx_user_id: mallory\r\nX.User.ID: mallory\r\n\
        X-User-Id: mallory\r\nX_User-Roles: mallory\r\nX-Master-Flags: mallory\r\nAuthorization: mallory\r\n\
        X-Forwarded-User: mallory\r\n";
    let answer = stage.get("/whoami/", spoof).await;
    assert!(!answer.contains("mallory"), "{answer}");
    let headers = received(&answer);
    assert_eq!(headers["x-user-id"], serde_json::json!(["alice"]));
    assert_eq!(headers["x-user-roles"], serde_json::json!(["ADMIN"]));
    assert_eq!(headers["x-master-flags"], serde_json::Value::Null);
    assert_eq!(headers["cookie"], serde_json::Value::Null, "the session stays at the edge");
    assert!(answer.contains("x-demo-edge: wicketgate-demo (not Traefik)"), "{answer}");
}

#[tokio::test]
async fn t05_connection_names_no_header_away() {
    let stage = stage().await;
    let request = "GET /whoami/ HTTP/1.1\r\nHost: localhost\r\nCookie: session=good\r\n\
        Connection: close, X-User-ID, X-Forwarded-For, X-Forwarded-Host, X-Own\r\nX-Own: 1\r\n\
        Keep-Alive: timeout=9\r\nTE: trailers\r\nProxy-Authorization: Basic eA==\r\n\r\n";
    let headers = received(&stage.send(request).await);
    assert_eq!(headers["x-user-id"], serde_json::json!(["alice"]));
    assert_eq!(headers["x-forwarded-for"], serde_json::json!(["127.0.0.1"]));
    assert_eq!(headers["x-forwarded-host"], serde_json::json!(["localhost"]));
    for hop_by_hop in ["connection", "x-own", "keep-alive", "te", "proxy-authorization"] {
        assert_eq!(headers[hop_by_hop], serde_json::Value::Null, "{hop_by_hop}");
    }
}

#[tokio::test]
async fn t01_forward_auth_is_asked_by_get_about_the_real_request() {
    let stage = stage().await;
    let forged = "POST /x/..//whoami/%61?q=1;r HTTP/1.1\r\nHost: localhost:8080\r\nConnection: close\r\n\
        Cookie: session=good\r\nCookie: other=1\r\nX-Forwarded-Uri: /public\r\nX-Forwarded-Method: OPTIONS\r\n\
        X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Host: evil.test\r\nX_Forwarded_Proto: https\r\nContent-Length: 4\r\n\r\nbody";
    stage.send(forged).await;
    let asked = stage.asked();
    let question = asked.first().expect("one question");
    assert_eq!(question.line, "GET /auth/forward");
    assert!(question.body.is_empty());
    for (name, values) in [
        ("x-forwarded-uri", vec!["/whoami/a?q=1&r"]),
        ("x-forwarded-method", vec!["POST"]),
        ("x-forwarded-for", vec!["127.0.0.1"]),
        ("x-forwarded-host", vec!["localhost:8080"]),
        ("x-forwarded-port", vec!["8080"]),
        ("x-forwarded-proto", vec!["http"]),
        ("cookie", vec!["session=good", "other=1"]),
        ("x_forwarded_proto", vec![]),
        ("content-length", vec![]),
    ] {
        assert_eq!(question.header(name), values, "{name}");
    }
    assert_ne!(question.header("host"), ["localhost:8080"], "it is the sidecar's own address");
}

#[tokio::test]
async fn a_denial_reaches_the_client_as_it_is() {
    let stage = stage().await;
    let answer = stage.get("/whoami/", "").await;
    assert!(answer.starts_with("HTTP/1.1 302"), "{answer}");
    assert!(answer.contains("location: /auth/login?return_to=%2F\r\n"), "{answer}");
    assert!(answer.contains("set-cookie: a=1") && answer.contains("set-cookie: b=2"), "{answer}");
    assert!(!answer.contains("x-user-id"), "{answer}");
    assert!(answer.ends_with("elsewhere"), "{answer}");
}

#[tokio::test]
async fn a_dead_sidecar_closes_the_door_and_a_dead_service_is_502() {
    let (listener, dead) = local().await;
    drop(listener);
    let routes = Routes { bff: dead, forwardauth: dead, whoami: dead, spa: dead, chaos: None };
    let stage = stage_of(routes, Arc::default()).await;
    assert!(stage.get("/whoami/", "").await.starts_with("HTTP/1.1 500"));
    assert!(stage.get("/api/orders", "").await.starts_with("HTTP/1.1 502"));
}

#[tokio::test]
async fn each_path_reaches_its_part_and_verify_reaches_none() {
    let stage = stage().await;
    assert!(stage.get("/", "").await.contains("<title>Wicketgate demo</title>"));
    assert!(stage.get("/auth/login", "").await.ends_with("bff"));
    assert!(stage.get("/api/orders", "").await.ends_with("bff"));
    for path in ["/auth/verify", "/auth/%76erify", "//auth//forward/x", "/auth/verify?policy=x"] {
        assert!(stage.get(path, "").await.starts_with("HTTP/1.1 404"), "{path}");
    }
    assert!(stage.asked().is_empty());
}

#[tokio::test]
async fn a_request_with_no_one_host_or_path_is_refused() {
    let stage = stage().await;
    for head in [
        "GET / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n",
        "GET / HTTP/1.1\r\nHost: user@a\r\n",
        "GET /%zz HTTP/1.1\r\nHost: a\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a\r\n",
        "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n",
    ] {
        let answer = stage.send(&format!("{head}Connection: close\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{head} {answer}");
    }
}

#[tokio::test]
async fn an_answer_is_passed_on_while_it_is_still_being_made() {
    let (chunks, source) = mpsc::channel::<&'static str>(1);
    let source = Arc::new(Mutex::new(Some(source)));
    let bff = Router::new().fallback(async move || {
        let source = source.lock().expect("a lock").take().expect("one request");
        Response::new(Body::new(Chunks(source)))
    });
    let stage = stage_with(bff).await;
    let mut client = TcpStream::connect(stage.edge).await.expect("connected");
    client.write_all(b"GET /api/events HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("sent");
    for word in ["first", "second"] {
        chunks.send(word).await.expect("sent");
        read_until(&mut client, word).await;
    }
}

#[tokio::test]
async fn a_body_reaches_the_service_while_it_is_still_being_sent() {
    let (first, seen) = oneshot::channel();
    let first = Arc::new(Mutex::new(Some(first)));
    let bff = Router::new().fallback(async move |request: Request| {
        let mut body = request.into_body();
        let frame = body.frame().await.expect("a frame").expect("read");
        let sender = first.lock().expect("a lock").take().expect("one request");
        sender.send(frame.into_data().expect("data")).expect("awaited");
        body.collect().await.expect("the rest").to_bytes()
    });
    let stage = stage_with(bff).await;
    let mut client = TcpStream::connect(stage.edge).await.expect("connected");
    let head =
        b"POST /api/upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n";
    client.write_all(head).await.expect("sent");
    assert_eq!(seen.await.expect("seen"), "first");
    client.write_all(b"4\r\nlast\r\n0\r\n\r\n").await.expect("sent");
    read_until(&mut client, "last").await;
}

#[tokio::test]
async fn a_websocket_is_joined_end_to_end() {
    let bff = Router::new().route(
        "/api/socket",
        any(async |mut request: Request| {
            assert_eq!(request.headers()["x-forwarded-proto"], "ws");
            let upgraded = hyper::upgrade::on(&mut request);
            tokio::spawn(async move {
                let mut socket = TokioIo::new(upgraded.await.expect("upgraded"));
                let mut heard = [0; 4];
                socket.read_exact(&mut heard).await.expect("heard");
                socket.write_all(b"pong").await.expect("answered");
            });
            (StatusCode::SWITCHING_PROTOCOLS, [("connection", "upgrade"), ("upgrade", "websocket")])
        }),
    );
    let stage = stage_with(bff).await;
    let mut client = TcpStream::connect(stage.edge).await.expect("connected");
    let head =
        b"GET /api/socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    client.write_all(head).await.expect("sent");
    read_until(&mut client, "\r\n\r\n").await;
    client.write_all(b"ping").await.expect("sent");
    read_until(&mut client, "pong").await;
}

#[tokio::test]
async fn shutdown_ends_idle_connections_and_the_listener() {
    let stage = stage().await;
    let mut client = TcpStream::connect(stage.edge).await.expect("connected");
    client.write_all(b"GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("sent");
    read_until(&mut client, "bff").await;
    stage.stop.send(()).expect("running");
    stage.served.await.expect("no panic").expect("served");
    assert_eq!(client.read(&mut [0; 1]).await.expect("closed"), 0);
    assert!(TcpStream::connect(stage.edge).await.is_err());
}

#[tokio::test]
async fn a_listener_beyond_loopback_is_refused() {
    let listener = TcpListener::bind("0.0.0.0:0").await.expect("a port");
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 1));
    let routes =
        Routes { bff: nowhere, forwardauth: nowhere, whoami: nowhere, spa: nowhere, chaos: None };
    let refused = serve(listener, routes, std::future::pending()).await;
    assert_eq!(refused.expect_err("refused").kind(), io::ErrorKind::InvalidInput);
}

async fn read_until(stream: &mut TcpStream, text: &str) {
    let mut heard = Vec::new();
    while !String::from_utf8_lossy(&heard).contains(text) {
        let read = stream.read_buf(&mut heard).await.expect("readable");
        assert_ne!(read, 0, "closed before {text}: {}", String::from_utf8_lossy(&heard));
    }
}
