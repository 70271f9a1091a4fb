//! Owns: the one look-up of a request: from a session's key to an edge view that is believed. Asks
//! this thread's cache first, where there is one, then the store.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ::metrics::Histogram;
use session::any::AnyStore;
use session::edge::{AuthenticEdge, EdgeKeys};
use session::id::StoreKey;
use session::shelf::{COMPLETE, Shelf as _};
use session::store::{Store as _, StoreError};
use shell::traces::Span;

use crate::config::VerifyConfig;
use crate::metrics;
use crate::refusal::Refusal;
use crate::traces;

/// Reads edge views.
pub(crate) struct Reader {
    store: AnyStore,
    keys: Arc<EdgeKeys>,
    redis: Histogram,
    /// Where sessions outlive Redis: how long a request may take in which Redis is asked whether it knows them all.
    durable: Option<Duration>,
}

impl Reader {
    pub(crate) fn new(store: AnyStore, config: &VerifyConfig) -> Self {
        let keys = Arc::clone(&config.clients.edge_keys);
        let durable = config.durable_sessions.then_some(config.deadline);
        Self { store, keys, redis: metrics::redis_duration(), durable }
    }

    /// The edge view under `key`, if it may be used at `now` without asking the store.
    pub(crate) fn cached(&self, key: &StoreKey, now: Instant) -> Option<AuthenticEdge> {
        self.store.tracked()?.get(key, now)
    }

    /// The edge view under `key`, at `now`, authentic but perhaps expired, where none is cached.
    ///
    /// # Errors
    /// Why there is none that can be believed. The store ends every read within its command time-out,
    /// which the configuration sets below the deadline.
    pub(crate) async fn read(
        &self,
        key: &StoreKey,
        now: Instant,
        span: Option<&Span>,
    ) -> Result<AuthenticEdge, Refusal> {
        let tracked = self.store.tracked().map(|tracked| (tracked, tracked.ticket()));
        let found = self.store.edge_view(key).await;
        // What the request took before it asked is a microsecond and counts as the store's.
        self.redis.record(now.elapsed());
        if let Some(span) = span {
            traces::looked_up(span, now, &found);
        }
        let Some(raw) = found? else { return Err(self.missed(now).await) };
        let edge = self.keys.open(key, raw)?;
        if let Some((tracked, ticket)) = tracked {
            tracked.keep(ticket, *key, edge.clone(), now);
        }
        Ok(edge)
    }

    /// Why there is no session, in a request that began at `began`. A Redis that may have lost it says nothing of it.
    async fn missed(&self, began: Instant) -> Refusal {
        let Some(deadline) = self.durable else { return Refusal::SessionUnknown };
        let rest = deadline.saturating_sub(began.elapsed());
        // Rare, and large: not a part of every request's own future.
        let asked = Box::pin(tokio::time::timeout(rest, self.store.note(COMPLETE)));
        match asked.await.unwrap_or(Err(StoreError::TimedOut)) {
            Ok(Some(_)) => Refusal::SessionUnknown,
            Ok(None) => Refusal::StoreIncomplete,
            Err(error) => error.into(),
        }
    }
}
