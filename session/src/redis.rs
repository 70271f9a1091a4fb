//! Owns: the Redis store, and with it every use of `fred`.
//!
//! A session is one hash with the fields `e` (edge view), `t` (tokens), `m` (version of the token
//! part, then management), and while a refresh is under way `r` (what is intended): verify reads one field in one round trip, revocation is one `DEL`.
//! Every script touches one key, so the same code serves a single server, Sentinel and a Cluster.

mod connect;
mod estimate;
mod guard;
mod look;
mod news;
mod pipe;
mod pulse;
mod scripts;
mod sessions;
mod shelf;

use std::sync::Arc;
use std::time::Duration;

use fred::clients::Client;
use fred::interfaces::ClientLike as _;
use fred::types::scripts::Script;
use fred::types::{FromValue, Value};

pub use connect::{Reads, RedisOptions, RedisSetupError, RedisTls, Way};
use guard::Guard;
pub use look::Uses;
pub(crate) use look::look;
use news::Follower;
use pipe::Pipe;
#[cfg(feature = "fuzzing")]
pub use pipe::fuzzing;
use scripts::Scripts;

use crate::id::{COOKIE_LEN, StoreKey};
use crate::store::{IndexKey, StoreError};
use crate::tracking::TrackedEdges;

/// Sessions in Redis. Clones share one connection.
#[derive(Clone)]
pub struct RedisStore(Arc<Inner>);

struct Inner {
    /// The reads of every request, where they do not go through the client of `guard`.
    pipe: Option<Pipe>,
    guard: Guard,
    scripts: Scripts,
    command_timeout: Duration,
    session_prefix: String,
    prefix: String,
    tracked: Option<TrackedEdges>,
    exact_lists: bool,
    follower: Follower,
}

impl std::fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisStore").field("prefix", &self.0.prefix).finish_non_exhaustive()
    }
}

impl RedisStore {
    /// Connects in the background; waits a moment, so that a Redis that is there is there from the
    /// first request. One that is away makes every call fail until it comes.
    ///
    /// # Errors
    /// [`RedisSetupError`] if the options cannot be used at all.
    pub async fn connect(options: RedisOptions) -> Result<Self, RedisSetupError> {
        let prefix = options.prefix.clone();
        let session_prefix = format!("{prefix}session:");
        options.check()?;
        let tracked = match options.reads {
            Reads::Client | Reads::Pipe => None,
            Reads::Tracking(limits) => Some(TrackedEdges::new(limits)),
        };
        let pipe = match options.reads {
            Reads::Client => None,
            Reads::Pipe | Reads::Tracking(_) => Pipe::start(
                &connect::config(&options)?,
                &session_prefix,
                options.command_timeout,
                tracked.clone(),
            ),
        };
        let guard = Guard::connect(connect::builder(&options)?)?;
        let connected = async {
            drop(guard.client().wait_for_connect().await);
            if let Some(pipe) = &pipe {
                pipe.wait_until_up().await;
            }
        };
        if tokio::time::timeout(connect::PATIENCE, connected).await.is_err() {
            tracing::warn!("redis does not answer yet; serving without it until it does");
        }
        Ok(Self(Arc::new(Inner {
            pipe,
            guard,
            scripts: Scripts::new(),
            command_timeout: options.command_timeout,
            session_prefix,
            follower: Follower::new(connect::builder(&options)?, &prefix),
            prefix,
            tracked,
            exact_lists: options.exact_lists,
        })))
    }

    /// What is cached of the edge views read here, while Redis vouches for it.
    pub fn tracked(&self) -> Option<&TrackedEdges> {
        self.0.tracked.as_ref()
    }

    /// Closes the connection.
    pub async fn close(&self) {
        if self.client().quit().await.is_err() {
            tracing::debug!("redis was away at shutdown");
        }
    }

    /// The one that stands now: another may take its place.
    fn client(&self) -> Client {
        self.0.guard.client()
    }

    fn session_key(&self, key: &StoreKey) -> String {
        let mut text = String::with_capacity(self.0.session_prefix.len() + COOKIE_LEN);
        text.push_str(&self.0.session_prefix);
        text.push_str(std::str::from_utf8(key.text()).unwrap_or_default());
        text
    }

    fn key(&self, kind: &str, name: &str) -> String {
        format!("{}{kind}:{name}", self.0.prefix)
    }

    fn list(&self, index: &IndexKey) -> String {
        format!("{}{index}", self.0.prefix)
    }

    async fn run_script<T: FromValue + Send + 'static>(
        &self,
        script: &Script,
        key: String,
        args: Vec<Value>,
    ) -> Result<T, StoreError> {
        self.0.guard.run(script.evalsha_with_reload(&self.client(), key, args)).await
    }
}
