//! Owns: the end of sessions, one or all of a list, with the cookie or without.
//!
//! The session itself goes first: from then on every replica and verify refuse it, and no late write
//! revives it. What follows (lists, denied tokens, audit, news) may be repeated or left to expire.

use std::collections::HashMap;

use futures_util::future::join_all;
use session::id::StoreKey;
use session::record::Management;
use session::shelf::Shelf as _;
use session::store::{IndexKey, Store as _, StoreError, StoredSession, Swap};

use super::arrival::TOMBSTONE;
use super::cause::Cause;
use super::{ActiveSession, Listed, indexes, keep_for};
use crate::app::App;
use crate::news::News;
use crate::{audit, metrics};

/// Sessions that are worked on at once: some round trips for a user with hundreds, and never more
/// commands under way than other users' requests bear.
pub(super) const BATCH: usize = 64;

/// What became of several sessions that were to end.
struct Batch {
    ended: usize,
    /// Those that had ended before, or are being written this moment.
    missing: Vec<StoreKey>,
}

impl App {
    /// Ends the session of a request. Its tokens are for the caller to revoke, who can open them: those
    /// that it held at its end, which a refresh may have brought since it was looked at. `None` if it had
    /// ended before.
    ///
    /// # Errors
    /// [`StoreError`] if the store is away; then it has not ended.
    pub async fn end(
        &self,
        session: &ActiveSession,
        cause: impl Into<Cause<'_>> + Send,
    ) -> Result<Option<ActiveSession>, StoreError> {
        let cause = cause.into();
        let taken = self.store.take(&session.key).await?;
        if taken.is_some() {
            self.record_ends(&[session.key], cause);
        }
        self.unlist_one(session).await;
        Ok(taken.map(|stored| ActiveSession { stored, ..session.clone() }))
    }

    /// Ends a session unless somebody stored other tokens since it was looked at: [`Swap::Stale`] then.
    ///
    /// # Errors
    /// [`StoreError`] if the store is away; then it has not ended.
    pub(crate) async fn end_unless_renewed(
        &self,
        session: &ActiveSession,
        reason: &'static str,
    ) -> Result<Swap, StoreError> {
        let ended = self.store.delete_version(&session.key, session.stored.version).await?;
        if ended == Swap::Done {
            self.record_ends(&[session.key], Cause::rule(reason));
        }
        if ended != Swap::Stale {
            self.unlist_one(session).await;
        }
        Ok(ended)
    }

    async fn unlist_one(&self, session: &ActiveSession) {
        match self.management(session) {
            Ok(management) => self.unlist(&[(session.key, management)]).await,
            Err(error) => {
                let session = session.key.short();
                tracing::warn!(session, reason = error.reason(), "lists not known");
            }
        }
    }

    /// Ends a session without its cookie, and denies its access token to services. `false` if there was
    /// none.
    ///
    /// # Errors
    /// [`StoreError`] if the store is away. Where it went in between, the session has ended, and its
    /// token is denied as soon as the store is back.
    pub async fn end_key(&self, key: &StoreKey, cause: Cause<'_>) -> Result<bool, StoreError> {
        Ok(self.end_batch(&[*key], cause).await?.ended > 0)
    }

    /// Ends a session that was looked at, without its cookie. Its access token is denied first, because
    /// nobody could name it later. `false` if it has ended meanwhile.
    ///
    /// # Errors
    /// [`StoreError`] if the store is away. It can be repeated unless the session is gone.
    pub(crate) async fn end_listed_one(
        &self,
        listed: &Listed,
        cause: Cause<'_>,
    ) -> Result<bool, StoreError> {
        if let Some(denial) = self.denial(&listed.management) {
            self.deny(&denial).await?;
        }
        self.end_key(&listed.key, cause).await
    }

    /// Ends every login in flight that would join a list. To be done before the list is read.
    ///
    /// # Errors
    /// [`StoreError`] if the store is away.
    pub(crate) async fn end_logins(&self, index: &IndexKey) -> Result<(), StoreError> {
        self.store.put_tombstone(index, TOMBSTONE).await
    }

    /// [`App::end_key`] for many. Returns how many there were.
    ///
    /// # Errors
    /// As [`App::end_all`].
    pub(crate) async fn end_keys(
        &self,
        keys: &[StoreKey],
        cause: Cause<'_>,
    ) -> Result<usize, StoreError> {
        let mut ended = 0;
        for keys in keys.chunks(BATCH) {
            ended += self.end_batch(keys, cause).await?.ended;
        }
        Ok(ended)
    }

    /// Ends every session of a list, and every login in flight that would join it. Returns how many
    /// sessions ended.
    ///
    /// # Errors
    /// [`StoreError`] if the store is away; then some may have ended. It can be repeated.
    pub async fn end_all(&self, index: &IndexKey, cause: Cause<'_>) -> Result<usize, StoreError> {
        // First: a login either sees this once its session is written, or was written before the
        // list is read.
        self.end_logins(index).await?;
        let keys = self.store.index_list(index).await?;
        self.empty(index, &keys, cause).await
    }

