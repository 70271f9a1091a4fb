//! Owns: noticing that Redis is frozen, and answering at once while it is.
//!
//! A stopped server keeps its connections open, so every command would wait out its time-out. fred
//! looks for that only while nothing is written, hence never under traffic. The guard counts
//! time-outs in a row; at the third it opens: calls fail at once, and one task reconnects until a
//! `PING` comes back. It asks by itself, too: where all that is read goes another way, nobody else may
//! notice for long that the connection leads nowhere any more. In a Cluster one server may be silent while
//! others answer, which [`cluster`] looks after.

mod cluster;

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use fred::clients::Client;
use fred::error::{Error, ErrorKind};
use fred::interfaces::ClientLike as _;
use fred::types::{Builder, ClientState, ConnectHandle};
use tokio::sync::Notify;

use super::connect::RedisSetupError;
use super::pulse::SILENT_AFTER;
use crate::store::StoreError;

/// Longest wait for one attempt to reconnect, and for the `PING` after it.
const ATTEMPT: Duration = Duration::from_millis(400);
/// How often a connection is asked for a sign of life. A packet filter that forgot it closes nothing.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(1);
/// Pause between attempts.
const PAUSE: Duration = Duration::from_millis(50);

/// A circuit breaker around one client.
#[derive(Clone)]
pub(super) struct Guard(Arc<State>);

struct State {
    builder: Builder,
    client: ArcSwap<Client>,
    timeouts: AtomicU32,
    open: AtomicBool,
    suspicion: Arc<Notify>,
}

impl Guard {
    /// A client that connects in the background.
    ///
    /// # Errors
    /// [`RedisSetupError::Client`] if there can be none.
    pub(super) fn connect(builder: Builder) -> Result<Self, RedisSetupError> {
        let client = builder.build().map_err(|_| RedisSetupError::Client)?;
        let connection = client.connect();
        let state = Arc::new(State {
            builder,
            client: ArcSwap::from_pointee(client),
            timeouts: AtomicU32::new(0),
            open: AtomicBool::new(false),
            suspicion: Arc::new(Notify::new()),
        });
        drop(tokio::spawn(watch(Arc::downgrade(&state), connection)));
        Ok(Self(state))
    }

    /// The client to ask now.
    pub(super) fn client(&self) -> Client {
        self.0.client()
    }

    /// Runs one command of [`Guard::client`], unless Redis is known to be away.
    pub(super) async fn run<T>(
        &self,
        command: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, StoreError> {
        let state = &*self.0;
        let is_connected = state.client.load().state() == ClientState::Connected;
        if state.open.load(Ordering::Acquire) || !is_connected {
            return Err(StoreError::Unavailable);
        }
        let result = command.await;
        if matches!(&result, Err(error) if *error.kind() == ErrorKind::Timeout) {
            self.timed_out();
        } else {
            state.timeouts.store(0, Ordering::Release);
        }
        result.map_err(|error| translate(&error))
    }

    /// Asks for a sign of life; again at once where none comes, so that it opens within a second.
    async fn beat(&self) {
        for _ in 0..SILENT_AFTER {
            let answer = self.run(self.client().ping::<String>(None)).await;
            if !matches!(answer, Err(StoreError::TimedOut)) {
                return;
            }
        }
    }

    fn timed_out(&self) {
        let in_a_row = self.0.timeouts.fetch_add(1, Ordering::AcqRel).saturating_add(1);
        if in_a_row < SILENT_AFTER {
            return;
        }
        if self.0.client.load().is_clustered() {
            self.0.suspicion.notify_one();
        } else if !self.0.open.swap(true, Ordering::AcqRel) {
            tracing::warn!(in_a_row, "redis stopped answering; failing fast until it is back");
            let state = Arc::clone(&self.0);
            tokio::spawn(async move { state.recover().await });
        }
    }
}

/// Until nobody uses the guard any more.
async fn watch(state: Weak<State>, mut connection: ConnectHandle) {
    let Some(suspicion) = state.upgrade().map(|state| Arc::clone(&state.suspicion)) else { return };
    loop {
        drop(tokio::time::timeout(HEARTBEAT, suspicion.notified()).await);
        let Some(state) = state.upgrade() else { return };
        if state.client.load().is_clustered() {
            cluster::look_after(&state, &mut connection).await;
        } else {
            Guard(state).beat().await;
        }
    }
}

impl State {
    fn client(&self) -> Client {
        self.client.load().as_ref().clone()
    }

    async fn recover(&self) {
        while !self.reconnected().await {
            tokio::time::sleep(PAUSE).await;
        }
        self.timeouts.store(0, Ordering::Release);
        self.open.store(false, Ordering::Release);
        tracing::info!("redis answers again");
    }

    async fn reconnected(&self) -> bool {
        let client = self.client();
        let reconnect = tokio::time::timeout(ATTEMPT, client.force_reconnection());
        if !matches!(reconnect.await, Ok(Ok(()))) {
            return false;
        }
        let ping = tokio::time::timeout(ATTEMPT, client.ping::<String>(None));
        matches!(ping.await, Ok(Ok(_)))
    }
}

/// The first word of what Redis said, where it is one of its codes, such as `NOPERM`. What follows
/// may name keys.
fn code(details: &str) -> Option<&str> {
    let word = details.split(' ').next().unwrap_or_default();
    (!word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase())).then_some(word)
}

/// Keeps apart "away", "late" and "said no".
fn translate(error: &Error) -> StoreError {
    match error.kind() {
        ErrorKind::Timeout => StoreError::TimedOut,
        ErrorKind::Canceled
        | ErrorKind::IO
        | ErrorKind::Tls
        | ErrorKind::Cluster
        | ErrorKind::Sentinel
        | ErrorKind::Routing
        | ErrorKind::Backpressure => StoreError::Unavailable,
        // "Failed to route command": no connection leads there. What Redis refused has a code.
        ErrorKind::Unknown if code(error.details()).is_none() => StoreError::Unavailable,
        kind => StoreError::Refused(code(error.details()).unwrap_or(kind.to_str()).to_owned()),
    }
}
