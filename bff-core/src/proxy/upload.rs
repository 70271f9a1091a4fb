//! Owns: the body of a request on its way to a service, and how long its answer may take: the time for
//! the answer begins when the last of the request is gone, and until then something has to move.

use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout_at};

/// Whom a request waited for when its time was up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Late {
    /// More of the body should have come.
    Browser,
    /// It should have taken more of the body, or answered.
    Service,
}

/// How far a body has come. Clones are one.
#[derive(Debug, Clone)]
pub(super) struct Progress(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    done: Notify,
}

#[derive(Debug, Clone, Copy)]
struct State {
    moved: Instant,
    waits_for: Late,
    is_done: bool,
}

/// A body, and what tells how far it is; `None` for an empty one, which needs no telling.
pub(super) fn watched(body: Body) -> (Body, Option<Progress>) {
    if body.is_end_stream() {
        return (body, None);
    }
    let state = State { moved: Instant::now(), waits_for: Late::Service, is_done: false };
    let progress = Progress(Arc::new(Shared { state: Mutex::new(state), done: Notify::new() }));
    (Body::new(Upload { body, progress: progress.clone() }), Some(progress))
}

/// Waits for the head of an answer, for at most `limit` once the request, which begins `now`, is gone. Before
/// that, something moves every `idle`.
///
/// # Errors
/// [`Late`].
pub(super) async fn head<F: Future>(
    answer: F,
    progress: Option<&Progress>,
    (now, limit): (Instant, Duration),
    idle: Duration,
) -> Result<F::Output, Late> {
    let Some(progress) = progress else {
        return timeout_at(now + limit, answer).await.map_err(|_| Late::Service);
    };
    let mut answer = pin!(answer);
    loop {
        let until = progress.until(limit, idle);
        tokio::select! {
            answer = answer.as_mut() => return Ok(answer),
            () = sleep_until(until) => {}
            () = progress.0.done.notified() => {}
        }
        if progress.until(limit, idle) <= Instant::now() {
            return Err(progress.lock().waits_for);
        }
    }
}

impl Progress {
    fn until(&self, limit: Duration, idle: Duration) -> Instant {
        let state = self.lock();
        state.moved + if state.is_done { limit } else { idle }
    }

    fn note(&self, waits_for: Late, is_done: bool) {
        let mut state = self.lock();
        if state.is_done {
            return;
        }
        *state = State { moved: Instant::now(), waits_for, is_done };
        drop(state);
        if is_done {
            self.0.done.notify_one();
        }
    }

    /// To be asked again and to have nothing is no movement.
    fn note_nothing(&self) {
        let mut state = self.lock();
        if !state.is_done && state.waits_for != Late::Browser {
            state.moved = Instant::now();
            state.waits_for = Late::Browser;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Upload {
    body: Body,
    progress: Progress,
}

impl HttpBody for Upload {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.body).poll_frame(context);
        match &polled {
            Poll::Pending => this.progress.note_nothing(),
            Poll::Ready(Some(Ok(_))) => {
                this.progress.note(Late::Service, this.body.is_end_stream());
            }
            Poll::Ready(Some(Err(_)) | None) => this.progress.note(Late::Service, true),
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        self.progress.note(Late::Service, true);
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;
    use http_body_util::BodyExt as _;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);
    const IDLE: Duration = Duration::from_secs(300);

    /// A body of `parts`, one every `pause`.
    fn slow(parts: u32, pause: Duration) -> Body {
        Body::from_stream(stream::unfold(0, move |sent| async move {
            tokio::time::sleep(pause).await;
            (sent < parts).then(|| (Ok::<_, Infallible>(Bytes::from_static(b"part")), sent + 1))
        }))
    }

    #[tokio::test(start_paused = true)]
    async fn c67_the_time_for_an_answer_begins_when_the_request_is_gone() {
        let pause = Duration::from_secs(100);
        let (body, progress) = watched(slow(20, pause));
        let begun = Instant::now();
        let late = head(
            async {
                assert!(body.collect().await.is_ok());
                std::future::pending::<()>().await;
            },
            progress.as_ref(),
            (Instant::now(), LIMIT),
            IDLE,
        )
        .await;
        assert_eq!(late, Err(Late::Service));
        let took = begun.elapsed();
        assert!(took >= 21 * pause + LIMIT && took < 21 * pause + 2 * LIMIT, "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn c67_who_stops_moving_is_the_one_who_is_late() {
        let (body, progress) = watched(slow(1, 2 * IDLE));
        let sent = head(body.collect(), progress.as_ref(), (Instant::now(), LIMIT), IDLE).await;
        assert_eq!(sent.map(|_| ()), Err(Late::Browser));

        let (body, progress) = watched(slow(1, Duration::ZERO));
        let untouched =
            head(std::future::pending::<()>(), progress.as_ref(), (Instant::now(), LIMIT), IDLE)
                .await;
        assert_eq!(untouched, Err(Late::Service));
        drop(body);
        let empty = head(std::future::pending::<()>(), None, (Instant::now(), LIMIT), IDLE).await;
        assert_eq!(empty, Err(Late::Service));
    }
}
