//! The layer in real servers on loopback, over HTTP/1.1 and HTTP/2.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Channel, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tower::{Layer as _, service_fn};

use super::validator;
use crate::access_token::Token;
use crate::algorithm::Algorithm;
use crate::layer::ValidatorLayer;
use crate::testkit::{NOW, Signer};

const PATIENCE: Duration = Duration::from_secs(20);

/// Answers with the subject of the token, then with the very body of the request as it comes.
pub(super) struct Server {
    address: SocketAddr,
}

pub(super) struct Sent<'a> {
    pub(super) path: &'a str,
    pub(super) authorization: Option<&'a str>,
    pub(super) body: &'static str,
}

pub(super) struct Connection(http2::SendRequest<Full<Bytes>>);

impl Server {
    pub(super) async fn start(layer: ValidatorLayer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let echo = service_fn(|request: Request<Incoming>| {
            let subject = request.extensions().get::<Token>().unwrap().subject().to_owned();
            let mut response = Response::new(request.into_body());
            response.headers_mut().insert("subject", subject.parse().unwrap());
            std::future::ready(Ok::<_, Infallible>(response))
        });
        let service = TowerToHyperService::new(layer.layer(echo));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    let server = auto::Builder::new(TokioExecutor::new());
                    drop(server.serve_connection(TokioIo::new(stream), service).await);
                });
            }
        });
        Self { address }
    }

    async fn connect(&self) -> TokioIo<TcpStream> {
        TokioIo::new(TcpStream::connect(self.address).await.unwrap())
    }

    pub(super) async fn http2(&self) -> Connection {
        let handshake = http2::handshake(TokioExecutor::new(), self.connect().await);
        let (sender, connection) = handshake.await.unwrap();
        tokio::spawn(connection);
        Connection(sender)
    }
}

impl Connection {
    pub(super) async fn send(&mut self, sent: Sent<'_>) -> Response<Incoming> {
        let mut request = Request::post(format!("http://api.example.com{}", sent.path));
        if let Some(value) = sent.authorization {
            request = request.header("authorization", value);
        }
        let request = request.body(Full::from(sent.body)).unwrap();
        self.0.ready().await.unwrap();
        self.0.send_request(request).await.unwrap()
    }
}

/// Sends a first part, waits until it came back, and only then sends the rest.
async fn talks_while_sending<C, F>(authorization: &str, send: C)
where
    C: FnOnce(Request<Channel<Bytes>>) -> F,
    F: Future<Output = Response<Incoming>>,
{
    let (mut ours, body) = Channel::<Bytes>::new(1);
    let request = Request::post("http://api.example.com/orders")
        .header("authorization", authorization)
        .body(body)
        .unwrap();
    ours.send_data(Bytes::from_static(b"first")).await.unwrap();
    let mut response = send(request).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["subject"], "alice");
    let first = response.body_mut().frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(first, "first", "it came back before the rest was sent");
    ours.send_data(Bytes::from_static(b"second")).await.unwrap();
    drop(ours);
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "second");
}

#[tokio::test]
async fn bodies_stream_through_in_both_directions() {
    let signer = Signer::new(Algorithm::ES256);
    let server = Server::start(validator(&signer).layer()).await;
    let authorization = format!("Bearer {}", signer.access_token("k", json!({})));
    let over_http1 = async {
        let (mut sender, connection) = http1::handshake(server.connect().await).await.unwrap();
        tokio::spawn(connection);
        talks_while_sending(&authorization, |request| async move {
            sender.send_request(request).await.unwrap()
        })
        .await;
    };
    let over_http2 = async {
        let handshake = http2::handshake(TokioExecutor::new(), server.connect().await);
        let (mut sender, connection) = handshake.await.unwrap();
        tokio::spawn(connection);
        talks_while_sending(&authorization, |request| async move {
            sender.send_request(request).await.unwrap()
        })
        .await;
    };
    tokio::time::timeout(PATIENCE, over_http1).await.unwrap();
    tokio::time::timeout(PATIENCE, over_http2).await.unwrap();
}

#[tokio::test]
async fn t12_many_requests_at_once_on_one_connection_each_get_their_own_answer() {
    let signer = Signer::new(Algorithm::ES256);
    let server = Server::start(validator(&signer).layer()).await;
    let connection = server.http2().await;
    let answers = futures_util::stream::iter(0..200_u64).map(|number| {
        let changes = match number % 4 {
            0 => json!({"exp": NOW - 60}),
            _ => json!({"sub": format!("user-{number}")}),
        };
        let authorization = format!("Bearer {}", signer.access_token("k", changes));
        let mut connection = Connection(connection.0.clone());
        async move {
            let sent = Sent { path: "/", authorization: Some(&authorization), body: "body" };
            let response = connection.send(sent).await;
            let subject = response.headers().get("subject").cloned();
            (number, response.status().as_u16(), subject)
        }
    });
    let mut answers = answers.buffer_unordered(64);
    let mut seen = 0;
    let all = async {
        while let Some((number, status, subject)) = answers.next().await {
            seen += 1;
            let expected = (number % 4 != 0).then(|| format!("user-{number}"));
            assert_eq!(status, if expected.is_some() { 200 } else { 401 });
            assert_eq!(subject.map(|value| value.to_str().unwrap().to_owned()), expected);
        }
    };
    tokio::time::timeout(PATIENCE, all).await.unwrap();
    assert_eq!(seen, 200);
}

#[tokio::test]
async fn a_refused_upload_is_answered_without_being_read() {
    let signer = Signer::new(Algorithm::ES256);
    let server = Server::start(validator(&signer).layer()).await;
    let (mut sender, connection) = http1::handshake(server.connect().await).await.unwrap();
    tokio::spawn(connection);
    // A body that never ends.
    let (_open, body) = Channel::<Bytes>::new(1);
    let request = Request::post("/orders").header("host", "api").body(Body::new(body)).unwrap();
    let answer = tokio::time::timeout(PATIENCE, sender.send_request(request)).await.unwrap();
    assert_eq!(answer.unwrap().status().as_u16(), 401);
}
