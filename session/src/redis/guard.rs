//! Owns: noticing that Redis is frozen, and answering at once while it is.
//!
//! A stopped server keeps its connections open, so every command would wait out its time-out. fred
//! looks for that only while nothing is written, hence never under traffic. The guard counts
//! time-outs in a row; at the third it opens: calls fail at once, and one task reconnects until a
//! `PING` comes back.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
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
        Self(Arc::new(State { client, timeouts: AtomicU32::new(0), open: AtomicBool::new(false) }))
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

    fn timed_out(&self) {
        let in_a_row = self.0.timeouts.fetch_add(1, Ordering::AcqRel).saturating_add(1);
        if in_a_row >= FROZEN_AFTER && !self.0.open.swap(true, Ordering::AcqRel) {
            tracing::warn!(in_a_row, "redis stopped answering; failing fast until it is back");
            let state = Arc::clone(&self.0);
            tokio::spawn(async move { state.recover().await });
        }
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
