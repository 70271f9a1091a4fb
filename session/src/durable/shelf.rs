//! Owns: what of the things beside the sessions outlives Redis: tombstones, because a session must not join a list that
//! was ended, and notes that stay, because they hold something against a user.

use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::broadcast;

use super::{Debt, DurableStore, Inner};
use crate::denied::DeniedKey;
use crate::permits::{Grant, Quota};
use crate::shelf::{News, Shelf, TakenLogin};
use crate::store::{IndexKey, Store, StoreError};

impl<F: Store + Shelf> Shelf for DurableStore<F> {
    async fn put_login(&self, name: &str, sealed: Bytes, keep: Duration) -> Result<(), StoreError> {
        self.0.fast.put_login(name, sealed, keep).await
    }

    async fn take_login(&self, name: &str) -> Result<Option<TakenLogin>, StoreError> {
        self.0.fast.take_login(name).await
    }

    async fn acquire_lease(
        &self,
        name: &str,
        owner: &str,
        keep: Duration,
    ) -> Result<bool, StoreError> {
        self.0.fast.acquire_lease(name, owner, keep).await
    }

    async fn extend_lease(
        &self,
        name: &str,
        owner: &str,
        keep: Duration,
    ) -> Result<bool, StoreError> {
        self.0.fast.extend_lease(name, owner, keep).await
    }

    async fn release_lease(&self, name: &str, owner: &str) -> Result<(), StoreError> {
        self.0.fast.release_lease(name, owner).await
    }

    async fn put_tombstone(&self, index: &IndexKey, keep: Duration) -> Result<(), StoreError> {
        let remembered = self.0.kept.put_tombstone(index, keep).await;
        let told = self.0.fast.put_tombstone(index, keep).await;
        match (told, remembered) {
            (Ok(()), Err(_)) => {
                self.owe(Debt::Tombstone(index.clone(), Instant::now() + keep));
                Ok(())
            }
            // Both are asked for it, so one is enough.
            (_, Ok(())) => Ok(()),
            (Err(error), Err(_)) => Err(error),
        }
    }

    /// The younger of the two: one may have missed the last.
    async fn tombstone(&self, index: &IndexKey) -> Result<Option<Duration>, StoreError> {
        let Inner { fast, kept, .. } = &*self.0;
        match (fast.tombstone(index).await, kept.tombstone(index).await) {
            (Ok(one), Ok(other)) => Ok(one.max(other)),
            (Ok(one), Err(_)) => Ok(one),
            (Err(_), Ok(Some(other))) => Ok(Some(other)),
            (Err(error), Ok(None) | Err(_)) => Err(error),
        }
    }

    /// Of a note that stays Redis is told first: one that it does not have would hold nothing against anybody. What it
    /// does not take is not done, and can be repeated.
    async fn put_note(
        &self,
        name: &str,
        text: Bytes,
        keep: Option<Duration>,
    ) -> Result<(), StoreError> {
        let Inner { fast, kept, .. } = &*self.0;
        if keep.is_some() {
            return match fast.put_note(name, text.clone(), keep).await {
                Err(error) => kept.put_note(name, &text, keep).await.map_err(|_| error),
                told => told,
            };
        }
        fast.put_note(name, text.clone(), None).await?;
        if kept.put_note(name, &text, None).await.is_err() {
            self.owe(Debt::Note(name.to_owned()));
        }
        Ok(())
    }

    /// PostgreSQL has the notes that stay, and those that were written while Redis was away. That another one is not
    /// found costs a request or repeats what was done.
    async fn note(&self, name: &str) -> Result<Option<Bytes>, StoreError> {
        let Inner { fast, kept, .. } = &*self.0;
        match fast.note(name).await {
            // One that has all may have got it since.
            Ok(None) if self.is_complete().await? => fast.note(name).await,
            Ok(None) => kept.note(name).await,
            Err(error) => kept.note(name).await.map_err(|_| error),
            answer => answer,
        }
    }

    /// As it is written: what Redis still has is not gone.
    async fn remove_note(&self, name: &str) -> Result<(), StoreError> {
        self.0.fast.remove_note(name).await?;
        if self.0.kept.remove_note(name).await.is_err() {
            self.owe(Debt::Note(name.to_owned()));
        }
        Ok(())
    }

    async fn deny(&self, name: &str, value: Bytes, keep: Duration) -> Result<(), StoreError> {
        self.0.fast.deny(name, value, keep).await
    }

    async fn put_denial(
        &self,
        key: &DeniedKey,
        text: Bytes,
        keep: Duration,
    ) -> Result<(), StoreError> {
        self.0.fast.put_denial(key, text, keep).await
    }

    async fn denial(&self, key: &DeniedKey) -> Result<Option<Bytes>, StoreError> {
        self.0.fast.denial(key).await
    }

    async fn take_permits(&self, name: &str, quota: Quota, want: u32) -> Result<Grant, StoreError> {
        self.0.fast.take_permits(name, quota, want).await
    }

    async fn publish(&self, message: Bytes) -> Result<(), StoreError> {
        self.0.fast.publish(message).await
    }

    fn follow(&self) -> broadcast::Receiver<News> {
        self.0.fast.follow()
    }
}
