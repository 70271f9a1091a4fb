//! Owns: an edge with what stands behind it.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::IntoResponse as _;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Frame;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::edge::{Routes, serve};

/// The edge with the real SPA and whoami services behind it, and a sidecar and a BFF of the test's own.
pub(super) struct Stage {
    pub(super) edge: SocketAddr,
    pub(super) asked: Arc<Mutex<Vec<Asked>>>,
    pub(super) stop: oneshot::Sender<()>,
    pub(super) served: JoinHandle<io::Result<()>>,
}

/// One question as the sidecar received it.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) line: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Asked {
    pub(super) fn header(&self, name: &str) -> Vec<&str> {
        self.headers.get_all(name).iter().map(|value| value.to_str().expect("text")).collect()
    }
}

pub(super) async fn local() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

pub(super) async fn serve_router(router: Router) -> SocketAddr {
    let (listener, address) = local().await;
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// A sidecar that lets `session=good` in as alice.
fn sidecar(asked: Arc<Mutex<Vec<Asked>>>) -> Router {
    Router::new().fallback(async move |request: Request| {
        let (parts, body) = request.into_parts();
        let good = parts.headers.get("cookie").is_some_and(|cookie| cookie == "session=good");
        let body = body.collect().await.expect("a body").to_bytes();
        let line = format!("{} {}", parts.method, parts.uri);
        asked.lock().expect("a lock").push(Asked { line, headers: parts.headers, body });
        if good {
            let identity =
                [("x-user-id", "alice"), ("x-user-roles", "ADMIN"), ("connection", "x-user-id")];
            return (StatusCode::OK, identity).into_response();
        }
        let mut response = (
            StatusCode::FOUND,
            [("location", "/auth/login?return_to=%2F"), ("x-user-id", "leak")],
            "elsewhere",
        )
            .into_response();
        for cookie in ["a=1", "b=2"] {
            response.headers_mut().append("set-cookie", HeaderValue::from_static(cookie));
        }
        response
    })
}

pub(super) async fn stage_with(bff: Router) -> Stage {
    let asked = Arc::default();
    let forwardauth = serve_router(sidecar(Arc::clone(&asked))).await;
    let bff = serve_router(bff).await;
    let (listener, whoami) = local().await;
    tokio::spawn(crate::whoami::serve(listener, std::future::pending()));
    let (listener, spa) = local().await;
    tokio::spawn(crate::spa::serve(listener, std::future::pending()));
    stage_of(Routes { bff, forwardauth, whoami, spa, chaos: None }, asked).await
}

pub(super) async fn stage_of(routes: Routes, asked: Arc<Mutex<Vec<Asked>>>) -> Stage {
    let (listener, edge) = local().await;
    let (stop, stopped) = oneshot::channel::<()>();
    let served = tokio::spawn(serve(listener, routes, async move {
        stopped.await.ok();
    }));
    Stage { edge, asked, stop, served }
}

pub(super) async fn stage() -> Stage {
    stage_with(Router::new().fallback(async || "bff")).await
}

impl Stage {
    /// Sends the bytes of one request and reads until the edge closes.
    pub(super) async fn send(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.edge).await.expect("connected");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("answered");
        String::from_utf8_lossy(&answer).into_owned()
    }

    pub(super) async fn get(&self, path: &str, headers: &str) -> String {
        self.send(&format!(
            "GET {path} HTTP/1.1\r\nHost: localhost:8080\r\nConnection: close\r\n{headers}\r\n"
        ))
        .await
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("a lock").clone()
    }
}

/// A body of what a channel gives.
pub(super) struct Chunks(pub(super) mpsc::Receiver<&'static str>);

impl hyper::body::Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let chunk = self.0.poll_recv(context);
        chunk.map(|chunk| chunk.map(|text| Ok(Frame::data(Bytes::from(text)))))
    }
}
