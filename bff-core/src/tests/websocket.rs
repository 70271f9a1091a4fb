//! Sockets: who gets one, what passes, and how they end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

use crate::app::App;
use crate::server;
use crate::testing::{APP, Browser, RawService, Talk, World, ask_admin, pass};

const LIMIT: Duration = Duration::from_mins(1);
/// Of `/api/quick`.
const IDLE: Duration = Duration::from_secs(20);
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const SESSION_OVER: &[u8] = b"\x88\x0e\x03\xf0session_over";

struct Stage {
    world: World,
    service: RawService,
    app: Arc<App>,
    address: SocketAddr,
    _directory: TempDir,
}

impl Stage {
    async fn set(changes: &[(&str, &str)]) -> Self {
        let world = World::administered(&[]).await;
        let service = RawService::start().await;
        let routes = format!(
            "services:\n  s: {{ base_url: \"{}\" }}\nroutes:\n\
             - {{ path: /api/ws, target_service: s, methods: [GET], auth: session, websocket: true }}\n\
             - {{ path: /api/quick, target_service: s, methods: [GET], auth: session, websocket: true, idle_timeout: 20s }}\n\
             - {{ path: /api/public, target_service: s, methods: [GET], auth: none, websocket: true }}\n\
             - {{ path: /api/plain, target_service: s, methods: [GET], auth: session }}\n",
            service.url
        );
        let (app, directory) = world.replica_routed(&routes, changes);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(server::serve(Arc::clone(&app), listener));
        Self { world, service, app, address, _directory: directory }
    }

    /// A handshake of `browser` from `origin`.
    async fn ask(&self, browser: &Browser, path: &str, origin: &str) -> Socket {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let origin =
            if origin.is_empty() { String::new() } else { format!("Origin: {origin}\r\n") };
        let cookie = browser
            .session()
            .map_or_else(String::new, |id| format!("Cookie: bff_session={id}\r\n"));
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: bff\r\nX-Forwarded-Host: app.example\r\nX-Forwarded-Proto: https\r\n\
             Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Protocol: chat, echo\r\n{origin}{cookie}\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        Socket { stream, heard: Vec::new() }
    }

    /// An open socket, and the service's end of it.
    async fn open(&mut self, browser: &Browser, path: &str) -> (Socket, Talk) {
        let mut socket = self.ask(browser, path, APP).await;
        let mut talk = self.service.talk().await;
        agree(&mut talk, ACCEPT).await;
        let head = socket.head().await;
        assert!(head.starts_with("http/1.1 101 "), "{head}");
        (socket, talk)
    }
}

async fn agree(talk: &mut Talk, accept: &str) {
    talk.say(format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: echo\r\nX-Hop: 1\r\n\r\n"
    ))
    .await;
}

/// The browser's end.
struct Socket {
    stream: TcpStream,
    heard: Vec<u8>,
}

impl Socket {
    async fn more(&mut self) -> usize {
        timeout(LIMIT, self.stream.read_buf(&mut self.heard)).await.unwrap().unwrap_or(0)
    }

    /// The head of the answer, in lower case.
    async fn head(&mut self) -> String {
        loop {
            if let Some(end) = self.heard.windows(4).position(|window| window == b"\r\n\r\n") {
                let rest = self.heard.split_off(end + 4);
                let head = std::mem::replace(&mut self.heard, rest);
                return String::from_utf8(head).unwrap().to_lowercase();
            }
            assert!(self.more().await > 0, "{:?}", String::from_utf8_lossy(&self.heard));
        }
    }

