//! Owns: the life of one connection.
//!
//! The parts of a TLS connection have allocations of their own: in one future they would lie side by
//! side, and it would take the room of the handshake and of both protocols for as long as it lives.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::Limits;
use super::activity::{Activity, Noted};
use super::connections::{Open, Speaks};
use super::cut::{Cuttable, Streams};
use super::first_bytes::FirstBytes;
use super::watch::{Step, Watch};
use crate::shutdown::Shutdown;

/// What an HTTP/2 client says first, in bytes (RFC 9113 section 3.4).
const PREFACE: usize = 24;

/// What a connection needs to know of its listener.
pub(super) struct Connection {
    pub(super) limits: Arc<Limits>,
    pub(super) shutdown: Shutdown,
    pub(super) open: Open,
}

impl Connection {
    pub(super) fn plain<S, B>(
        self,
        stream: TcpStream,
        service: S,
    ) -> impl Future<Output = ()> + Send
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Send + 'static,
        S::Future: Send,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.http1(stream, service)
    }

    pub(super) async fn tls<S, B>(self, acceptor: TlsAcceptor, stream: TcpStream, service: S)
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Send + 'static,
        S::Future: Send,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let Some(stream) = Box::pin(self.handshake(acceptor, stream)).await else { return };
        if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
            let limit = self.limits.handshake_timeout;
            let stream = FirstBytes::within(limit, PREFACE, stream);
            Box::pin(self.http2(stream, service)).await;
        } else {
            Box::pin(self.http1(stream, service)).await;
        }
    }

    async fn handshake(
        &self,
        acceptor: TlsAcceptor,
        stream: TcpStream,
    ) -> Option<Box<TlsStream<TcpStream>>> {
        // The drain waits for it: the peer chose us before it could know.
        let handshake =
            tokio::time::timeout(self.limits.handshake_timeout, acceptor.accept(stream));
        match handshake.await {
            Ok(Ok(stream)) => {
                self.open.handshake_done(stream.get_ref().1.handshake_kind());
                return Some(Box::new(stream));
            }
            Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
            Err(_) => tracing::debug!("TLS handshake took too long"),
        }
        self.open.handshake_failed();
        None
    }

    pub(super) async fn http1<I, S, B>(mut self, io: I, service: S)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Send,
        S::Future: Send,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.open.speaks(Speaks::Http1);
        let activity = Activity::default();
        let Limits { header_timeout, linger, .. } = *self.limits;
        let mut watch = Watch::new(self.shutdown.clone(), activity.clone(), header_timeout, linger);
        let mut builder = http1::Builder::new();
        // Without hyper's own timer, which costs more than all else that we add to a request.
        builder.max_header_size(self.limits.max_header_bytes);
        if let Some(most) = self.limits.max_headers {
            builder.max_headers(most);
        }
        let noted = Noted { service, activity };
        let mut connection =
            pin!(builder.serve_connection(TokioIo::new(io), noted).with_upgrades());
        let serving = poll_fn(|context| {
            match watch.poll(context) {
                Step::Serve => {}
                Step::Drain => {
                    // It may have been a while: what has come meanwhile is answered yet.
                    if let Poll::Ready(ended) = connection.as_mut().poll(context) {
                        return Poll::Ready(ended);
                    }
                    connection.as_mut().graceful_shutdown();
                }
                Step::Close => return Poll::Ready(Ok(())),
            }
            connection.as_mut().poll(context)
        });
        if self.limits.cuttable {
            log_end(Cuttable::new(serving).await.unwrap_or(Ok(())));
        } else {
            log_end(serving.await);
        }
    }

    /// Floods of reset streams are hyper's to end: its limits on them are on unless taken away.
    async fn http2<I, S, B>(mut self, io: I, service: S)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Send,
        S::Future: Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.open.speaks(Speaks::Http2);
        let streams = Streams { cuttable: self.limits.cuttable };
        let connection = http2::Builder::new(streams)
            .timer(TokioTimer::new())
            .keep_alive_interval(self.limits.ping_interval)
            .keep_alive_timeout(self.limits.ping_timeout)
            .max_concurrent_streams(self.limits.max_streams)
            .max_header_list_size(u32::try_from(self.limits.max_header_bytes).unwrap_or(u32::MAX))
            .serve_connection(TokioIo::new(io), service);
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.shutdown.begun() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        log_end(ended);
    }
}

fn log_end(ended: Result<(), hyper::Error>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended early");
    }
}
