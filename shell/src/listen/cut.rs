//! Owns: ending an answer whose peer does not read.
//!
//! hyper asks a body for more only when it can write what it has. A body that wants to end can therefore
//! not say so to a peer that reads nothing, nor can it tell how long that lasts. What serves the answer
//! ends it from outside: the task of the connection in HTTP/1.1, that of the stream in HTTP/2, which
//! resets it and leaves the other streams alone.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use hyper::rt::Executor;
use pin_project_lite::pin_project;
use tokio::task::futures::TaskLocalFuture;
use tokio::time::{Instant, Sleep, sleep_until};

tokio::task_local! {
    static CURRENT: Cut;
}

/// The way for an answer's body to be ended by the task that serves it. Clones are one.
///
/// [`Self::gave`] and [`Self::asked`] are for the body alone, which is polled by that task; [`Self::now`]
/// is for anybody.
#[derive(Debug, Clone, Default)]
pub struct Cut(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// How often the body gave something; wraps around.
    given: AtomicU32,
    /// The same when it was asked for more. Unlike `given` while the peer has something to read.
    asked: AtomicU32,
    /// Milliseconds that the peer has for it.
    patience: AtomicU32,
    wanted: AtomicBool,
    has_ended: AtomicBool,
    waker: AtomicWaker,
}

impl Cut {
    /// That of the task which serves the answer, for the future or the body that it polls. `None` where
    /// the listener's [`Limits`](super::Limits) have it off.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }

    /// The body gave something, which the peer should have read within `patience`, of at most 49 days.
    pub fn gave(&self, patience: Duration) {
        let patience = u32::try_from(patience.as_millis()).unwrap_or(u32::MAX);
        self.0.patience.store(patience, Ordering::Relaxed);
        let given = self.0.given.load(Ordering::Relaxed);
        self.0.given.store(given.wrapping_add(1), Ordering::Relaxed);
    }

    /// The body was asked for more, or has no more to give.
    pub fn asked(&self) {
        self.0.asked.store(self.0.given.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Ends the answer if its peer has something to read. A body that is waiting itself can say that it
    /// ends.
    pub fn now(&self) {
        self.0.wanted.store(true, Ordering::Release);
        self.0.waker.wake();
    }

    /// Whether the answer was ended by this, for whichever reason.
    pub fn has_ended(&self) -> bool {
        self.0.has_ended.load(Ordering::Relaxed)
    }

    fn end<T>(&self) -> Poll<Option<T>> {
        self.0.has_ended.store(true, Ordering::Relaxed);
        Poll::Ready(None)
    }

    fn is_owed(&self) -> bool {
        self.0.given.load(Ordering::Relaxed) != self.0.asked.load(Ordering::Relaxed)
    }

    /// Whether to end now. A wish that came too late is forgotten: the next answer of a connection has
    /// nothing to do with it.
    fn is_to_end(&self) -> bool {
        self.0.wanted.load(Ordering::Acquire)
            && self.0.wanted.swap(false, Ordering::AcqRel)
            && self.is_owed()
    }
}

pin_project! {
    /// Serves one connection or stream, until its answer is cut: then it is `None`, and to be dropped.
    pub(super) struct Cuttable<F> {
        #[pin]
        serving: TaskLocalFuture<Cut, F>,
        cut: Cut,
        clock: Option<Pin<Box<Sleep>>>,
        seen: u32,
        since: Option<Instant>,
    }
}

impl<F: Future> Cuttable<F> {
    pub(super) fn new(serving: F) -> Self {
        let cut = Cut::default();
        let serving = CURRENT.scope(cut.clone(), serving);
        Self { serving, cut, clock: None, seen: 0, since: None }
    }
}

impl<F: Future> Future for Cuttable<F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        this.cut.0.waker.register(context.waker());
        if this.cut.is_to_end() {
            return this.cut.end();
        }
        if let Poll::Ready(served) = this.serving.poll(context) {
            return Poll::Ready(Some(served));
        }
        if !this.cut.is_owed() {
            *this.since = None;
            return Poll::Pending;
        }
        let given = this.cut.0.given.load(Ordering::Relaxed);
        let now = Instant::now();
        if given != *this.seen || this.since.is_none() {
            *this.seen = given;
            *this.since = Some(now);
        }
        let patience = Duration::from_millis(this.cut.0.patience.load(Ordering::Relaxed).into());
        let until = this.since.unwrap_or(now) + patience;
        // A clock that rings too early is set anew then, so that what moves costs no timer each time.
        let clock = this.clock.get_or_insert_with(|| Box::pin(sleep_until(until)));
        if clock.deadline() > until {
            clock.as_mut().reset(until);
        }
        while clock.as_mut().poll(context).is_ready() {
            if until <= Instant::now() {
                return this.cut.end();
            }
            clock.as_mut().reset(until);
        }
        Poll::Pending
    }
}

/// Starts the tasks of HTTP/2 streams, so that they can be cut where `cuttable`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Streams {
    pub(super) cuttable: bool,
}

impl<F> Executor<F> for Streams
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, serving: F) {
        if self.cuttable {
            drop(tokio::spawn(Cuttable::new(serving)));
        } else {
            drop(tokio::spawn(serving));
        }
    }
}
