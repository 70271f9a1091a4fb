//! Owns: moving a session's idle deadline after a use: at most one write a minute and session, off the
//! response path, and lost without harm.

use std::sync::Arc;
use std::time::Duration;

use session::any::AnyStore;
use session::edge::EdgeKeys;
use session::id::StoreKey;
use session::store::Store as _;

use crate::background::Background;
use crate::decide::Session;
use crate::metrics;

/// Writes down that `session` was used at `now`, if that is due.
///
/// Of many requests at once one write wins: the store replaces only the view that was read.
pub(crate) fn if_due(
    background: &Background,
    store: &AnyStore,
    keys: &Arc<EdgeKeys>,
    key: StoreKey,
    session: &Session,
    now: u64,
) {
    if !session.edge.due_to_slide(now) {
        return;
    }
    let (store, keys, session) = (store.clone(), Arc::clone(keys), session.clone());
    background.run("slide", async move {
        let Ok(new) = keys.slide(&key, &session.edge, &session.raw, now) else {
            return;
        };
        let keep = keep(&session, now);
        let result = store.slide(&key, &session.raw, new, keep).await;
        metrics::slid(&result);
    });
}

/// How long the session lives from `now` on if it is not used again.
fn keep(session: &Session, now: u64) -> Duration {
    let view = session.edge.view();
    let idle = now.saturating_add(u64::from(view.idle_ttl));
    Duration::from_secs(idle.min(view.expires_at).saturating_sub(now))
}
