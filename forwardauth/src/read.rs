//! Owns: the one look-up of a request: from a session's key to an edge view that is believed. Asks
//! this thread's cache first, where there is one, then the store.

use std::sync::Arc;
use std::time::Instant;

use ::metrics::Histogram;
use session::any::AnyStore;
use session::edge::{AuthenticEdge, EdgeKeys};
use session::id::StoreKey;
use session::store::Store as _;
use shell::traces::Span;

use crate::metrics;
use crate::refusal::Refusal;
use crate::traces;

/// Reads edge views.
pub(crate) struct Reader {
    store: AnyStore,
    keys: Arc<EdgeKeys>,
    redis: Histogram,
}

impl Reader {
    pub(crate) fn new(store: AnyStore, keys: Arc<EdgeKeys>) -> Self {
        Self { store, keys, redis: metrics::redis_duration() }
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
        let raw = found?.ok_or(Refusal::SessionUnknown)?;
        let edge = self.keys.open(key, raw)?;
        if let Some((tracked, ticket)) = tracked {
            tracked.keep(ticket, *key, edge.clone(), now);
        }
        Ok(edge)
    }
}
