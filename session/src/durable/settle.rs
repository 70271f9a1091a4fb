//! Owns: making Redis and one row of PostgreSQL one again.

use std::time::Duration;

use super::{DurableStore, Inner};
use crate::id::StoreKey;
use crate::postgres::copies::Copy;
use crate::shelf::Shelf;
use crate::store::{Store, StoreError, StoredSession, Swap};

/// When what Redis was just told is looked at once more.
const SECOND_LOOK: Duration = Duration::from_secs(5);

/// Between two looks at a session that verify alone may slide: PostgreSQL knows of its use as late as that.
pub(super) fn next_look(copy: &Copy) -> Duration {
    copy.keep / 4
}

impl<F: Store + Shelf> DurableStore<F> {
    /// Makes Redis and the row one. With `lost`, what Redis does not have it has lost; else it has ended there, or its
    /// time was over, unless PostgreSQL owes it.
    pub(super) async fn settle(&self, copy: &Copy, lost: bool) -> Result<(), StoreError> {
        let Inner { fast, kept, counts, .. } = &*self.0;
        let Copy { key, session, remaining, owed, revision, .. } = copy;
        let there = fast.load(key).await?;
        let next_look = match (session, there) {
            (None, Some(_)) => {
                // By the row as it is now: the key may be a new session's.
                if kept.copy(key).await?.is_some_and(|now| now.session.is_none()) {
                    fast.delete(key).await?;
                    counts.ended_again();
                }
                Some(next_look(copy))
            }
            // A failover may still bring it back.
            (None, None) if *owed => Some(SECOND_LOOK),
            (None, None) => None,
            (Some(session), None) if lost || *owed => {
                if !remaining.is_zero() && fast.create(key, session.clone(), *remaining).await? {
                    counts.restored();
                }
                Some(next_look(copy))
            }
            (Some(session), Some(there))
                if there.version < session.version
                    || *owed && there.version == session.version && there != *session =>
            {
                let keep = (*remaining).max(Duration::from_secs(1));
                match self.bring(key, &there, session, keep).await? {
                    Swap::Done => Some(next_look(copy)),
                    // Somebody is at it this moment: next time.
                    Swap::Stale | Swap::Gone => return Ok(()),
                }
            }
            (Some(session), Some(there)) if there != *session => {
                kept.keep_up(key, &there, *revision, next_look(copy)).await?;
                return Ok(());
            }
            (Some(_), _) => Some(next_look(copy)),
        };
        kept.looked_at(key, *revision, next_look).await
    }

    /// Brings Redis what it was not told of a session that it has as `there`. Of the same version each part by itself: who
    /// replaces a session says that its refresh token is a new one, and what was intended with the old one is forgotten.
    async fn bring(
        &self,
        key: &StoreKey,
        there: &StoredSession,
        session: &StoredSession,
        keep: Duration,
    ) -> Result<Swap, StoreError> {
        let fast = &self.0.fast;
        if there.version < session.version {
            return fast.replace(key, there, session.clone(), keep).await;
        }
        match fast.slide(key, &there.edge, session.edge.clone(), keep).await? {
            Swap::Done if there.tokens != session.tokens => {
                fast.replace_tokens(key, &there.tokens, session.tokens.clone()).await
            }
            slid => Ok(slid),
        }
    }
}
