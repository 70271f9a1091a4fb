//! Owns: the open streams and sockets of the proxy: how many there may be, and ending those of a session
//! that is over.
//!
//! One task a session looks at it for all of its streams: when news wake it (`live.rs`), at the deadline
//! of the session, and every so often, so that lost news are late by no more than that. Streams end
//! themselves; those that cannot, because their browser reads nothing, are cut soon after.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use session::id::StoreKey;
use shell::listen::Cut;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::config::StreamLimits;
use crate::error::ApiError;
use crate::live::look::{Ends, Seen, look};
use crate::metrics;

/// Longest time between two looks at a session.
const LOOK_EVERY: Duration = Duration::from_secs(15);
/// The same once the process ends, when nobody is woken any more.
const LOOK_EVERY_AT_THE_END: Duration = Duration::from_secs(1);
/// Before the first look, which is for what happened between the request's own look and now. Most
/// answers are over by then.
const FIRST_LOOK: Duration = Duration::from_millis(500);
/// How long streams have to end themselves.
const GRACE: Duration = Duration::from_millis(500);

/// The open streams and sockets of this process.
pub struct Streams {
    open: Arc<Mutex<Open>>,
    limits: StreamLimits,
}

#[derive(Default)]
struct Open {
    sessions: HashMap<StoreKey, Watched>,
    count: usize,
    /// Of the place that was taken last; wraps around.
    number: u64,
}

struct Watched {
    count: usize,
    /// Of the answers among them, by the number of their place.
    cuts: HashMap<u64, Cut>,
    /// Told to all of its streams.
    over: CancellationToken,
    /// Told to who watches, when the last of them has ended.
    left: CancellationToken,
}

/// What is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Answer,
    Upload,
    WebSocket,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Upload => "upload",
            Self::WebSocket => "websocket",
        }
    }
}

impl fmt::Debug for Streams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streams").field("open", &lock(&self.open).count).finish_non_exhaustive()
    }
}

impl Streams {
    /// None is open yet.
    pub fn new(limits: StreamLimits) -> Self {
        Self { open: Arc::default(), limits }
    }

    /// A place for one more, on behalf of the session under `key` where there is one.
    ///
    /// # Errors
    /// [`ApiError::TooManyStreams`], [`ApiError::TooManyOfSession`].
    pub(crate) fn take(
        &self,
        app: &Arc<App>,
        kind: Kind,
        key: Option<StoreKey>,
    ) -> Result<Place, ApiError> {
        let cut = match kind {
            Kind::Answer => Cut::current(),
            // The one waits for no reader, and the other is carried by a task of its own.
            Kind::Upload | Kind::WebSocket => None,
        };
        let (number, over, begun) = lock(&self.open).take(key, cut, self.limits)?;
        metrics::stream_opened(kind.name());
        let place = Place { open: Arc::clone(&self.open), kind, key, number, over };
        if let (Some(key), Some(left)) = (key, begun) {
            drop(tokio::spawn(watch(Arc::clone(app), key, place.over.clone(), left)));
        }
        Ok(place)
    }
}

impl Open {
    /// The number of the place; what tells of the session's end; and, for its first stream, what tells
    /// its watcher to stop.
    fn take(
        &mut self,
        key: Option<StoreKey>,
        cut: Option<Cut>,
        limits: StreamLimits,
    ) -> Result<(u64, CancellationToken, Option<CancellationToken>), ApiError> {
        if self.count >= limits.process {
            return Err(ApiError::TooManyStreams);
        }
        let Some(key) = key else {
            self.count = self.count.saturating_add(1);
            return Ok((self.number, CancellationToken::new(), None));
        };
        let known = self.sessions.get_mut(&key);
        if known.as_ref().is_some_and(|watched| watched.count >= limits.session) {
            return Err(ApiError::TooManyOfSession);
        }
        self.count = self.count.saturating_add(1);
        self.number = self.number.wrapping_add(1);
        let cut = cut.map(|cut| (self.number, cut));
        if let Some(watched) = known {
            watched.count = watched.count.saturating_add(1);
            watched.cuts.extend(cut);
            return Ok((self.number, watched.over.clone(), None));
        }
        let (over, left) = (CancellationToken::new(), CancellationToken::new());
        let cuts = cut.into_iter().collect();
        let watched = Watched { count: 1, cuts, over: over.clone(), left: left.clone() };
        self.sessions.insert(key, watched);
        Ok((self.number, over, Some(left)))
    }

    /// Ends what is left of a session.
    fn cut(&self, key: &StoreKey) {
        for cut in self.sessions.get(key).into_iter().flat_map(|watched| watched.cuts.values()) {
            cut.now();
        }
    }

    fn leave(&mut self, key: Option<&StoreKey>, number: u64) {
        self.count = self.count.saturating_sub(1);
        let Some(key) = key else { return };
        let Some(watched) = self.sessions.get_mut(key) else { return };
        watched.count = watched.count.saturating_sub(1);
        watched.cuts.remove(&number);
        if watched.count == 0 {
            watched.left.cancel();
            self.sessions.remove(key);
        }
    }
}

/// A place among the open streams. Given up when dropped.
pub(crate) struct Place {
    open: Arc<Mutex<Open>>,
    kind: Kind,
    key: Option<StoreKey>,
    number: u64,
    over: CancellationToken,
}

impl Place {
    /// Cancelled when the session is over; never for a stream that is nobody's.
    pub(crate) const fn over(&self) -> &CancellationToken {
        &self.over
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.open).leave(self.key.as_ref(), self.number);
        metrics::stream_closed(self.kind.name());
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").field("kind", &self.kind).finish_non_exhaustive()
    }
}

fn lock(open: &Mutex<Open>) -> MutexGuard<'_, Open> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Looks at a session until it is over or has no stream any more.
async fn watch(app: Arc<App>, key: StoreKey, over: CancellationToken, left: CancellationToken) {
    let mut seat = app.live.follow(key, &app.store, &app.shutdown);
    let mut known = None;
    let mut pause = FIRST_LOOK;
    loop {
        let called = async {
            if !seat.called().await {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = called => {}
            () = tokio::time::sleep(pause) => {}
            () = left.cancelled() => return,
            () = app.shutdown.begun(), if pause > LOOK_EVERY_AT_THE_END => {}
        }
        match look(&app, &key, known).await {
            Seen::Alive(edge) => known = Some(Ends::of(&edge)),
            Seen::Over(reason) => {
                tracing::debug!(session = key.short(), reason, "streams of a session end");
                over.cancel();
                return cut(&app, &key, &left).await;
            }
            Seen::Unknown => {}
        }
        pause = until_next_look(&app, known);
    }
}

/// Ends the streams of a session that is over and could not end themselves.
async fn cut(app: &App, key: &StoreKey, left: &CancellationToken) {
    while tokio::time::timeout(GRACE, left.cancelled()).await.is_err() {
        lock(&app.streams.open).cut(key);
    }
}

fn until_next_look(app: &App, known: Option<Ends>) -> Duration {
    let most = if app.shutdown.has_begun() { LOOK_EVERY_AT_THE_END } else { LOOK_EVERY };
    let left = known.map(|ends| ends.idle_expires_at.saturating_sub(app.now()));
    left.map_or(most, |left| Duration::from_secs(left.max(1)).min(most))
}

#[cfg(test)]
mod tests;
