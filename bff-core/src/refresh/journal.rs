//! Owns: what is written down before a refresh token is sent, and taken back if it was not spent.
//!
//! Whoever comes later, in whatever process, learns from it that the token may be spent (a crash and a
//! lost answer look alike from outside), and does not spend it again.

use std::sync::Arc;
use std::time::Duration;

use session::id::StoreKey;
use session::store::{Intent, Store as _, StoreError};

use crate::app::App;

/// How often the store is asked to write one intent down.
const ATTEMPTS: usize = 4;

/// How often it is asked, in the background, to forget one: together, time-outs included, no longer than
/// a process that ends waits for its tasks.
const FORGET_ATTEMPTS: usize = 40;

/// The journal of one version of a session's tokens.
pub(super) struct Journal {
    app: Arc<App>,
    key: StoreKey,
    version: u64,
    grace: Duration,
}

impl Journal {
    pub(super) fn new(app: &Arc<App>, key: StoreKey, version: u64, grace: Duration) -> Self {
        Self { app: Arc::clone(app), key, version, grace }
    }

    /// Writes down that `owner` is about to spend the refresh token. An answer that is lost is asked for
    /// again: the same owner is told the same.
    ///
    /// # Errors
    /// [`StoreError`] if the store stays away. Then nothing may be sent, and what was perhaps written is
    /// to be taken back.
    pub(super) async fn intend(&self, owner: &str) -> Result<Intent, StoreError> {
        let mut attempt = 1;
        loop {
            match self.app.store.intend(&self.key, self.version, owner, self.grace).await {
                Err(error) if attempt < ATTEMPTS => {
                    tracing::debug!(reason = error.reason(), "refresh not written down yet");
                    tokio::time::sleep(self.app.refresh_limits.pause).await;
                    attempt += 1;
                }
                answer => return answer,
            }
        }
    }

    /// Takes back what `owner` wrote down: the token is known not to be spent by it. Where the store is
    /// away this goes on in the background.
    pub(super) async fn take_back(&self, owner: String) {
        let Err(error) = self.app.store.forget_intent(&self.key, &owner).await else { return };
        tracing::debug!(reason = error.reason(), "intent not taken back yet");
        let (app, key) = (Arc::clone(&self.app), self.key);
        self.app.shutdown.spawn(async move {
            for _ in 0..FORGET_ATTEMPTS {
                tokio::time::sleep(app.refresh_limits.pause).await;
                if app.store.forget_intent(&key, &owner).await.is_ok() {
                    return;
                }
            }
            tracing::warn!(
                session = key.short(),
                "intent left standing: the session may end early"
            );
        });
    }
}
