//! Owns: moving a session's idle deadline after a use: at most one write a minute and session, off the
//! response path, and lost without harm.

use std::time::Duration;

use session::any::AnyStore;
use session::edge::LiveEdge;
use session::id::StoreKey;
use session::store::Store as _;

use crate::background::Background;
use crate::metrics;

/// Writes down that the session of `edge` was used at `now`, if that is due.
///
/// Of many requests at once one write wins: the store replaces only the view that was read.
pub(crate) fn if_due(
    background: &Background,
    store: &AnyStore,
    key: &StoreKey,
    edge: &LiveEdge,
    now: u64,
) {
    if !edge.due_to_slide(now) {
        return;
    }
    let (store, key, edge) = (store.clone(), *key, edge.clone());
    background.run("slide", async move {
        let Ok(new) = edge.slid(&key, now) else {
            return;
        };
        let keep = keep(&edge, now);
        let result = store.slide(&key, edge.raw(), new, keep).await;
        metrics::slid(&result);
    });
}

/// How long the session lives from `now` on if it is not used again.
fn keep(edge: &LiveEdge, now: u64) -> Duration {
    let idle = now.saturating_add(u64::from(edge.idle_ttl()));
    Duration::from_secs(idle.min(edge.expires_at()).saturating_sub(now))
}
