//! Owns: what a look at a session says to who follows it: whether it goes on, and if not, why.

use session::edge::LiveEdge;
use session::flags::Standing;
use session::id::StoreKey;
use session::store::Store as _;

use crate::app::App;

/// When a session ends, as it was last seen; seconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) expires_at: u64,
    pub(crate) idle_expires_at: u64,
}

impl Ends {
    pub(crate) fn of(edge: &LiveEdge) -> Self {
        Self { expires_at: edge.expires_at(), idle_expires_at: edge.idle_deadline() }
    }
}

/// What a look at the store brought.
#[derive(Debug)]
pub(crate) enum Seen {
    Alive(LiveEdge),
    /// `expired`, `suspended`, or `ended` by somebody.
    Over(&'static str),
    /// The store is away, which ends nobody's session.
    Unknown,
}

/// Looks at the session under `key`, of which was `known` before when it would end.
pub(crate) async fn look(app: &App, key: &StoreKey, known: Option<Ends>) -> Seen {
    let found = match app.store.edge_view(key).await {
        Ok(found) => found,
        Err(error) => {
            tracing::debug!(reason = error.reason(), "session of a stream not read");
            return without_store(app, known);
        }
    };
    let Some(raw) = found else { return Seen::Over(why_gone(app, known)) };
    let Ok(edge) = app.config.clients.edge_keys.open(key, raw) else {
        return Seen::Over("ended");
    };
    match edge.alive(app.now()) {
        Ok(edge) if Standing::of(edge.master_flags()) != Standing::Good => Seen::Over("suspended"),
        Ok(edge) => Seen::Alive(edge),
        Err(_) => Seen::Over("expired"),
    }
}

/// The idle deadline may have moved unseen; the absolute one moves for nobody.
fn without_store(app: &App, known: Option<Ends>) -> Seen {
    match known {
        Some(known) if app.now() >= known.expires_at => Seen::Over("expired"),
        _ => Seen::Unknown,
    }
}

/// The store forgets a session at its end, and before that only where somebody ended it.
fn why_gone(app: &App, known: Option<Ends>) -> &'static str {
    match known {
        Some(known) if app.now() >= known.idle_expires_at => "expired",
        _ => "ended",
    }
}
