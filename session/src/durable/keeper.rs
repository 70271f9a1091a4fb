//! Owns: bringing the two places together again: every half second one replica, by a lease in PostgreSQL, looks whether
//! Redis lost its data and gives them back, tells it what it missed, and copies what was changed without us.

mod ends;

use std::time::{Duration, Instant};

use futures_util::future::try_join_all;

use super::{COMPLETE, DurableStore, Inner, SET};
use crate::shelf::Shelf;
use crate::store::{Store, StoreError};

/// Between two beats of a keeper.
pub const BEAT: Duration = Duration::from_millis(500);

/// How long a replica that fell silent keeps others from taking over.
const LEASE: Duration = Duration::from_secs(5);
const LEASE_NAME: &str = "lease:keeper";

/// Rows that are read and worked on at once.
const BATCH: i64 = 200;
/// Batches in one beat, so that the lease is kept meanwhile.
const BATCHES: usize = 20;
/// Rows of each kind that are swept at a time.
const SWEEP: i64 = 1_000;
/// Beats between two sweeps.
const SWEEP_EVERY: u32 = 20;

/// How much before an outage Redis may have lost as well: what it had not written to its disk, or told its replica.
const MARGIN: Duration = Duration::from_secs(60);
/// How much a new keeper looks at, which does not know what was before.
const FIRST_LOOK: Duration = Duration::from_mins(15);

/// One replica's keeper.
#[derive(Debug)]
pub struct Keeper<F> {
    store: DurableStore<F>,
    owner: String,
    /// What of the past this keeper has not held against Redis yet.
    unseen: Unseen,
    beats: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unseen {
    Nothing,
    Since(Instant),
    /// We were no keeper.
    Unknown,
}

/// What a beat did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beat {
    /// Another replica is the keeper.
    Idle,
    /// All is well.
    Kept,
    /// Redis had lost its data, and has them again: so many sessions.
    Restored(u64),
}

impl<F: Store + Shelf> Keeper<F> {
    /// A keeper that no other replica calls `owner`.
    pub fn new(store: DurableStore<F>, owner: String) -> Self {
        Self { store, owner, unseen: Unseen::Unknown, beats: 0 }
    }

    /// Does what is to be done now.
    ///
    /// # Errors
    /// [`StoreError`] of whoever is away. The next beat goes on.
    ///
    /// # Cancel safety
    /// The next beat goes on.
    pub async fn beat(&mut self) -> Result<Beat, StoreError> {
        let beat = self.try_beat().await;
        // Whoever was away: behind it Redis may have been away too.
        if beat.is_err() && self.unseen == Unseen::Nothing {
            self.unseen = Unseen::Since(Instant::now());
        }
        beat
    }

    async fn try_beat(&mut self) -> Result<Beat, StoreError> {
        self.store.pay_debts().await?;
        if !self.leads().await? {
            self.unseen = Unseen::Unknown;
            return Ok(Beat::Idle);
        }
        let is_complete = self.store.is_complete().await?;
        self.hear_of_ends().await?;
        let period = match self.unseen {
            Unseen::Nothing => None,
            Unseen::Since(then) => Some(then.elapsed() + MARGIN),
            Unseen::Unknown => Some(FIRST_LOOK),
        };
        if let Some(period) = period {
            self.look_again(period).await?;
            self.unseen = Unseen::Nothing;
        }
        let beat = if is_complete {
            Beat::Kept
        } else {
            let restored = self.restore().await?;
            // Whoever took over meanwhile may have seen Redis lose its data once more.
            if !self.leads().await? {
                return Ok(Beat::Idle);
            }
            self.store.fast().put_note(COMPLETE, SET, None).await?;
            Beat::Restored(restored)
        };
        self.settle_all().await?;
        self.beats = self.beats.wrapping_add(1);
        if self.beats.is_multiple_of(SWEEP_EVERY) {
            self.store.kept().sweep(SWEEP).await?;
        }
        Ok(beat)
    }

    async fn leads(&self) -> Result<bool, StoreError> {
        self.store.kept().lead(LEASE_NAME, &self.owner, LEASE).await
    }

    /// Between two batches of what takes longer than the lease.
    async fn goes_on(&self) -> Result<(), StoreError> {
        if self.leads().await? { Ok(()) } else { Err(StoreError::Unavailable) }
    }

    /// Gives Redis all that it may have lost: lists before sessions, as always, and flags before both.
    async fn restore(&self) -> Result<u64, StoreError> {
        self.look_at_ended().await?;
        self.restore_notes().await?;
        self.restore_lists().await?;
        let before = self.store.counted().restored;
        let mut after = Vec::new();
        loop {
            let copies = self.store.kept().live_after(&after, BATCH).await?;
            let Some(last) = copies.last() else { break };
            after = last.key.as_bytes().to_vec();
            try_join_all(copies.iter().map(|copy| self.store.settle(copy, true))).await?;
            // Those that ended since they were read are taken away before the next ones are read.
            self.settle_all().await?;
            self.goes_on().await?;
        }
        Ok(self.store.counted().restored.saturating_sub(before))
    }

    async fn look_again(&self, period: Duration) -> Result<(), StoreError> {
        let (kept, mut after) = (self.store.kept(), None);
        while let Some(last) = kept.look_again(period, after.as_ref(), BATCH).await? {
            after = Some(last);
            self.goes_on().await?;
        }
        Ok(())
    }

    async fn look_at_ended(&self) -> Result<(), StoreError> {
        let (kept, mut after) = (self.store.kept(), None);
        while let Some(last) = kept.look_at_ended(after.as_ref(), BATCH).await? {
            after = Some(last);
            self.goes_on().await?;
        }
        Ok(())
    }

    async fn restore_notes(&self) -> Result<(), StoreError> {
        let Inner { fast, kept, .. } = &*self.store.0;
        let mut after = String::new();
        loop {
            let notes = kept.lasting_notes(&after, BATCH).await?;
            let Some((last, _)) = notes.last() else { return Ok(()) };
            after.clone_from(last);
            for (name, text) in notes {
                if fast.note(&name).await?.is_none() {
                    fast.put_note(&name, text, None).await?;
                }
            }
            self.goes_on().await?;
        }
    }

    async fn restore_lists(&self) -> Result<(), StoreError> {
        let Inner { fast, kept, .. } = &*self.store.0;
        let mut after = (String::new(), Vec::new());
        loop {
            let entries = kept.listed_after(&after, BATCH).await?;
            let Some((index, key, _)) = entries.last() else { return Ok(()) };
            after = (index.to_string(), key.as_bytes().to_vec());
            let added = entries.iter().map(|(index, key, rest)| fast.index_add(index, key, *rest));
            try_join_all(added).await?;
            self.goes_on().await?;
        }
    }

    /// Holds what is due against Redis.
    async fn settle_all(&self) -> Result<(), StoreError> {
        for _ in 0..BATCHES {
            let due = self.store.kept().due(BATCH).await?;
            try_join_all(due.iter().map(|copy| self.store.settle(copy, false))).await?;
            if i64::try_from(due.len()).is_ok_and(|number| number < BATCH) {
                break;
            }
        }
        Ok(())
    }
}
