//! Owns: the tokens of sessions that were opened a moment ago. A page asks for several things at once, and
//! to derive a key, decrypt and read two kilobytes for each is a tenth of what a proxied call costs.
//!
//! An entry stands for the very bytes that the store holds: whatever changes them, a refresh or a logout,
//! is seen by the next request. Plain tokens stay in memory beyond the request that needed them: for seconds,
//! or, in a process that nobody asks for any, until somebody does.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use moka::sync::Cache;
use session::id::StoreKey;
use session::record::TokenPart;

use super::ActiveSession;
use crate::app::App;
use crate::error::ApiError;

/// Sessions whose tokens are kept open, and for how long after their last use.
const MOST: u64 = 4_096;
const IDLE: Duration = Duration::from_secs(10);

/// Tokens that were opened lately.
pub(crate) struct Opened(Cache<StoreKey, Entry>);

#[derive(Clone)]
struct Entry {
    /// What they were sealed with, besides the key.
    tenant: Bytes,
    version: u64,
    sealed: Bytes,
    tokens: Arc<TokenPart>,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opened(redacted)")
    }
}

impl Default for Opened {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(MOST).time_to_idle(IDLE).build())
    }
}

impl Entry {
    fn of(session: &ActiveSession, tokens: &Arc<TokenPart>) -> Self {
        Self {
            // Copies: as they came, they hold on to everything that was read with them.
            tenant: Bytes::copy_from_slice(session.edge.tenant_id()),
            sealed: Bytes::copy_from_slice(&session.stored.tokens),
            version: session.stored.version,
            tokens: Arc::clone(tokens),
        }
    }

    fn is_of(&self, session: &ActiveSession) -> bool {
        self.version == session.stored.version
            && self.tenant == session.edge.tenant_id()
            && self.sealed == session.stored.tokens
    }
}

impl App {
    /// The tokens of a session, as [`App::tokens`] opens them.
    ///
    /// # Errors
    /// As [`App::tokens`].
    pub(crate) fn opened_tokens(
        &self,
        session: &ActiveSession,
    ) -> Result<Arc<TokenPart>, ApiError> {
        let known = self.opened.0.get(&session.key).filter(|entry| entry.is_of(session));
        if let Some(known) = known {
            return Ok(known.tokens);
        }
        let tokens = Arc::new(self.tokens(session)?);
        self.opened.0.insert(session.key, Entry::of(session, &tokens));
        Ok(tokens)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;

    #[tokio::test]
    async fn t10_open_tokens_stand_for_the_very_bytes_that_are_stored() {
        let world = World::with(&[]).await;
        let app = &world.app;
        let mut sessions = Vec::new();
        for id in world.sessions(2).await {
            sessions.push(app.session_by_id(id).await.unwrap().unwrap());
        }
        let opened = app.opened_tokens(&sessions[0]).unwrap();
        assert!(Arc::ptr_eq(&opened, &app.opened_tokens(&sessions[0]).unwrap()));
        assert!(!Arc::ptr_eq(&opened, &app.opened_tokens(&sessions[1]).unwrap()));

        let mut changed = sessions[0].clone();
        let mut sealed = changed.stored.tokens.to_vec();
        *sealed.last_mut().unwrap() ^= 1;
        changed.stored.tokens = sealed.into();
        assert!(app.opened_tokens(&changed).is_err(), "somebody wrote to the store");
        let mut older = sessions[0].clone();
        older.stored.version += 1;
        assert!(app.opened_tokens(&older).is_err(), "of another version");
        let mut moved = sessions[1].clone();
        moved.stored.tokens = sessions[0].stored.tokens.clone();
        assert!(app.opened_tokens(&moved).is_err(), "of another session");
    }
}
