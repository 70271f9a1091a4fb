//! Owns: the reads of every request, verify's `HGET session e` and the proxy's `HMGET session e t m`, over a
//! connection of its own that does nothing else.
//!
//! A general client pays for generality on every command. Here a command is three copies into a
//! buffer, all commands of one turn of the runtime leave in one write, and the answers come back in
//! order. One clock watches the connection, not one a command: where an answer did not come within
//! the command time-out, everybody who waits is told, and the connection is made anew.

#[cfg(test)]
mod every_order;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod link;
mod queue;
mod resp;
mod serve;

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use fred::types::config::Config;
use tokio::sync::watch;
use tokio::task::AbortHandle;

pub(super) use link::Address;
use queue::{Answer, Asker, Place, Queue};
use resp::FIELDS;

use crate::id::{COOKIE_LEN, StoreKey};
use crate::store::StoreError;
use crate::tracking::TrackedEdges;

/// The reading end. Clones share one connection.
#[derive(Clone)]
pub(super) struct Pipe(Arc<Ends>);

struct Ends {
    shared: Arc<Shared>,
    edge_view: Command,
    whole: Command,
    task: AbortHandle,
}

/// What stands before and behind a key's 43 characters on the wire.
struct Command {
    before: Vec<u8>,
    after: &'static [u8],
}

impl Command {
    fn new(words: usize, name: &str, prefix: &str, after: &'static [u8]) -> Self {
        let (length, long) = (name.len(), prefix.len() + COOKIE_LEN);
        let before = format!("*{words}\r\n${length}\r\n{name}\r\n${long}\r\n{prefix}");
        Self { before: before.into_bytes(), after }
    }

    fn write(&self, key: &StoreKey, out: &mut BytesMut) {
        out.reserve(self.before.len() + COOKIE_LEN + self.after.len());
        out.extend_from_slice(&self.before);
        out.extend_from_slice(key.text());
        out.extend_from_slice(self.after);
    }
}

/// What the readers and the connection's task share.
struct Shared {
    /// Never contended where each thread has its own store, as in `forwardauth`.
    queue: Mutex<Queue>,
    /// Tells who waits for the first connection; `Queue::up` is what reads ask.
    up: watch::Sender<bool>,
    session_prefix: String,
    tracked: Option<TrackedEdges>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // No work under this lock can panic half-way.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_up(&self, up: bool) {
        self.lock().up = up;
        self.up.send_replace(up);
    }
}

impl Pipe {
    /// Connects in the background and keeps connecting. `None` for a topology that needs to be
    /// asked where a key lives.
    pub(super) fn start(
        config: &Config,
        session_prefix: &str,
        timeout: Duration,
        tracked: Option<TrackedEdges>,
    ) -> Option<Self> {
        let address = Address::of(config, tracked.is_some())?;
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            up: watch::Sender::new(false),
            session_prefix: session_prefix.to_owned(),
            tracked,
        });
        let task = tokio::spawn(link::keep(Arc::clone(&shared), address, timeout)).abort_handle();
        let edge_view = Command::new(3, "HGET", session_prefix, b"\r\n$1\r\ne\r\n");
        let after = b"\r\n$1\r\ne\r\n$1\r\nt\r\n$1\r\nm\r\n";
        let whole = Command::new(5, "HMGET", session_prefix, after);
        Some(Self(Arc::new(Ends { shared, edge_view, whole, task })))
    }

    /// The edge view under `key`. Dropping the future gives the answer up, and nothing else.
    pub(super) fn edge_view(&self, key: &StoreKey) -> Read<'_> {
        self.ask(Asker::Value, &self.0.edge_view, key)
    }

    /// The parts of the session under `key`, in the order of `HMGET e t m`; `None` for one that is not
    /// there. All are slices of one answer.
    pub(super) async fn parts(
        &self,
        key: &StoreKey,
    ) -> Result<[Option<Bytes>; FIELDS], StoreError> {
        let answer = self.ask(Asker::Fields, &self.0.whole, key).await?.unwrap_or_default();
        match resp::fields(&answer) {
            Ok(Some((places, _))) => Ok(places.map(|place| Some(answer.slice(place?)))),
            Ok(None) | Err(resp::Nonsense) => Err(StoreError::Unavailable),
        }
    }

    fn ask(&self, kind: fn(Place) -> Asker, command: &Command, key: &StoreKey) -> Read<'_> {
        let shared = &*self.0.shared;
        let asked = shared.lock().ask(kind, |out| command.write(key, out));
        let place = match asked {
            Ok((place, link)) => {
                if let Some(link) = link {
                    link.wake();
                }
                Some(place)
            }
            Err(_down) => None,
        };
        Read { shared, place }
    }

    /// Whether a read would be written now.
    pub(super) fn is_up(&self) -> bool {
        self.0.shared.lock().up
    }

    /// Waits for the first connection.
    pub(super) async fn wait_until_up(&self) {
        let mut up = self.0.shared.up.subscribe();
        drop(up.wait_for(|up| *up).await);
    }
}

impl Drop for Ends {
    fn drop(&mut self) {
        self.task.abort();
        if let Some(tracked) = &self.shared.tracked {
            tracked.end();
        }
    }
}

/// A read under way; without a place if the connection is down.
pub(super) struct Read<'a> {
    shared: &'a Shared,
    place: Option<Place>,
}

impl Future for Read<'_> {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        let Some(place) = self.place else {
            return Poll::Ready(Err(StoreError::Unavailable));
        };
        let polled = self.shared.lock().poll(place, context.waker());
        if polled.is_ready() {
            self.place = None;
        }
        polled
    }
}

impl Drop for Read<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.shared.lock().abandon(place);
        }
    }
}
