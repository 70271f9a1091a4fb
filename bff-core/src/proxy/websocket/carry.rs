//! Owns: the life of one WebSocket: bytes in both directions through small buffers, until one side ends
//! it, both fall silent, its session is over, or the process ends.
//!
//! The browser is told why by a close frame, where it can still be told; the service sees its connection
//! end.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use shell::random::Random;
use shell::shutdown::Shutdown;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf, split};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::frames::{Frames, close};
use crate::metrics;
use crate::streams::Place;

/// Longest wait for both sides to change their protocol.
const SWITCH: Duration = Duration::from_secs(10);
/// How long one direction may go on when the other has ended.
const LINGER: Duration = Duration::from_secs(10);
/// How long a browser has for the last word.
const LAST_WORD: Duration = Duration::from_millis(500);
/// Over which time sockets are closed when the process ends, so that browsers do not all come back at once.
const SCATTER: u64 = 5_000;
const BUFFER: usize = 8 * 1024;

/// Both connections, before they have changed their protocol.
pub(super) struct Ends {
    pub(super) browser: OnUpgrade,
    pub(super) service: OnUpgrade,
}

/// Why a socket was closed by us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    SessionOver,
    Silent,
    ProcessEnds,
}

impl Why {
    /// RFC 6455 section 7.4.1: 1008 is a matter of policy, 1001 one of going away.
    const fn code(self) -> u16 {
        match self {
            Self::SessionOver => 1008,
            Self::Silent | Self::ProcessEnds => 1001,
        }
    }

    const fn reason(self) -> &'static str {
        match self {
            Self::SessionOver => "session_over",
            Self::Silent => "silent",
            Self::ProcessEnds => "process_ends",
        }
    }
}

/// How long after the end of the process began a socket is closed.
pub(super) fn scatter(random: &dyn Random) -> Duration {
    Duration::from_millis(u64::from(u16::from_be_bytes(random.bytes())) % SCATTER)
}

/// Carries a WebSocket to its end.
pub(super) async fn carry(
    ends: Ends,
    place: Place,
    idle: Duration,
    shutdown: Shutdown,
    scatter: Duration,
) {
    let switched = timeout(SWITCH, async { tokio::try_join!(ends.browser, ends.service) }).await;
    let Ok(Ok((browser, service))) = switched else {
        tracing::debug!("a WebSocket did not come about");
        return;
    };
    let (mut from_browser, to_browser) = split(TokioIo::new(browser));
    let (mut from_service, to_service) = split(TokioIo::new(service));
    let mut down = Pipe::to(to_browser);
    let mut up = Pipe::to(to_service);
    let moved = Moved::now();
    let why = tokio::select! {
        () = both(up.fill(&mut from_browser, &moved), down.fill(&mut from_service, &moved)) => None,
        () = place.over().cancelled() => Some(Why::SessionOver),
        () = moved.silence(idle) => Some(Why::Silent),
        () = async { shutdown.begun().await; sleep(scatter).await } => Some(Why::ProcessEnds),
    };
    if let Some(why) = why {
        metrics::stream_cut(why.reason());
        // Whoever does not listen is not waited for.
        drop(timeout(LAST_WORD, down.say_goodbye(why, &mut from_browser)).await);
    }
}

/// Until both have ended, the second within a while of the first.
async fn both(up: impl Future<Output = ()>, down: impl Future<Output = ()>) {
    let (mut up, mut down) = (std::pin::pin!(up), std::pin::pin!(down));
    tokio::select! {
        () = up.as_mut() => drop(timeout(LINGER, down).await),
        () = down.as_mut() => drop(timeout(LINGER, up).await),
    }
}

type Reader = ReadHalf<TokioIo<Upgraded>>;

/// One direction.
struct Pipe {
    to: WriteHalf<TokioIo<Upgraded>>,
    frames: Frames,
    /// Not while a write is under way, of which nobody knows how much was written.
    is_whole: bool,
}

impl Pipe {
    fn to(to: WriteHalf<TokioIo<Upgraded>>) -> Self {
        Self { to, frames: Frames::default(), is_whole: true }
    }

    /// Until `from` ends, or either connection breaks.
    async fn fill(&mut self, from: &mut Reader, moved: &Moved) {
        if let Err(error) = self.copy(from, moved).await {
            tracing::debug!(%error, "a WebSocket broke");
        }
    }

    async fn copy(&mut self, from: &mut Reader, moved: &Moved) -> io::Result<()> {
        let mut buffer = vec![0; BUFFER];
        loop {
            let read = from.read(&mut buffer).await?;
            let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
                return self.to.shutdown().await;
            };
            moved.note();
            self.is_whole = false;
            self.to.write_all(bytes).await?;
            self.to.flush().await?;
            self.is_whole = true;
            self.frames.note(bytes);
            moved.note();
        }
    }

    /// Says why, where a frame can be said, and hears the peer out: to close with something unread would
    /// take back what was said.
    async fn say_goodbye(&mut self, why: Why, from: &mut Reader) -> io::Result<()> {
        if self.is_whole && self.frames.is_between() {
            self.to.write_all(&close(why.code(), why.reason())).await?;
        }
        self.to.shutdown().await?;
        let mut unheard = [0; 1024];
        while from.read(&mut unheard).await? > 0 {}
        Ok(())
    }
}

/// When something moved last, in either direction.
struct Moved {
    begun: Instant,
    /// Milliseconds since then.
    last: AtomicU64,
}

impl Moved {
    fn now() -> Self {
        Self { begun: Instant::now(), last: AtomicU64::new(0) }
    }

    fn note(&self) {
        let since = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(since, Ordering::Relaxed);
    }

    /// Until nothing has moved for `idle`.
    async fn silence(&self, idle: Duration) {
        loop {
            let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
            let until = self.begun + last + idle;
            if until <= Instant::now() {
                return;
            }
            sleep_until(until).await;
        }
    }
}
