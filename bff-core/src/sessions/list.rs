//! Owns: looking at the sessions of a user without their cookies.
//!
//! A list proves nothing: whose a session is stands in its sealed management part, which is asked here
//! for every one of them.

use futures_util::future::join_all;
use session::edge::LiveEdge;
use session::id::StoreKey;
use session::record::Management;
use session::seal::SealError;
use session::store::{IndexKey, Store as _, StoreError, StoredSession};

use super::end::BATCH;
use super::{ActiveSession, tenant_of};
use crate::app::App;

/// A user is always (tenant, issuer, user id).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) tenant: String,
    pub(crate) issuer: String,
    pub(crate) id: String,
}

impl User {
    /// The list of this user's sessions.
    pub(crate) fn index(&self) -> IndexKey {
        IndexKey::user(&self.tenant, &self.issuer, &self.id)
    }

    fn has(&self, edge: &LiveEdge, management: &Management) -> bool {
        self.tenant.as_bytes() == edge.tenant_id()
            && self.tenant == management.tenant
            && self.issuer == management.issuer
            && self.id == management.user_id
    }
}

/// A session that lives, seen from outside.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    pub(crate) key: StoreKey,
    pub(crate) edge: LiveEdge,
    pub(crate) management: Management,
}

impl App {
    /// Whose session this is.
    ///
    /// # Errors
    /// [`SealError`] if its management part does not open.
    pub(crate) fn user_of(&self, session: &ActiveSession) -> Result<User, SealError> {
        let Management { issuer, user_id, .. } = self.management(session)?;
        Ok(User { tenant: tenant_of(session), issuer, id: user_id })
    }

    /// The living sessions of a user, newest first.
    ///
    /// # Errors
    /// [`StoreError`] if the store is away.
    pub(crate) async fn sessions_of(&self, user: &User) -> Result<Vec<Listed>, StoreError> {
        let mut sessions = Vec::new();
        for keys in self.store.index_list(&user.index()).await?.chunks(BATCH) {
            for listed in join_all(keys.iter().map(|key| self.look_at(key))).await {
                sessions
                    .extend(listed?.filter(|listed| user.has(&listed.edge, &listed.management)));
            }
        }
        // Of one second, as the list has them.
        sessions.reverse();
        sessions.sort_by_key(|listed| std::cmp::Reverse(listed.edge.created_at()));
        Ok(sessions)
    }

    /// The living session `key`, if it is this user's.
    ///
    /// # Errors
    /// [`StoreError`] if the store is away.
    pub(crate) async fn session_of(
        &self,
        user: &User,
        key: &StoreKey,
    ) -> Result<Option<Listed>, StoreError> {
        let listed = self.look_at(key).await?;
        Ok(listed.filter(|listed| user.has(&listed.edge, &listed.management)))
    }

    /// The living session `key`, whoever's it is.
    ///
    /// # Errors
    /// [`StoreError`] if the store is away.
    pub(crate) async fn look_at(&self, key: &StoreKey) -> Result<Option<Listed>, StoreError> {
        Ok(self.store.load(key).await?.and_then(|stored| self.listed(key, stored)))
    }

    fn listed(&self, key: &StoreKey, stored: StoredSession) -> Option<Listed> {
        let edge = self.config.clients.edge_keys.open(key, stored.edge).ok()?;
        let edge = edge.alive(self.now()).ok()?;
        let management = self.config.session_keys.open_management(key, &stored.management).ok()?;
        Some(Listed { key: *key, edge, management })
    }
}
