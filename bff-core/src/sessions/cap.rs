//! Owns: the most sessions of one user (`SESSION_MAX_PER_USER`, bff-checklist 46).
//!
//! Every login looks after its session was written, and all agree on the order: that of the list. A
//! session ends only where as many newer ones live as may live, so the newest are never ended; and who
//! looks last sees everybody. However many log in at once, exactly that many remain.

use futures_util::future::join_all;
use session::id::StoreKey;
use session::store::{IndexKey, Store as _, StoreError};

use super::cause::Cause;
use super::end::BATCH;
use crate::app::App;
use crate::error::ApiError;

impl App {
    /// Ends the oldest sessions of a user beyond `cap`; zero is none.
    ///
    /// # Errors
    /// [`ApiError::Login`] if `own` was among them, because as many newer ones were made meanwhile.
    pub(super) async fn hold_cap(
        &self,
        own: &StoreKey,
        user: &IndexKey,
        cap: usize,
    ) -> Result<(), ApiError> {
        if cap == 0 {
            return Ok(());
        }
        let listed = self.store.index_list(user).await?;
        if listed.len() <= cap {
            return Ok(());
        }
        let living = self.living(&listed).await?;
        let excess = living.len().saturating_sub(cap);
        let evicted = living.get(..excess).unwrap_or_default();
        for key in evicted {
            self.end_key(key, Cause::rule("evicted")).await?;
        }
        if evicted.contains(own) { Err(ApiError::Login("too_many_sessions")) } else { Ok(()) }
    }

    /// Those that live, in the same order. An entry without a session may be one that is being written:
    /// that login looks for itself.
    async fn living(&self, listed: &[StoreKey]) -> Result<Vec<StoreKey>, StoreError> {
        let (edge_keys, now) = (&self.config.clients.edge_keys, self.now());
        let mut living = Vec::new();
        for keys in listed.chunks(BATCH) {
            let views = join_all(keys.iter().map(|key| self.store.edge_view(key))).await;
            for (key, view) in keys.iter().zip(views) {
                let edge = view?.and_then(|view| edge_keys.open(key, view).ok());
                if edge.is_some_and(|edge| edge.alive(now).is_ok()) {
                    living.push(*key);
                }
            }
        }
        Ok(living)
    }
}
