//! Owns: the body of an answer on its way to the browser: it ends with its session, where its service
//! falls silent, and where its browser does not read. Nothing is buffered.
//!
//! Most answers are short, and cost one comparison a frame. A timer exists only once a service lets us
//! wait, a place among the open streams only for what lasts or is large.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::BoxError;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body::{Body as HttpBody, Frame, SizeHint};
use session::id::StoreKey;
use shell::listen::Cut;
use tokio::time::{Instant, Sleep, sleep};
use tokio_util::sync::WaitForCancellationFutureOwned;

use crate::app::App;
use crate::error::ApiError;
use crate::metrics;
use crate::streams::{Kind, Place};

/// What is known to be no longer is never called a stream.
const SHORT: u64 = 64 * 1024;
/// What takes longer, and is not known to be short, is one.
const LASTS: Duration = Duration::from_millis(500);

/// Why an answer was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Why {
    #[error("the session is over")]
    SessionOver,
    #[error("the service fell silent")]
    Silent,
    #[error("too many open streams")]
    NoRoom,
    #[error("the browser does not read")]
    Unread,
}

impl Why {
    const fn reason(self) -> &'static str {
        match self {
            Self::SessionOver => "session_over",
            Self::Silent => "silent",
            Self::NoRoom => "no_room",
            Self::Unread => "unread",
        }
    }
}

/// Guards the body of `response`, which is of the session under `session` where there is one.
///
/// # Errors
/// [`ApiError`] if it is a stream from the beginning and there is no place for one.
pub(super) fn guard(
    app: &Arc<App>,
    session: Option<StoreKey>,
    idle: Duration,
    response: Response,
) -> Result<Response, ApiError> {
    let (head, body) = response.into_parts();
    if body.is_end_stream() {
        return Ok(Response::from_parts(head, body));
    }
    let (is_events, size) = (is_events(&head.headers), body.size_hint().exact());
    let is_short = size.is_some_and(|size| size <= SHORT);
    let mut guarded = Guarded {
        body,
        app: Arc::clone(app),
        session,
        idle,
        is_short,
        passed: 0,
        place: None,
        cut: Cut::current(),
        over: None,
        ending: is_events.then(|| Box::pin(app.shutdown.begun_owned())),
        quiet_since: None,
        clock: None,
    };
    if is_events || size.is_some_and(|size| size > SHORT) {
        guarded.take_place()?;
    }
    Ok(Response::from_parts(head, Body::new(guarded)))
}

fn is_events(headers: &HeaderMap) -> bool {
    const EVENTS: &[u8] = b"text/event-stream";
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.as_bytes().get(..EVENTS.len()))
        .is_some_and(|begin| begin.eq_ignore_ascii_case(EVENTS))
}

type Signal = Pin<Box<WaitForCancellationFutureOwned>>;

struct Guarded {
    body: Body,
    app: Arc<App>,
    session: Option<StoreKey>,
    idle: Duration,
    is_short: bool,
    passed: u64,
    place: Option<Place>,
    /// Ends what the browser does not read.
    cut: Option<Cut>,
    /// The end of the session.
    over: Option<Signal>,
    /// The end of the process. Events would never end by themselves; anything else may use the drain.
    ending: Option<Signal>,
    quiet_since: Option<Instant>,
    clock: Option<Pin<Box<Sleep>>>,
}

impl Guarded {
    fn take_place(&mut self) -> Result<(), ApiError> {
        let place = self.app.streams.take(&self.app, Kind::Answer, self.session)?;
        self.over = self.session.map(|_| Box::pin(place.over().clone().cancelled_owned()));
        self.place = Some(place);
        Ok(())
    }

    fn is_to_take_place(&self) -> bool {
        self.place.is_none() && !self.is_short
    }

    fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        self.over.as_mut().is_some_and(|over| over.as_mut().poll(context).is_ready())
    }

    /// Nothing is there to be passed on.
    fn wait(&mut self, context: &mut Context<'_>) -> Poll<Why> {
        let since = *self.quiet_since.get_or_insert_with(Instant::now);
        let first = if self.is_to_take_place() { self.idle.min(LASTS) } else { self.idle };
        let clock = self.clock.get_or_insert_with(|| Box::pin(sleep(first)));
        loop {
            ready!(clock.as_mut().poll(context));
            if self.place.is_none() && !self.is_short {
                break;
            }
            let until = since + self.idle;
            if until <= Instant::now() {
                return Poll::Ready(Why::Silent);
            }
            clock.as_mut().reset(until);
        }
        if self.take_place().is_err() {
            return Poll::Ready(Why::NoRoom);
        }
        if self.is_over(context) {
            return Poll::Ready(Why::SessionOver);
        }
        self.clock = None;
        // With a place there is nothing left to take: this is the last round.
        self.wait(context)
    }

    fn passes(&mut self, frame: &Frame<Bytes>) -> Result<(), Why> {
        self.quiet_since = None;
        if let Some(cut) = &self.cut {
            cut.gave(self.idle);
        }
        let length = frame.data_ref().map_or(0, Bytes::len);
        self.passed = self.passed.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
        if self.passed > SHORT && self.is_to_take_place() {
            self.take_place().map_err(|_| Why::NoRoom)?;
        }
        Ok(())
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let Some(cut) = &self.cut else { return };
        cut.asked();
        if cut.has_ended() {
            let is_over = self.place.as_ref().is_some_and(|place| place.over().is_cancelled());
            let why = if is_over { Why::SessionOver } else { Why::Unread };
            metrics::stream_cut(why.reason());
        }
    }
}

fn cut(why: Why) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
    metrics::stream_cut(why.reason());
    Poll::Ready(Some(Err(why.into())))
}

impl HttpBody for Guarded {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        if let Some(cut) = &this.cut {
            cut.asked();
        }
        if this.is_over(context) {
            return cut(Why::SessionOver);
        }
        if this.ending.as_mut().is_some_and(|ending| ending.as_mut().poll(context).is_ready()) {
            return Poll::Ready(None);
        }
        match Pin::new(&mut this.body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => match this.passes(&frame) {
                Ok(()) => Poll::Ready(Some(Ok(frame))),
                Err(why) => cut(why),
            },
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(None) => {
                this.place = None;
                Poll::Ready(None)
            }
            Poll::Pending => this.wait(context).map(|why| {
                metrics::stream_cut(why.reason());
                Some(Err(why.into()))
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
