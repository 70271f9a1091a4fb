//! Owns: what counts against a session in the moment it is made: that its user was signed out, flagged,
//! or has too many.
//!
//! It is looked at after the session was written. Whoever signs a user out, or flags him, writes that
//! down before he reads the list of sessions; so one of the two sees the other, in every order.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use session::id::StoreKey;
use session::shelf::{Shelf as _, TakenLogin};
use session::store::{IndexKey, Store as _};

use super::cause::Cause;
use super::keep_for;
use crate::app::App;
use crate::error::ApiError;
use crate::login_state::LOGIN_SECONDS;

/// How long it is known that a list was ended: longer than any login lasts, with time to spend the code.
pub(super) const TOMBSTONE: Duration = Duration::from_secs(LOGIN_SECONDS + 180);

/// How old a login is, by the store's clock, so that replicas agree.
#[derive(Debug, Clone, Copy)]
pub struct LoginAge {
    taken_at: Duration,
    asked: Instant,
}

impl LoginAge {
    /// The age of a login that a call at `asked` took out of the store.
    pub fn of(taken: &TakenLogin, asked: Instant) -> Self {
        Self { taken_at: keep_for(LOGIN_SECONDS).saturating_sub(taken.remaining), asked }
    }

    /// Its age now; by what the calls took too old rather than too young.
    fn now(&self) -> Duration {
        self.taken_at + self.asked.elapsed()
    }
}

impl App {
    /// Lets the session `key`, which was just written and stands in `lists`, become one, or ends it.
    /// The first of the lists is its user's, who may have `cap` sessions.
    ///
    /// # Errors
    /// [`ApiError::Login`] if it has ended, [`ApiError::Store`] if nobody knows whether it should.
    pub(super) async fn admit(
        &self,
        key: &StoreKey,
        lists: &[IndexKey],
        cap: usize,
        age: &LoginAge,
    ) -> Result<(), ApiError> {
        let admitted = self.examine(key, lists, cap, age).await;
        if matches!(admitted, Err(ApiError::Store(_))) {
            // Nobody has its cookie; it only should not stand in anybody's list.
            let (store, key) = (self.store.clone(), *key);
            self.shutdown.spawn(async move {
                if let Err(error) = store.delete(&key).await {
                    tracing::debug!(reason = error.reason(), "unused session left to expire");
                }
            });
        }
        admitted
    }

    async fn examine(
        &self,
        key: &StoreKey,
        lists: &[IndexKey],
        cap: usize,
        age: &LoginAge,
    ) -> Result<(), ApiError> {
        let tombstones = join_all(lists.iter().map(|list| self.store.tombstone(list))).await;
        let mut ended_before = false;
        for remaining in tombstones {
            let Some(remaining) = remaining? else { continue };
            if TOMBSTONE.saturating_sub(remaining) <= age.now() {
                self.end_key(key, Cause::rule("signed_out_meanwhile")).await?;
                return Err(ApiError::Login("signed_out_meanwhile"));
            }
            ended_before = true;
        }
        // Who emptied a list may have taken our entry for a dead one.
        if ended_before && !self.list_again(lists, key).await? {
            return Err(ApiError::Login("signed_out_meanwhile"));
        }
        let Some(user) = lists.first() else { return Ok(()) };
        self.apply_flags(key, user).await?;
        self.hold_cap(key, user, cap).await
    }
}
