//! Owns: verify's one read, `HGET session e`, over a connection of its own that does nothing else.
//!
//! A general client pays for generality on every command. Here a command is three copies into a
//! buffer, all commands of one turn of the runtime leave in one write, and the answers come back in
//! order. One clock watches the connection, not one a command: where answers are owed and none came
//! for the command time-out, everybody who waits is told, and the connection is made anew.

mod link;
mod resp;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use fred::types::config::Config;
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::AbortHandle;

use crate::id::{COOKIE_LEN, StoreKey};
use crate::store::StoreError;

pub(super) use link::Address;

type Answer = Result<Option<Bytes>, StoreError>;

/// Most reads that may be under way; beyond, Redis does not keep up and waiting helps nobody.
const READS_MAX: usize = 16 * 1024;

/// The reading end. Clones share one connection.
#[derive(Clone)]
pub(super) struct Pipe(Arc<Ends>);

struct Ends {
    shared: Arc<Shared>,
    /// What stands before and behind a key's 43 characters on the wire.
    before: Vec<u8>,
    after: &'static [u8],
    task: AbortHandle,
}

/// What the readers and the connection's task share.
struct Shared {
    state: Mutex<State>,
    wake: Notify,
    /// Tells who waits for the first connection; `State::up` is what reads ask.
    up: watch::Sender<bool>,
}

#[derive(Default)]
struct State {
    up: bool,
    /// Commands that were not written yet.
    out: BytesMut,
    /// Who waits, in the order of the commands.
    waiting: VecDeque<oneshot::Sender<Answer>>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No work under this lock can panic half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_up(&self, up: bool) {
        self.lock().up = up;
        self.up.send_replace(up);
    }
}

impl Pipe {
    /// Connects in the background and keeps connecting. `None` for a topology that needs to be
    /// asked where a key lives.
    pub(super) fn start(config: &Config, session_prefix: &str, timeout: Duration) -> Option<Self> {
        let address = Address::of(config)?;
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            wake: Notify::new(),
            up: watch::Sender::new(false),
        });
        let task = tokio::spawn(link::keep(Arc::clone(&shared), address, timeout)).abort_handle();
        let length = session_prefix.len() + COOKIE_LEN;
        let before = format!("*3\r\n$4\r\nHGET\r\n${length}\r\n{session_prefix}").into_bytes();
        Some(Self(Arc::new(Ends { shared, before, after: b"\r\n$1\r\ne\r\n", task })))
    }

    /// The edge view under `key`.
    pub(super) async fn edge_view(&self, key: &StoreKey) -> Answer {
        let (sender, answer) = oneshot::channel();
        {
            let mut state = self.0.shared.lock();
            if !state.up || state.waiting.len() >= READS_MAX {
                return Err(StoreError::Unavailable);
            }
            state.out.extend_from_slice(&self.0.before);
            state.out.extend_from_slice(key.encode(&mut [0; COOKIE_LEN]).as_bytes());
            state.out.extend_from_slice(self.0.after);
            state.waiting.push_back(sender);
        }
        self.0.shared.wake.notify_one();
        answer.await.unwrap_or(Err(StoreError::Unavailable))
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
    }
}
