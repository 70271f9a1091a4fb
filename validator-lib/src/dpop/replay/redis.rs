//! Owns: a memory of used DPoP proofs in Redis, for services with several replicas: each proof is entered
//! by one `SET .. NX`, so that of all replicas one takes it.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use validator_lib::Validator;
//! use validator_lib::dpop::replay::redis::RedisReplay;
//!
//! let used = RedisReplay::builder("rediss://orders:secret@redis.internal:6379").start()?;
//! let validator = Validator::discover("https://auth.example.com", "https://api.example.com")
//!     .origin("https://api.example.com")
//!     .shared_replay(used)
//!     .await?;
//! # Ok(())
//! # }
//! ```
//!
//! While Redis cannot be asked, requests with a proof are 503: to take a proof that another replica may
//! have taken would be to take a replay.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use fred::clients::Client;
use fred::error::{Error, ErrorKind};
use fred::interfaces::{ClientLike as _, KeysInterface as _};
use fred::types::config::ReconnectPolicy;
use fred::types::{Builder as ClientBuilder, Expiration, SetOptions};
use tokio::runtime::Handle;

use super::{Entering, ProofName, ReplayError, SharedReplay};
use crate::redis::{Server, reached_over_tls};

pub use crate::redis::SetupError;

/// What the keys begin with unless set.
pub const DEFAULT_PREFIX: &str = "wicket:dpop:";
/// Longest wait for an answer.
pub const ANSWER: Duration = Duration::from_millis(500);
const CONNECT: Duration = Duration::from_secs(2);
/// So many answers missed in a row, and the connection is made anew: the client itself never notices a
/// server that is frozen while it goes on asking.
const MISSED: u32 = 3;

/// A memory in the making.
#[must_use]
pub struct Builder {
    server: Server,
    prefix: String,
}

impl Builder {
    reached_over_tls!();

    /// What the keys begin with, [`DEFAULT_PREFIX`] unless set. Replicas of one service share it; services
    /// with the same origin have to.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Connects in the background, in the tokio runtime that this is called in, and as often as it takes.
    ///
    /// # Errors
    /// [`SetupError`] for settings with which it could never work.
    pub fn start(self) -> Result<RedisReplay, SetupError> {
        Handle::try_current().map_err(|_| SetupError::NoRuntime)?;
        let mut builder = ClientBuilder::from_config(self.server.config()?);
        builder
            .with_performance_config(|performance| performance.default_command_timeout = ANSWER)
            .with_connection_config(|connection| {
                connection.connection_timeout = CONNECT;
                connection.internal_command_timeout = CONNECT;
                // A command whose answer was lost may have been obeyed. Sent again, it would refuse the
                // proof that it has just entered.
                connection.max_command_attempts = 1;
                connection.max_command_buffer_len = 10_000;
                connection.auto_client_setname = false;
                connection.tcp.nodelay = Some(true);
                connection.tcp.user_timeout = Some(CONNECT);
            })
            .set_policy(ReconnectPolicy::new_exponential(0, 50, 1_000, 2));
        let client = builder.build().map_err(|_| SetupError::Url)?;
        let _connection = client.connect();
        let line = Arc::new(Line {
            client,
            missed: AtomicU32::new(0),
            reconnecting: AtomicBool::new(false),
        });
        Ok(RedisReplay(Arc::new(Memory { line, prefix: self.prefix })))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// A memory of used proofs in Redis. Clones share its connection.
#[derive(Clone)]
pub struct RedisReplay(Arc<Memory>);

struct Memory {
    line: Arc<Line>,
    prefix: String,
}

/// The connection, and what is known of its health.
struct Line {
    client: Client,
    /// Answers missed in a row.
    missed: AtomicU32,
    reconnecting: AtomicBool,
}

impl RedisReplay {
    /// A memory in the Redis at `url`: `redis://`, `rediss://` for TLS, `redis-cluster://` or
    /// `rediss-cluster://`. The Redis user needs `~wicket:dpop:* +set`, for a cluster `+cluster|slots`
    /// besides.
    pub fn builder(url: impl Into<String>) -> Builder {
        Builder { server: Server::at(url.into()), prefix: DEFAULT_PREFIX.to_owned() }
    }
}

impl Memory {
    async fn enter(&self, name: ProofName, keep: Duration) -> Result<(), ReplayError> {
        let keep = i64::try_from(keep.as_millis()).unwrap_or(i64::MAX);
        let key = format!("{}{name}", self.prefix);
        let expire = Some(Expiration::PX(keep));
        // Nil where the key stands, which reads as nothing and as no error.
        let set = self.line.client.set(key, 1, expire, Some(SetOptions::NX), false).await;
        let entered: Option<String> = set.map_err(|error| {
            self.line.note_failed(&error);
            ReplayError::Away
        })?;
        self.line.missed.store(0, Ordering::Relaxed);
        entered.map(drop).ok_or(ReplayError::Replayed)
    }
}

impl Line {
    /// A command that fails at once says that the connection is being made already. It is made anew only
    /// where answers fail to come, and by one of those who miss them: each attempt that is interrupted by
    /// the next would begin from the start.
    fn note_failed(self: &Arc<Self>, error: &Error) {
        if *error.kind() != ErrorKind::Timeout
            || self.missed.fetch_add(1, Ordering::Relaxed) + 1 < MISSED
            || self.reconnecting.swap(true, Ordering::AcqRel)
        {
            return;
        }
        let line = Arc::clone(self);
        tokio::spawn(async move {
            drop(tokio::time::timeout(CONNECT, line.client.force_reconnection()).await);
            line.missed.store(0, Ordering::Relaxed);
            line.reconnecting.store(false, Ordering::Release);
        });
    }
}

impl SharedReplay for RedisReplay {
    fn enter(&self, name: ProofName, keep: Duration) -> Entering<'_> {
        Box::pin(self.0.enter(name, keep))
    }
}

impl fmt::Debug for RedisReplay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisReplay").field("prefix", &self.0.prefix).finish_non_exhaustive()
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let client = self.line.client.clone();
        // Without a runtime there is nothing left that could be closed.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move { drop(client.quit().await) });
        }
    }
}
