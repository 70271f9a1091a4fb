//! Owns: ending in PostgreSQL what verify ended. Verify reaches Redis alone, and lists there what it ends.

use futures_util::future::try_join_all;

use super::{Inner, Keeper};
use crate::durable::DurableStore;
use crate::id::StoreKey;
use crate::shelf::Shelf;
use crate::store::{IndexKey, Store, StoreError};

/// Sessions that are worked on at once.
const BATCH: usize = 200;

impl<F: Store + Shelf> Keeper<F> {
    /// To be done before anything is given back to Redis.
    pub(super) async fn hear_of_ends(&self) -> Result<(), StoreError> {
        let listed = self.store.fast().index_list(&IndexKey::ended()).await?;
        for keys in listed.chunks(BATCH) {
            try_join_all(keys.iter().map(|key| self.store.end_too(key))).await?;
            self.goes_on().await?;
        }
        Ok(())
    }
}

impl<F: Store + Shelf> DurableStore<F> {
    /// Verify lists a session before it deletes it: one that is there still stays on the list.
    async fn end_too(&self, key: &StoreKey) -> Result<(), StoreError> {
        let Inner { fast, kept, .. } = &*self.0;
        if fast.edge_view(key).await?.is_some() {
            return Ok(());
        }
        kept.take(key).await?;
        fast.index_remove(&IndexKey::ended(), std::slice::from_ref(key)).await
    }
}
