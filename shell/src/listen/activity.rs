//! Owns: knowing whether an HTTP/1.1 connection has a request under way, at the cost of two stores a
//! request, and saying of an answer that it is the last one. hyper's own timer for the former costs 1,500
//! instructions a request.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll, ready};

use http::header::{CONNECTION, HeaderValue};
use http::{Request, Response, StatusCode};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::service::Service;
use pin_project_lite::pin_project;

/// The requests of one connection. Clones are one.
///
/// One task does all of a connection's work, so that no step here has to be indivisible.
#[derive(Debug, Clone, Default)]
pub(super) struct Activity(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    begun: AtomicU32,
    ended: AtomicU32,
    last: AtomicBool,
}

impl Activity {
    /// How many requests have begun; wraps around.
    pub(super) fn begun(&self) -> u32 {
        self.0.begun.load(Ordering::Relaxed)
    }

    /// Has the next answer say `Connection: close`, after which hyper closes.
    pub(super) fn answer_for_the_last_time(&self) {
        self.0.last.store(true, Ordering::Relaxed);
    }

    /// Whether no request was under way since `begun` of them had begun.
    pub(super) fn is_idle_since(&self, begun: u32) -> bool {
        self.begun() == begun && self.0.ended.load(Ordering::Relaxed) == begun
    }
}

fn count(counter: &AtomicU32) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
}

/// A request under way.
#[derive(Debug)]
struct UnderWay(Activity);

impl UnderWay {
    fn new(activity: &Activity) -> Self {
        count(&activity.0.begun);
        Self(activity.clone())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        count(&self.0.0.ended);
    }
}

/// A service whose requests are noted.
pub(super) struct Noted<S> {
    pub(super) service: S,
    pub(super) activity: Activity,
}

impl<S, B> Service<Request<Incoming>> for Noted<S>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
{
    type Response = Response<NotedBody<B>>;
    type Error = Infallible;
    type Future = NotedFuture<S::Future>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let under_way = Some(UnderWay::new(&self.activity));
        NotedFuture { answer: self.service.call(request), under_way }
    }
}

pin_project! {
    /// An answer to come.
    pub(super) struct NotedFuture<F> {
        #[pin]
        answer: F,
        under_way: Option<UnderWay>,
    }
}

impl<F, B> Future for NotedFuture<F>
where
    F: Future<Output = Result<Response<B>, Infallible>>,
{
    type Output = Result<Response<NotedBody<B>>, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Ok(mut response) = ready!(this.answer.poll(context));
        let under_way = this.under_way.take();
        let is_last = under_way.as_ref().is_some_and(|it| it.0.0.last.load(Ordering::Relaxed));
        // What an upgrade leads to is no longer HTTP/1.1, and ends as its own protocol says.
        if is_last && response.status() != StatusCode::SWITCHING_PROTOCOLS {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Poll::Ready(Ok(response.map(|body| NotedBody { body, _under_way: under_way })))
    }
}

pin_project! {
    /// A body; its request is under way until all of it is written.
    pub(super) struct NotedBody<B> {
        #[pin]
        body: B,
        _under_way: Option<UnderWay>,
    }
}

impl<B: Body> Body for NotedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.project().body.poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_means_no_request_at_all_since_then() {
        let activity = Activity::default();
        let begin = activity.begun();
        assert!(activity.is_idle_since(begin));
        let request = UnderWay::new(&activity);
        assert!(!activity.is_idle_since(begin), "one is under way");
        assert!(
            !activity.is_idle_since(activity.begun()),
            "one is under way, for as long as it takes"
        );
        drop(request);
        assert!(!activity.is_idle_since(begin), "one has been");
        assert!(activity.is_idle_since(activity.begun()));
    }
}
