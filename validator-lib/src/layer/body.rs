//! Owns: the body of a response that comes either from the service or from the layer before it.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

pin_project! {
    /// The body of the inner service, or the short one of a refusal.
    #[derive(Debug)]
    pub struct ResponseBody<B> {
        #[pin]
        source: Source<B>,
    }
}

pin_project! {
    #[project = Projected]
    #[derive(Debug)]
    enum Source<B> {
        Service { #[pin] body: B },
        Layer { body: Bytes },
    }
}

impl<B> ResponseBody<B> {
    pub(super) fn passed(body: B) -> Self {
        Self { source: Source::Service { body } }
    }

    pub(super) fn whole(body: Bytes) -> Self {
        Self { source: Source::Layer { body } }
    }
}

impl<B: Body<Data = Bytes>> Body for ResponseBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project().source.project() {
            Projected::Service { body } => body.poll_frame(cx),
            Projected::Layer { body } if body.is_empty() => Poll::Ready(None),
            Projected::Layer { body } => Poll::Ready(Some(Ok(Frame::data(std::mem::take(body))))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Service { body } => body.is_end_stream(),
            Source::Layer { body } => body.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Service { body } => body.size_hint(),
            Source::Layer { body } => SizeHint::with_exact(body.len() as u64),
        }
    }
}
