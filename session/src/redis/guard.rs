//! Owns: noticing that Redis is frozen, and answering at once while it is.
//!
//! A stopped server keeps its connections open, so every command would wait out its time-out. fred
//! looks for that only while nothing is written, hence never under traffic. The guard counts
//! time-outs in a row; at the third it opens: calls fail at once, and one task reconnects until a
//! `PING` comes back. It asks by itself, too: where all that is read goes another way, nobody else may
//! notice for long that the connection leads nowhere any more.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use fred::clients::Client;
use fred::error::{Error, ErrorKind};
use fred::interfaces::ClientLike as _;
use fred::types::ClientState;

use crate::store::StoreError;

/// Time-outs in a row that mean "frozen" rather than "slow once".
const FROZEN_AFTER: u32 = 3;
/// Longest wait for one attempt to reconnect, and for the `PING` after it.
const ATTEMPT: Duration = Duration::from_millis(400);
/// How often a connection is asked for a sign of life. A packet filter that forgot it closes nothing.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// Pause between attempts.
const PAUSE: Duration = Duration::from_millis(50);

/// A circuit breaker around one client.
#[derive(Clone)]
pub(super) struct Guard(Arc<State>);

struct State {
    client: Client,
    timeouts: AtomicU32,
    open: AtomicBool,
}

impl Guard {
    pub(super) fn new(client: Client) -> Self {
        let (timeouts, open) = (AtomicU32::new(0), AtomicBool::new(false));
        let state = Arc::new(State { client, timeouts, open });
        drop(tokio::spawn(watch(Arc::downgrade(&state))));
        Self(state)
    }

    /// Runs one command, unless Redis is known to be away.
    pub(super) async fn run<T>(
        &self,
        command: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, StoreError> {
        let state = &*self.0;
        if state.open.load(Ordering::Acquire) || state.client.state() != ClientState::Connected {
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
        for _ in 0..FROZEN_AFTER {
            let answer = self.run(self.0.client.ping::<String>(None)).await;
            if !matches!(answer, Err(StoreError::TimedOut)) {
                return;
            }
        }
    }

    fn timed_out(&self) {
        let in_a_row = self.0.timeouts.fetch_add(1, Ordering::AcqRel).saturating_add(1);
        if in_a_row >= FROZEN_AFTER && !self.0.open.swap(true, Ordering::AcqRel) {
            tracing::warn!(in_a_row, "redis stopped answering; failing fast until it is back");
            let state = Arc::clone(&self.0);
            tokio::spawn(async move { state.recover().await });
        }
    }
}

/// Until nobody uses the guard any more.
async fn watch(state: Weak<State>) {
    loop {
        tokio::time::sleep(HEARTBEAT).await;
        let Some(state) = state.upgrade() else { return };
        Guard(state).beat().await;
    }
}

impl State {
    async fn recover(&self) {
        while !self.reconnected().await {
            tokio::time::sleep(PAUSE).await;
        }
        self.timeouts.store(0, Ordering::Release);
        self.open.store(false, Ordering::Release);
        tracing::info!("redis answers again");
    }

    async fn reconnected(&self) -> bool {
        let reconnect = tokio::time::timeout(ATTEMPT, self.client.force_reconnection());
        if !matches!(reconnect.await, Ok(Ok(()))) {
            return false;
        }
        let ping = tokio::time::timeout(ATTEMPT, self.client.ping::<String>(None));
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
        kind => StoreError::Refused(code(error.details()).unwrap_or(kind.to_str()).to_owned()),
    }
}