    async fn say(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    async fn expect(&mut self, bytes: &[u8]) {
        while self.heard.len() < bytes.len() {
            assert!(self.more().await > 0, "{:?}", self.heard);
        }
        assert_eq!(self.heard, bytes);
        self.heard.clear();
    }

    /// What comes up to the end.
    async fn rest(mut self) -> Vec<u8> {
        while self.more().await > 0 {}
        self.heard
    }
}

#[tokio::test]
async fn c66_both_sides_agree_and_bytes_pass_both_ways() {
    let mut stage = Stage::set(&[]).await;
    let browser = stage.world.signed_in().await;
    let mut socket = stage.ask(&browser, "/api/ws?room=1", APP).await;
    let mut talk = stage.service.talk().await;
    let asked = talk.head.to_lowercase();
    for line in [
        "get /api/ws?room=1 http/1.1\r\n",
        "\r\nconnection: upgrade\r\n",
        "\r\nupgrade: websocket\r\n",
        "\r\nsec-websocket-version: 13\r\n",
        "\r\nsec-websocket-protocol: chat, echo\r\n",
        "\r\nx-user-id: alice\r\n",
        "\r\nauthorization: bearer ",
    ] {
        assert!(asked.contains(line), "{line}: {asked}");
    }
    assert!(!asked.contains("cookie"), "{asked}");
    // The first frame of a service may come with its answer.
    agree(&mut talk, ACCEPT).await;
    talk.say(b"\x82\x05hello").await;
    let answer = socket.head().await;
    assert!(answer.starts_with("http/1.1 101 "), "{answer}");
    for line in [
        "\r\nconnection: upgrade\r\n",
        "\r\nupgrade: websocket\r\n",
        "\r\nsec-websocket-protocol: echo\r\n",
        &format!("\r\nsec-websocket-accept: {}\r\n", ACCEPT.to_lowercase()),
    ] {
        assert!(answer.contains(line), "{line}: {answer}");
    }
    socket.expect(b"\x82\x05hello").await;
    socket.say(b"\x82\x83mask123").await;
    talk.until(b"\x82\x83mask123").await;
    // Large messages pass through buffers that are smaller.
    let large = vec![7; 300_000];
    tokio::join!(socket.say(&large), talk.until(&large));
    assert!(format!("{:?}", stage.app.streams).contains("open: 1"));
    talk.say(b"\x88\x02\x03\xe8").await;
    drop(talk);
    assert_eq!(socket.rest().await, b"\x88\x02\x03\xe8");
}

#[tokio::test]
async fn c66_who_comes_from_elsewhere_or_without_a_session_gets_no_socket() {
    let mut stage = Stage::set(&[]).await;
    let browser = stage.world.signed_in().await;
    for (browser, path, origin, expected) in [
        (&browser, "/api/ws", "", "403"),
        (&browser, "/api/ws", "https://evil.example", "403"),
        (&browser, "/api/ws", "null", "403"),
        (&Browser::new(), "/api/ws", APP, "401"),
        (&browser, "/api/plain", APP, "400"),
    ] {
        let mut socket = stage.ask(browser, path, origin).await;
        let head = socket.head().await;
        assert!(head.starts_with(&format!("http/1.1 {expected} ")), "{path} {origin}: {head}");
    }
    assert!(stage.service.is_alone());
}

#[tokio::test]
async fn a_service_that_does_not_agree_is_believed_and_one_that_cheats_is_not() {
    let mut stage = Stage::set(&[]).await;
    let browser = stage.world.signed_in().await;
    let mut socket = stage.ask(&browser, "/api/ws", APP).await;
    stage.service.talk().await.answer(403, "no").await;
    assert!(socket.head().await.starts_with("http/1.1 403 "));

    let mut socket = stage.ask(&browser, "/api/ws", APP).await;
    agree(&mut stage.service.talk().await, "b3RoZXI=").await;
    assert!(socket.head().await.starts_with("http/1.1 502 "));

    // Who did not ask is not switched to anything.
    let ask = browser.get("/api/plain").by_our_page().send(&stage.app);
    let (answer, ()) = tokio::join!(ask, async {
        agree(&mut stage.service.talk().await, ACCEPT).await;
    });
    assert_eq!((answer.status, &*answer.code()), (502, "upstream_unreachable"));
    assert!(format!("{:?}", stage.app.streams).contains("open: 0"));
}

#[tokio::test]
async fn c66_a_socket_closes_with_its_session_and_says_why() {
    let mut stage = Stage::set(&[]).await;
    let browser = stage.world.signed_in().await;
    let (socket, mut talk) = stage.open(&browser, "/api/ws").await;
    let (within, mut within_talk) = stage.open(&browser, "/api/ws").await;
    let (mut public, mut public_talk) = stage.open(&browser, "/api/public").await;
    talk.say(b"\x82\x02ok").await;
    // In the middle of a message nothing can be said.
    within_talk.say(b"\x82\x09half").await;
    let mut within = within;
    within.expect(b"\x82\x09half").await;
    let there = &stage.world.app;
    let all = "/admin/users/alice/sessions";
    assert_eq!(ask_admin(there, Method::DELETE, all, &Value::Null).await.status, 200);
    let begun = Instant::now();
    assert_eq!(socket.rest().await, [&b"\x82\x02ok"[..], SESSION_OVER].concat());
    assert_eq!(within.rest().await, b"");
    talk.end().await;
    within_talk.end().await;
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    // It was nobody's.
    public_talk.say(b"\x82\x02ok").await;
    public.expect(b"\x82\x02ok").await;
}

#[tokio::test]
async fn c67_a_socket_on_which_nothing_moves_is_closed() {
    let mut stage = Stage::set(&[]).await;
    let browser = stage.world.signed_in().await;
    let (mut socket, mut talk) = stage.open(&browser, "/api/quick").await;
    for _ in 0..3 {
        pass(IDLE / 2).await;
        talk.say(b"\x89\x00").await;
        socket.expect(b"\x89\x00").await;
    }
    pass(IDLE).await;
    assert_eq!(socket.rest().await, b"\x88\x08\x03\xe9silent");
    talk.end().await;
}

#[tokio::test]
async fn c66_the_end_of_the_process_closes_sockets_before_the_drain_is_over() {
    let mut stage = Stage::set(&[]).await;
    let browser = stage.world.signed_in().await;
    let (socket, _talk) = stage.open(&browser, "/api/ws").await;
    stage.app.shutdown.begin();
    assert_eq!(socket.rest().await, b"\x88\x0e\x03\xe9process_ends");
    assert!(stage.app.shutdown.drained(Duration::from_secs(5)).await);
}

#[tokio::test]
async fn t12_sockets_count_among_the_streams_of_their_session() {
    let mut stage = Stage::set(&[("BFF_MAX_STREAMS_PER_SESSION", "1")]).await;
    let browser = stage.world.signed_in().await;
    let _open = stage.open(&browser, "/api/ws").await;
    let mut socket = stage.ask(&browser, "/api/ws", APP).await;
    assert!(socket.head().await.starts_with("http/1.1 429 "));
    assert!(stage.service.is_alone());
}
