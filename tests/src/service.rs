//! A service inside the test: it answers as told and remembers what it was asked.

use std::fmt;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri, Version, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// What a service answers.
pub type Answer = Response<Full<Bytes>>;

type Pending = Pin<Box<dyn Future<Output = Answer> + Send>>;
type Handler = Arc<dyn Fn(Arc<Seen>) -> Pending + Send + Sync>;

/// A request as the service received it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The number of the connection it came on, from 0.
    pub connection: usize,
    /// Method.
    pub method: Method,
    /// Target.
    pub uri: Uri,
    /// Protocol version.
    pub version: Version,
    /// Header fields.
    pub headers: HeaderMap,
    /// Content.
    pub body: Bytes,
}

impl Seen {
    /// Path and query, whatever form the protocol gives the target.
    pub fn target(&self) -> &str {
        self.uri.path_and_query().map_or("", |target| target.as_str())
    }

    /// A header field as text; empty when absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Every value of a header field, bytes shown as text.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.headers
            .get_all(name)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect()
    }
}

/// A running service.
pub struct Service {
    /// Where it listens.
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Arc<Seen>>>>,
    accepting: JoinHandle<()>,
}

impl fmt::Debug for Service {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Service").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Service {
    /// Starts a service; HTTP/1.1, or TLS with the protocols its configuration offers.
    pub async fn start<F>(
        tls: Option<Arc<ServerConfig>>,
        handler: impl Fn(Arc<Seen>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let seen = Arc::new(Mutex::default());
        let handler: Handler = Arc::new(move |request| Box::pin(handler(request)));
        let accepting =
            tokio::spawn(accept(listener, tls.map(TlsAcceptor::from), handler, Arc::clone(&seen)));
        Self { address, seen, accepting }
    }

    /// A service that answers with the headers it received: JSON, or a page for a browser.
    pub async fn echo() -> Self {
        Self::start(None, async |seen| echo(&seen)).await
    }

    /// The origin of a service without TLS.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far, oldest first.
    pub fn seen(&self) -> Vec<Arc<Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets the requests so far and returns them.
    pub fn take(&self) -> Vec<Arc<Seen>> {
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// An answer with a status, a media type and content.
pub fn answer(status: u16, media_type: &str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = StatusCode::from_u16(status).expect("a status code");
    answer.headers_mut().insert(header::CONTENT_TYPE, media_type.parse().expect("a media type"));
    answer
}

/// What [`Service::echo`] answers.
pub fn echo(seen: &Seen) -> Answer {
    if seen.header("sec-fetch-dest") == "document" {
        let page = format!(
            "<!doctype html><html lang=\"en\"><title>page</title><h1 id=\"page\">{}</h1><p id=\"user\">{}</p>",
            seen.target(),
            seen.header("x-user-id"),
        );
        return answer(200, "text/html; charset=utf-8", page);
    }
    let headers: Vec<_> = seen
        .headers
        .iter()
        .map(|(name, value)| json!([name.as_str(), String::from_utf8_lossy(value.as_bytes())]))
        .collect();
    let heard = json!({
        "method": seen.method.as_str(),
        "target": seen.target(),
        "headers": headers,
        "body": String::from_utf8_lossy(&seen.body),
    });
    answer(200, "application/json", heard.to_string())
}

async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    handler: Handler,
    seen: Arc<Mutex<Vec<Arc<Seen>>>>,
) {
    let mut connections = tokio::task::JoinSet::new();
    for number in 0.. {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (tls, handler, seen) = (tls.clone(), Arc::clone(&handler), Arc::clone(&seen));
        connections.spawn(async move { serve(stream, tls, number, handler, seen).await });
    }
}

async fn serve(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    connection: usize,
    handler: Handler,
    log: Arc<Mutex<Vec<Arc<Seen>>>>,
) {
    let service = service_fn(move |request: Request<Incoming>| {
        let (handler, log) = (Arc::clone(&handler), Arc::clone(&log));
        async move {
            let (head, body) = request.into_parts();
            let seen = Arc::new(Seen {
                connection,
                method: head.method,
                uri: head.uri,
                version: head.version,
                headers: head.headers,
                body: body.collect().await?.to_bytes(),
            });
            log.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&seen));
            Ok::<_, hyper::Error>(handler(seen).await)
        }
    });
    let builder = auto::Builder::new(TokioExecutor::new());
    // A peer that goes away is no concern of a test service.
    match tls {
        None => drop(builder.serve_connection(TokioIo::new(stream), service).await),
        Some(tls) => {
            if let Ok(stream) = tls.accept(stream).await {
                drop(builder.serve_connection(TokioIo::new(stream), service).await);
            }
        }
    }
}
