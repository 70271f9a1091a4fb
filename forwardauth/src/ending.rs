//! Owns: ending a session that another client shows, and telling those who do not ask Redis: `bff`, whose
//! streams are open, and the keeper, who would bring the session back from PostgreSQL.

use std::time::Duration;

use serde_json::json;
use session::any::AnyStore;
use session::id::StoreKey;
use session::shelf::Shelf as _;
use session::store::{IndexKey, Store as _, StoreError};

/// Why, as the audit event `session.revoked` and the news say it.
pub(crate) const REASON: &str = "binding";

/// Ends the session `key`. With `listed_for` it is kept in PostgreSQL too, for no longer than that. `false` if it
/// had ended before.
///
/// # Errors
/// [`StoreError`] if the store is away; then it may not have ended.
pub(crate) async fn end(
    store: &AnyStore,
    key: &StoreKey,
    listed_for: Option<Duration>,
) -> Result<bool, StoreError> {
    if let Some(keep) = listed_for {
        // First: whoever finds it listed looks whether it is gone. It goes in any case.
        if let Err(error) = store.index_add(&IndexKey::ended(), key, keep).await {
            let session = key.short();
            tracing::warn!(session, reason = error.reason(), "PostgreSQL may not hear of the end");
        }
    }
    let ended = store.delete(key).await?;
    if ended {
        tell(store, key).await;
    }
    Ok(ended)
}

/// Nobody is promised that news arrive.
async fn tell(store: &AnyStore, key: &StoreKey) {
    let news = json!([{ "type": "ended", "session": key.to_string(), "reason": REASON }]);
    if let Err(error) = store.publish(news.to_string().into()).await {
        tracing::debug!(reason = error.reason(), "news not told");
    }
}
