//! Owns: sessions in two places, so that they survive the loss of one: Redis, which answers, and PostgreSQL, which
//! remembers.
//!
//! - **Redis decides** while it is there: every compare-and-set is made there, and its result copied before the call
//!   returns. PostgreSQL away is a missing copy (`debts`), and stops nothing.
//! - **PostgreSQL decides** where Redis is away, and where Redis does not know a session and does not say that it knows
//!   all. What it decided is *owed* to Redis, and told as soon as that is back ([`keeper`]).
//! - **An end wins.** Ending a session is written to PostgreSQL first and stays there longer than the session could have
//!   lived; no copy, no restoring and no late write gets past it.
//! - **Nobody is believed to be nobody** on the word of a Redis that may have lost its data: the note [`COMPLETE`] is
//!   lost with them, and set again when they are back. Verify looks for it too, on a miss alone.
//!
//! What is short-lived or worth one request lives in Redis alone: logins in flight, leases, what is intended with a
//! refresh token, denied tokens, rate limits, nonces, news.

mod counts;
mod debts;
mod fast;
pub mod keeper;
mod settle;
mod shelf;
mod store;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

pub use counts::Counted;
use counts::Counts;
use debts::{Debt, Debts};
pub use fast::FastStore;

use crate::id::StoreKey;
use crate::postgres::PostgresStore;
use crate::shelf::Shelf;
use crate::store::{Store, StoreError, StoredSession, Swap};

/// The note that stands in Redis while every session that lives is there. It has no end.
pub use crate::shelf::COMPLETE;

/// How often a copy is tried again that somebody else changed meanwhile.
const TRIES: usize = 5;

/// Sessions in `fast`, kept in PostgreSQL as well. Clones are one.
#[derive(Clone)]
pub struct DurableStore<F = FastStore>(Arc<Inner<F>>);

struct Inner<F> {
    fast: F,
    kept: PostgresStore,
    debts: Debts,
    counts: Counts,
}

impl<F> fmt::Debug for DurableStore<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DurableStore").field("kept", &self.0.kept).finish_non_exhaustive()
    }
}

impl<F> DurableStore<F> {
    /// Sessions in `fast` and in `kept`.
    pub fn new(fast: F, kept: PostgresStore) -> Self {
        Self(Arc::new(Inner { fast, kept, debts: Debts::default(), counts: Counts::default() }))
    }

    /// The store that answers.
    pub fn fast(&self) -> &F {
        &self.0.fast
    }

    /// The store that remembers.
    pub fn kept(&self) -> &PostgresStore {
        &self.0.kept
    }

    /// What happened so far.
    pub fn counted(&self) -> Counted {
        let Inner { kept, debts, counts, .. } = &*self.0;
        counts.read(kept.is_up(), debts.len())
    }

    /// PostgreSQL was not told: that is made up for.
    fn owe(&self, debt: Debt) {
        self.0.counts.missed();
        if !self.0.debts.owe(debt) {
            self.0.counts.lost();
        }
    }
}

impl<F: Store + Shelf> DurableStore<F> {
    /// Whether Redis says that it knows every session.
    async fn is_complete(&self) -> Result<bool, StoreError> {
        self.0.fast.note(COMPLETE).await.map(|note| note.is_some())
    }

    /// What becomes of a read that Redis answered with nothing. One that has all may have got it since.
    async fn missed(&self, key: &StoreKey) -> Result<Option<StoredSession>, StoreError> {
        match self.is_complete().await {
            Ok(true) => self.0.fast.load(key).await,
            Ok(false) => self.revive(key).await,
            Err(error) => self.read_instead(key, error).await,
        }
    }

    /// Gives Redis back the session that it lost, if PostgreSQL has it. A session that ends meanwhile is taken away
    /// again: whoever ends one writes to PostgreSQL first, and is seen by the second look, or deletes after us.
    async fn revive(&self, key: &StoreKey) -> Result<Option<StoredSession>, StoreError> {
        let Inner { fast, kept, counts, .. } = &*self.0;
        let Some(copy) = kept.copy(key).await? else { return Ok(None) };
        let Some(session) = copy.session.filter(|_| !copy.remaining.is_zero()) else {
            return Ok(None);
        };
        fast.create(key, session.clone(), copy.remaining).await?;
        if kept.copy(key).await?.is_none_or(|copy| copy.session.is_none()) {
            fast.delete(key).await?;
            return Ok(None);
        }
        counts.fallback_read();
        Ok(Some(session))
    }

    /// What PostgreSQL has, while Redis is away with `error`. That stands where PostgreSQL does not know the session, or
    /// thinks its time is over: Redis may know better.
    async fn read_instead(
        &self,
        key: &StoreKey,
        error: StoreError,
    ) -> Result<Option<StoredSession>, StoreError> {
        let Ok(Some(copy)) = self.0.kept.copy(key).await else { return Err(error) };
        match copy.session {
            None => Ok(None),
            Some(_) if copy.remaining.is_zero() => Err(error),
            Some(session) => {
                self.0.counts.fallback_read();
                Ok(Some(session))
            }
        }
    }

    /// Whether Redis, to which this session was gone, has it now.
    async fn is_back(&self, key: &StoreKey) -> Result<bool, StoreError> {
        Ok(self.missed(key).await?.is_some())
    }

    /// What PostgreSQL did in place of Redis, which is away with `error`. That a session is gone is believed only where
    /// it is known to have ended.
    async fn swapped_instead(
        &self,
        key: &StoreKey,
        swapped: Result<Swap, StoreError>,
        error: StoreError,
    ) -> Result<Swap, StoreError> {
        match swapped {
            Ok(Swap::Gone) => match self.0.kept.copy(key).await {
                Ok(Some(copy)) if copy.session.is_none() => Ok(Swap::Gone),
                _ => Err(error),
            },
            Ok(swap) => Ok(swap),
            Err(_) => Err(error),
        }
    }

    /// Copies to PostgreSQL what Redis has now, or owes it.
    async fn copy_now(&self, key: &StoreKey) {
        if self.copy(key).await.is_err() {
            self.owe(Debt::Changed(*key));
        }
    }

    /// Copies to PostgreSQL what Redis has. Redis is read after the row, whose change is noticed, so the last copy is
    /// of the last state. A row that PostgreSQL does not have is none of ours.
    async fn copy(&self, key: &StoreKey) -> Result<(), StoreError> {
        let Inner { fast, kept, .. } = &*self.0;
        for _ in 0..TRIES {
            let Some(copy) = kept.copy(key).await? else { return Ok(()) };
            if copy.session.is_none() {
                return fast.delete(key).await.map(drop);
            }
            let Some(session) = fast.load(key).await? else { return Ok(()) };
            let next_look = settle::next_look(&copy);
            if kept.keep_up(key, &session, copy.revision, next_look).await? {
                return Ok(());
            }
        }
        // Busy as it is, it is looked at again.
        Ok(())
    }
}

/// Any text will do.
pub(crate) const SET: Bytes = Bytes::from_static(b"1");