    /// Ends every session of a list but one. Logins in flight go on.
    ///
    /// # Errors
    /// As [`App::end_all`].
    pub async fn end_others(
        &self,
        index: &IndexKey,
        except: &StoreKey,
        cause: Cause<'_>,
    ) -> Result<usize, StoreError> {
        let mut keys = self.store.index_list(index).await?;
        keys.retain(|key| key != except);
        // An entry without a session may be that of a login in flight, which no tombstone warns: it stays.
        self.end_keys(&keys, cause).await
    }

    /// Ends the sessions `keys` of a list that has a tombstone, and takes them off it, also those that
    /// had ended before.
    pub(crate) async fn empty(
        &self,
        index: &IndexKey,
        keys: &[StoreKey],
        cause: Cause<'_>,
    ) -> Result<usize, StoreError> {
        let mut ended = 0;
        for keys in keys.chunks(BATCH) {
            let batch = self.end_batch(keys, cause).await?;
            self.drop_missing(index, &batch.missing).await?;
            ended += batch.ended;
        }
        Ok(ended)
    }

    async fn end_batch(&self, keys: &[StoreKey], cause: Cause<'_>) -> Result<Batch, StoreError> {
        let taken = join_all(keys.iter().map(|key| self.store.take(key))).await;
        let (mut ended, mut missing, mut known) = (Vec::new(), Vec::new(), Vec::new());
        let mut failed = None;
        for (key, taken) in keys.iter().zip(taken) {
            match taken {
                Ok(Some(stored)) => {
                    ended.push(*key);
                    known.extend(self.managed(key, &stored));
                }
                Ok(None) => missing.push(*key),
                Err(error) => failed = Some(error),
            }
        }
        self.record_ends(&ended, cause);
        let denied = self.deny_tokens(known.iter().map(|(_, management)| management)).await;
        self.unlist(&known).await;
        match failed {
            Some(error) => Err(error),
            None => denied.map(|()| Batch { ended: ended.len(), missing }),
        }
    }

    fn managed(&self, key: &StoreKey, stored: &StoredSession) -> Option<(StoreKey, Management)> {
        match self.config.session_keys.open_management(key, &stored.management) {
            Ok(management) => Some((*key, management)),
            Err(error) => {
                let reason = error.reason();
                tracing::warn!(session = key.short(), reason, "neither lists nor token known");
                None
            }
        }
    }

    fn record_ends(&self, ended: &[StoreKey], cause: Cause<'_>) {
        for key in ended {
            metrics::session_ended(cause.reason);
            audit::session_revoked(key, cause);
        }
        let news: Vec<News> = ended.iter().map(|key| News::ended(*key, cause.reason)).collect();
        self.tell(&news);
    }

    /// Takes ended sessions off their lists. An entry that stays behind points to nothing and expires.
    async fn unlist(&self, ended: &[(StoreKey, Management)]) {
        let mut lists: HashMap<IndexKey, Vec<StoreKey>> = HashMap::new();
        for (key, management) in ended {
            for index in indexes(management) {
                lists.entry(index).or_default().push(*key);
            }
        }
        let removed = lists.iter().map(|(index, keys)| self.store.index_remove(index, keys));
        for error in join_all(removed).await.into_iter().filter_map(Result::err) {
            tracing::debug!(reason = error.reason(), "index entries left behind");
        }
    }

    /// Takes entries off a list whose sessions were missing. A login lists its session before it writes
    /// it, so one that was written meanwhile is listed again; one that is written later lists itself
    /// again, for the tombstone that it finds (`arrival.rs`).
    async fn drop_missing(&self, index: &IndexKey, keys: &[StoreKey]) -> Result<(), StoreError> {
        if keys.is_empty() {
            return Ok(());
        }
        self.store.index_remove(index, keys).await?;
        let views = join_all(keys.iter().map(|key| self.store.edge_view(key))).await;
        for (key, view) in keys.iter().zip(views) {
            if view?.is_some() {
                self.list_again(std::slice::from_ref(index), key).await?;
            }
        }
        Ok(())
    }

    /// Puts a session on its lists that somebody may have taken off. `false` if it has ended meanwhile:
    /// then it is on none of them, because either who ended it or we have the last word.
    pub(super) async fn list_again(
        &self,
        lists: &[IndexKey],
        key: &StoreKey,
    ) -> Result<bool, StoreError> {
        for index in lists {
            self.store.index_add(index, key, keep_for(self.config.lifetimes.session)).await?;
        }
        if self.store.edge_view(key).await?.is_some() {
            return Ok(true);
        }
        for index in lists {
            self.store.index_remove(index, std::slice::from_ref(key)).await?;
        }
        Ok(false)
    }
}
