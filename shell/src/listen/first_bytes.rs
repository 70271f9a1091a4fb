//! Owns: a limit on the wait for the first bytes of a stream. hyper waits without one for the
//! preface of HTTP/2 (RFC 9113 section 3.4), and pings only after it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// A stream whose reads fail where `missing` bytes did not come in time.
pub(super) struct FirstBytes<I> {
    io: I,
    /// Gone once they came, so that later reads cost no more than a look at it.
    awaited: Option<Awaited>,
}

struct Awaited {
    missing: usize,
    limit: Pin<Box<Sleep>>,
}

impl<I> FirstBytes<I> {
    /// Waits at most `limit` for the first `missing` bytes of `io`.
    pub(super) fn within(limit: Duration, missing: usize, io: I) -> Self {
        Self { io, awaited: Some(Awaited { missing, limit: Box::pin(sleep(limit)) }) }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for FirstBytes<I> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let known = buf.filled().len();
        let polled = Pin::new(&mut this.io).poll_read(cx, buf);
        let Some(awaited) = &mut this.awaited else { return polled };
        if polled.is_pending() {
            ready!(awaited.limit.as_mut().poll(cx));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        awaited.missing = awaited.missing.saturating_sub(buf.filled().len() - known);
        if awaited.missing == 0 {
            this.awaited = None;
        }
        polled
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for FirstBytes<I> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}
