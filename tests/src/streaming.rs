//! A service of streams: as many bytes as one asks for, a place that counts what it is sent, events when
//! the test has one, and sockets that say nothing.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{Request, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;

const CHUNK: usize = 64 * 1024;

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// The service.
#[derive(Debug)]
pub struct Streaming {
    /// Where it listens.
    pub address: SocketAddr,
    events: broadcast::Sender<String>,
    sockets: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

impl Streaming {
    /// Starts it.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let (events, _) = broadcast::channel(64);
        let sockets = Arc::new(AtomicUsize::new(0));
        let shared = (events.clone(), Arc::clone(&sockets));
        let accepting = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                let (events, sockets) = shared.clone();
                let service = service_fn(move |request| {
                    let answer = answer(request, events.clone(), Arc::clone(&sockets));
                    async { Ok::<_, Infallible>(answer.await) }
                });
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                // A peer that goes away is no concern of a test service.
                tokio::spawn(async { drop(connection.with_upgrades().await) });
            }
        });
        Self { address, events, sockets, accepting }
    }

    /// Tells all who listen at `/events`.
    pub fn tell(&self, event: &str) {
        self.events.send(format!("data: {event}\n\n")).expect("somebody listens");
    }

    /// How many listen.
    pub fn listeners(&self) -> usize {
        self.events.receiver_count()
    }

    /// How many of its sockets are open.
    pub fn sockets(&self) -> usize {
        self.sockets.load(Ordering::SeqCst)
    }
}

impl Drop for Streaming {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn answer(
    mut request: Request<Incoming>,
    events: broadcast::Sender<String>,
    sockets: Arc<AtomicUsize>,
) -> Response<Body> {
    match request.uri().path() {
        "/download" => {
            let bytes = request.uri().query().and_then(|query| query.parse().ok());
            download(bytes.expect("?BYTES"))
        }
        "/upload" => {
            let mut bytes = 0_u64;
            while let Some(Ok(frame)) = request.body_mut().frame().await {
                bytes += frame.data_ref().map_or(0, Bytes::len) as u64;
            }
            Response::new(Full::from(bytes.to_string()).boxed_unsync())
        }
        "/events" => told(events.subscribe()),
        "/socket" => switch(request, sockets),
        other => panic!("{other}"),
    }
}

fn download(bytes: usize) -> Response<Body> {
    static ZEROS: [u8; CHUNK] = [0; CHUNK];
    let chunks = stream::iter((0..bytes).step_by(CHUNK)).map(move |sent| {
        let part = &ZEROS[..CHUNK.min(bytes - sent)];
        Ok(Frame::data(Bytes::from_static(part)))
    });
    let mut response = Response::new(StreamBody::new(chunks).boxed_unsync());
    response.headers_mut().insert(header::CONTENT_LENGTH, bytes.into());
    response
}

fn told(events: broadcast::Receiver<String>) -> Response<Body> {
    let begin = stream::once(async { ": begun\n\n".to_owned() });
    let told = stream::unfold(events, async |mut events| Some((events.recv().await.ok()?, events)));
    let frames = begin.chain(told).map(|text| Ok(Frame::data(Bytes::from(text))));
    let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
    let media_type = "text/event-stream".parse().expect("a field value");
    response.headers_mut().insert(header::CONTENT_TYPE, media_type);
    response
}

/// Becomes a WebSocket, until the peer goes away.
fn switch(mut request: Request<Incoming>, sockets: Arc<AtomicUsize>) -> Response<Body> {
    let mut hash = ring::digest::Context::new(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY);
    hash.update(request.headers()[header::SEC_WEBSOCKET_KEY].as_bytes());
    hash.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    let accept = STANDARD.encode(hash.finish());
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let Ok(upgraded) = upgrade.await else { return };
        sockets.fetch_add(1, Ordering::SeqCst);
        let (mut upgraded, mut buffer) = (TokioIo::new(upgraded), [0; 64]);
        while upgraded.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
        sockets.fetch_sub(1, Ordering::SeqCst);
    });
    let mut response = Response::new(Full::default().boxed_unsync());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    for (name, value) in [
        (header::CONNECTION, "upgrade"),
        (header::UPGRADE, "websocket"),
        (header::SEC_WEBSOCKET_ACCEPT, accept.as_str()),
    ] {
        response.headers_mut().insert(name, value.parse().expect("a field value"));
    }
    response
}
