//! Owns: what PostgreSQL was not told while it was away, and telling it. Each replica remembers its own, in memory: a
//! replica that ends before PostgreSQL is back leaves copies that are missing, and Redis as it is.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{DurableStore, Inner};
use crate::id::StoreKey;
use crate::shelf::Shelf;
use crate::store::{IndexKey, Store, StoreError};

/// Some 30 MB at most, and at a thousand logins a minute three quarters of an hour.
const MOST: usize = 100_000;

/// Debts that are paid at a time, before others have their turn.
const AT_ONCE: usize = 1_000;

/// What PostgreSQL does not know.
#[derive(Debug, Clone)]
pub(super) enum Debt {
    /// A session was made, to be kept for this long.
    Created(StoreKey, Duration),
    /// Some part of it was changed.
    Changed(StoreKey),
    /// It ended.
    Ended(StoreKey),
    /// It was listed, up to this moment.
    Listed(IndexKey, StoreKey, Instant),
    /// All sessions of a list ended.
    Tombstone(IndexKey, Instant),
    /// A note that stays was written or taken away.
    Note(String),
}

#[derive(Debug, Default)]
pub(super) struct Debts(Mutex<VecDeque<Debt>>);

impl Debts {
    /// `false` where there are too many.
    pub(super) fn owe(&self, debt: Debt) -> bool {
        self.with(|debts| {
            let has_room = debts.len() < MOST;
            if has_room {
                debts.push_back(debt);
            }
            has_room
        })
    }

    pub(super) fn len(&self) -> usize {
        self.with(|debts| debts.len())
    }

    fn first(&self) -> Option<Debt> {
        self.with(|debts| debts.front().cloned())
    }

    fn paid(&self) {
        self.with(|debts| drop(debts.pop_front()));
    }

    fn with<T>(&self, work: impl FnOnce(&mut VecDeque<Debt>) -> T) -> T {
        // The work cannot panic half-way, so a poisoned lock still guards whole data.
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<F: Store + Shelf> DurableStore<F> {
    /// Tells PostgreSQL what it missed, in the order in which it happened. One at a time may do so.
    ///
    /// # Errors
    /// [`StoreError`] of whoever is away; the rest is owed still.
    ///
    /// # Cancel safety
    /// The rest is owed still.
    pub(super) async fn pay_debts(&self) -> Result<(), StoreError> {
        for _ in 0..AT_ONCE {
            let Some(debt) = self.0.debts.first() else { break };
            self.pay(&debt).await?;
            self.0.debts.paid();
        }
        Ok(())
    }

    /// Tells PostgreSQL what it missed for the last time, within `limit`, once no keeper of this store runs any more.
    /// Returns how many writes it lacks still.
    pub async fn say_last_words(&self, limit: Duration) -> usize {
        let told = async {
            while self.0.debts.len() > 0 {
                self.pay_debts().await?;
            }
            Ok::<_, StoreError>(())
        };
        // What is left says how that went.
        drop(tokio::time::timeout(limit, told).await);
        self.0.debts.len()
    }

    async fn pay(&self, debt: &Debt) -> Result<(), StoreError> {
        let Inner { fast, kept, .. } = &*self.0;
        let rest = |until: &Instant| until.saturating_duration_since(Instant::now());
        match debt {
            Debt::Created(key, keep) => {
                let Some(session) = fast.load(key).await? else { return Ok(()) };
                kept.create(key, session, *keep).await?;
                // An end of one version alone leaves no word where there is no row yet.
                if fast.load(key).await?.is_none() {
                    kept.take(key).await?;
                }
                Ok(())
            }
            Debt::Changed(key) => self.copy(key).await,
            Debt::Ended(key) => kept.take(key).await.map(drop),
            Debt::Listed(index, key, until) => kept.index_add(index, key, rest(until)).await,
            Debt::Tombstone(index, until) => kept.put_tombstone(index, rest(until)).await,
            Debt::Note(name) => match fast.note(name).await? {
                Some(text) => kept.put_note(name, &text, None).await,
                None => kept.remove_note(name).await,
            },
        }
    }
}
