//! Owns: the one look-up of a request: from a session's key to an edge view that is believed. Asks
//! this thread's cache first, where there is one, then the store.

use std::time::{Duration, Instant};

use ::metrics::Histogram;
use bytes::Bytes;
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
    keys: EdgeKeys,
    redis: Histogram,
    /// Where sessions outlive Redis: how long a request may take in which Redis is asked whether it knows them all.
    durable: Option<Duration>,
}

impl Reader {
    pub(crate) fn new(store: AnyStore, config: &VerifyConfig) -> Self {
        let keys = config.clients.edge_keys.clone();
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
        let raw = if let Some(raw) = found? {
            raw
        } else {
            let deadline = self.durable.ok_or(Refusal::SessionUnknown)?;
            let rest = deadline.saturating_sub(now.elapsed());
            // Rare, and large: not a part of every request's own future.
            Box::pin(self.missed(key, rest)).await?
        };
        let edge = self.keys.open(key, raw)?;
        if let Some((tracked, ticket)) = tracked {
            tracked.keep(ticket, *key, edge.clone(), now);
        }
        Ok(edge)
    }

    /// What becomes of a session that Redis did not have, within `rest`. A Redis that may have lost it says nothing of it,
    /// and one that says it has all may have got it back since.
    async fn missed(&self, key: &StoreKey, rest: Duration) -> Result<Bytes, Refusal> {
        let asked = async {
            match self.store.note(COMPLETE).await? {
                Some(_) => self.store.edge_view(key).await?.ok_or(Refusal::SessionUnknown),
                None => Err(Refusal::StoreIncomplete),
            }
        };
        tokio::time::timeout(rest, asked).await.unwrap_or(Err(StoreError::TimedOut.into()))
    }
}
