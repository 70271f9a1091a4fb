//! Owns: what each call about sessions does in the two places, and in which order.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{Debt, DurableStore, Inner};
use crate::id::StoreKey;
use crate::shelf::Shelf;
use crate::store::{IndexKey, Intent, Store, StoreError, StoredSession, Swap};

/// Asks Redis, and once more where it says that the session is gone only because it lost it.
macro_rules! unless_lost {
    ($self:ident, $key:ident, $gone:pat, $asked:expr) => {
        match $asked.await {
            Ok($gone) if $self.is_back($key).await? => $asked.await,
            answer => answer,
        }
    };
}

impl<F: Store + Shelf> Store for DurableStore<F> {
    async fn edge_view(&self, key: &StoreKey) -> Result<Option<Bytes>, StoreError> {
        let session = match self.0.fast.edge_view(key).await {
            Ok(Some(edge)) => return Ok(Some(edge)),
            Ok(None) => self.missed(key).await,
            Err(error) => self.read_instead(key, error).await,
        };
        session.map(|session| session.map(|session| session.edge))
    }

    async fn load(&self, key: &StoreKey) -> Result<Option<StoredSession>, StoreError> {
        match self.0.fast.load(key).await {
            Ok(Some(session)) => Ok(Some(session)),
            Ok(None) => self.missed(key).await,
            Err(error) => self.read_instead(key, error).await,
        }
    }

    async fn slide(
        &self,
        key: &StoreKey,
        old: &Bytes,
        new: Bytes,
        keep: Duration,
    ) -> Result<Swap, StoreError> {
        let Inner { fast, kept, .. } = &*self.0;
        match unless_lost!(self, key, Swap::Gone, fast.slide(key, old, new.clone(), keep)) {
            Ok(Swap::Done) => self.copy_now(key).await,
            Err(error) => {
                let slid = kept.slide(key, old, new, keep).await;
                return self.swapped_instead(key, slid, error).await;
            }
            other => return other,
        }
        Ok(Swap::Done)
    }

    /// Nobody has the cookie before this returns, so what Redis refuses there is no need to keep.
    async fn create(
        &self,
        key: &StoreKey,
        session: StoredSession,
        keep: Duration,
    ) -> Result<bool, StoreError> {
        if !self.0.fast.create(key, session.clone(), keep).await? {
            return Ok(false);
        }
        if self.0.kept.create(key, session, keep).await.is_err() {
            self.owe(Debt::Created(*key, keep));
        }
        Ok(true)
    }

    async fn replace(
        &self,
        key: &StoreKey,
        old: &StoredSession,
        session: StoredSession,
        keep: Duration,
    ) -> Result<Swap, StoreError> {
        let Inner { fast, kept, .. } = &*self.0;
        match unless_lost!(self, key, Swap::Gone, fast.replace(key, old, session.clone(), keep)) {
            Ok(Swap::Done) if kept.stored(key, &session, keep).await.is_err() => {
                self.owe(Debt::Changed(*key));
                Ok(Swap::Done)
            }
            Err(error) => {
                let replaced = kept.replace(key, old, session, keep).await;
                self.swapped_instead(key, replaced, error).await
            }
            answer => answer,
        }
    }

    async fn replace_tokens(
        &self,
        key: &StoreKey,
        old: &Bytes,
        new: Bytes,
    ) -> Result<Swap, StoreError> {
        let Inner { fast, kept, .. } = &*self.0;
        match unless_lost!(self, key, Swap::Gone, fast.replace_tokens(key, old, new.clone())) {
            Ok(Swap::Done) => self.copy_now(key).await,
            Err(error) => {
                let replaced = kept.replace_tokens(key, old, new).await;
                return self.swapped_instead(key, replaced, error).await;
            }
            other => return other,
        }
        Ok(Swap::Done)
    }

    /// In Redis alone: without it no refresh token is sent.
    async fn intend(
        &self,
        key: &StoreKey,
        expected: u64,
        owner: &str,
        grace: Duration,
    ) -> Result<Intent, StoreError> {
        unless_lost!(self, key, Intent::Gone, self.0.fast.intend(key, expected, owner, grace))
    }

    async fn forget_intent(&self, key: &StoreKey, owner: &str) -> Result<(), StoreError> {
        self.0.fast.forget_intent(key, owner).await
    }

    /// PostgreSQL first, so that whoever saw the session there before sees its end there afterwards.
    async fn take(&self, key: &StoreKey) -> Result<Option<StoredSession>, StoreError> {
        let remembered = self.0.kept.take(key).await;
        match (self.0.fast.take(key).await, remembered) {
            (Ok(taken), Err(_)) => {
                self.owe(Debt::Ended(*key));
                Ok(taken)
            }
            (Ok(taken), Ok(remembered)) => Ok(taken.or(remembered)),
            // Redis is told as soon as it is back.
            (Err(_), Ok(remembered)) => Ok(remembered),
            (Err(error), Err(_)) => Err(error),
        }
    }

    async fn delete(&self, key: &StoreKey) -> Result<bool, StoreError> {
        self.take(key).await.map(|taken| taken.is_some())
    }

    async fn delete_version(&self, key: &StoreKey, expected: u64) -> Result<Swap, StoreError> {
        let Inner { fast, kept, .. } = &*self.0;
        match unless_lost!(self, key, Swap::Gone, fast.delete_version(key, expected)) {
            Ok(Swap::Done) if kept.ended_up_to(key, expected).await.is_err() => {
                self.owe(Debt::Ended(*key));
                Ok(Swap::Done)
            }
            Err(error) => {
                let deleted = kept.delete_version(key, expected).await;
                self.swapped_instead(key, deleted, error).await
            }
            answer => answer,
        }
    }

    async fn index_add(
        &self,
        index: &IndexKey,
        key: &StoreKey,
        keep: Duration,
    ) -> Result<(), StoreError> {
        self.0.fast.index_add(index, key, keep).await?;
        if self.0.kept.index_add(index, key, keep).await.is_err() {
            self.owe(Debt::Listed(index.clone(), *key, Instant::now() + keep));
        }
        Ok(())
    }

    /// An entry that stays behind points to nothing and expires.
    async fn index_remove(&self, index: &IndexKey, keys: &[StoreKey]) -> Result<(), StoreError> {
        let remembered = self.0.kept.index_remove(index, keys).await;
        self.0.fast.index_remove(index, keys).await.or(remembered)
    }

    async fn index_list(&self, index: &IndexKey) -> Result<Vec<StoreKey>, StoreError> {
        let Inner { fast, kept, .. } = &*self.0;
        let mut listed = match fast.index_list(index).await {
            Ok(listed) => listed,
            Err(error) => return kept.index_list(index).await.map_err(|_| error),
        };
        if self.is_complete().await? {
            // It may have got some since.
            return fast.index_list(index).await;
        }
        let known: HashSet<StoreKey> = listed.iter().copied().collect();
        let more = kept.index_list(index).await?;
        listed.extend(more.into_iter().filter(|key| !known.contains(key)));
        Ok(listed)
    }

    async fn estimate_sessions(&self) -> Result<u64, StoreError> {
        self.0.fast.estimate_sessions().await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.0.fast.ping().await
    }
}
