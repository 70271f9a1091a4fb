//! Owns: what happens to the body of a request that is answered before it was read.
//!
//! A server that closes a connection on which bytes still arrive resets it, and the answer may be lost with
//! that: a proxy then tells the browser 502 in place of our 401. So the rest is read and thrown away, as
//! long as that is little (RFC 9112 section 9.6).

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::Request;
use http::header::EXPECT;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt as _;
use tokio::runtime::Handle;

/// Most bytes that are read for nothing, and for how long.
const MOST: usize = 64 * 1024;
const PATIENCE: Duration = Duration::from_secs(2);

/// The same request, whose body is read on if nobody does. Who asked whether to send one at all
/// (`Expect: 100-continue`) must not be told yes by that.
pub(crate) fn take<B>(request: Request<B>) -> Request<Body>
where
    B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<axum::BoxError>,
{
    // Most requests have none, and pay for nothing here.
    if request.body().is_end_stream() {
        return request.map(|_| Body::empty());
    }
    let waits = request.headers().contains_key(EXPECT);
    request.map(|body| match body {
        body if waits => Body::new(body),
        body => Body::new(Unread(Some(body))),
    })
}

/// A body that is still to be read.
struct Unread<B: HttpBody<Data = Bytes> + Send + Unpin + 'static>(Option<B>);

impl<B: HttpBody<Data = Bytes> + Send + Unpin + 'static> HttpBody for Unread<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let Some(body) = &mut self.0 else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(body).poll_frame(context));
        if !matches!(frame, Some(Ok(_))) {
            self.0 = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl<B: HttpBody<Data = Bytes> + Send + Unpin + 'static> Drop for Unread<B> {
    fn drop(&mut self) {
        let Some(body) = self.0.take().filter(|body| !body.is_end_stream()) else { return };
        let is_short = body.size_hint().exact().is_none_or(|left| left <= MOST as u64);
        if let (true, Ok(runtime)) = (is_short, Handle::try_current()) {
            drop(runtime.spawn(tokio::time::timeout(PATIENCE, read_on(body))));
        }
    }
}

/// Reads `body` to its end, or until it is too long.
async fn read_on(mut body: impl HttpBody<Data = Bytes> + Unpin) {
    let mut left = MOST;
    while let Some(Ok(frame)) = body.frame().await {
        let read = frame.data_ref().map_or(0, Bytes::len);
        let Some(rest) = left.checked_sub(read) else { return };
        left = rest;
    }
}

#[cfg(test)]
mod tests;
