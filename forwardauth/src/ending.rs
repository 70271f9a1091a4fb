//! Owns: ending a session that another client shows, and telling `bff`, whose streams are open.

use serde_json::json;
use session::any::AnyStore;
use session::id::StoreKey;
use session::shelf::Shelf as _;
use session::store::{Store as _, StoreError};

/// Why, as the audit event `session.revoked` and the news say it.
pub(crate) const REASON: &str = "binding";

/// Ends the session `key`. `false` if it had ended before.
///
/// # Errors
/// [`StoreError`] if the store is away; then it may not have ended.
pub(crate) async fn end(store: &AnyStore, key: &StoreKey) -> Result<bool, StoreError> {
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
