//! Owns: the lease that keeps other replicas away from a refresh, and its heartbeat.
//!
//! It is short, so that a replica that dies frees it within seconds, and kept alive while the work under
//! it lasts. It saves calls and is no proof: what makes a refresh safe is the journal and the
//! compare-and-set.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use session::id::StoreKey;
use session::shelf::Shelf as _;
use session::store::StoreError;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::attempt_id;
use crate::app::App;
use crate::metrics;

/// The lease over the refresh of one session.
pub(super) struct Lease {
    app: Arc<App>,
    name: String,
    owner: String,
}

impl Lease {
    pub(super) fn over(app: &Arc<App>, key: &StoreKey) -> Self {
        let (name, owner) = (format!("refresh:{key}"), attempt_id(app));
        Self { app: Arc::clone(app), name, owner }
    }

    fn keep(&self) -> Duration {
        self.app.refresh_limits.lease
    }

    /// Takes it if nobody holds it.
    pub(super) async fn acquire(&self) -> Result<bool, StoreError> {
        self.app.store.acquire_lease(&self.name, &self.owner, self.keep()).await
    }

    /// Does `work` while the lease is kept alive, then gives it back.
    ///
    /// # Cancel safety
    /// Dropped, it stops the work and the heartbeat, and the lease runs out.
    pub(super) async fn hold<T>(&self, work: impl Future<Output = T>) -> T {
        let done = tokio::select! {
            biased;
            done = work => done,
            never = self.beat() => match never {},
        };
        if let Err(error) = self.app.store.release_lease(&self.name, &self.owner).await {
            tracing::debug!(reason = error.reason(), "lease left to expire");
        }
        done
    }

    async fn beat(&self) -> Infallible {
        let every = self.app.refresh_limits.beat;
        let mut beats = interval_at(Instant::now() + every, every);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            beats.tick().await;
            match self.app.store.extend_lease(&self.name, &self.owner, self.keep()).await {
                Ok(true) => {}
                // The store was away, or we stood still, for too long. The work goes on: its token is on
                // the way. Others are kept off again as soon as the lease is free.
                Ok(false) => {
                    metrics::refresh_lease_lost();
                    if let Err(error) = self.acquire().await {
                        tracing::debug!(reason = error.reason(), "lease not taken again");
                    }
                }
                Err(error) => tracing::debug!(reason = error.reason(), "lease not extended"),
            }
        }
    }
}
