//! Owns: the values that prove something of an edge view: that its MAC was checked, and that it lives.

use super::EdgeView;
use crate::binding::Binder;

/// An edge view whose MAC was checked. It may have expired.
#[derive(Debug, Clone)]
pub struct AuthenticEdge {
    pub(super) view: EdgeView,
    pub(super) binder: Binder,
}

/// Why an authentic session no longer counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Its absolute life is over.
    Expired,
    /// It was not used for too long.
    Idle,
}

impl Ended {
    /// Stable code for metrics and logs.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Idle => "idle",
        }
    }
}

impl AuthenticEdge {
    /// The session if it lives at `now`, by our own clock, whatever the store still holds.
    ///
    /// # Errors
    /// [`Ended`] if it expired or idled out.
    pub fn alive(self, now: u64) -> Result<LiveEdge, Ended> {
        if now >= self.view.expires_at {
            return Err(Ended::Expired);
        }
        if now >= self.view.idle_deadline() {
            return Err(Ended::Idle);
        }
        Ok(LiveEdge { view: self.view, binder: self.binder })
    }

    /// What was read, for the owner of the session's life.
    pub const fn view(&self) -> &EdgeView {
        &self.view
    }
}

/// An edge view that is authentic and alive.
#[derive(Debug, Clone)]
pub struct LiveEdge {
    pub(super) view: EdgeView,
    binder: Binder,
}

impl LiveEdge {
    /// What was read.
    pub const fn view(&self) -> &EdgeView {
        &self.view
    }

    /// The binder whose marks this session carries.
    pub const fn binder(&self) -> &Binder {
        &self.binder
    }

    /// The session as a use at `now` leaves it, if that use is worth a write.
    #[must_use]
    pub fn after_use(self, now: u64) -> Self {
        if self.due_to_slide(now) {
            Self { view: EdgeView { last_seen: now, ..self.view }, ..self }
        } else {
            self
        }
    }

    /// Whether a use at `now` is worth a write: at most one a minute (and sooner where the idle
    /// time is so short that a minute would matter).
    pub fn due_to_slide(&self, now: u64) -> bool {
        let step = u64::from(self.view.idle_ttl / 4).min(60);
        now.saturating_sub(self.view.last_seen) >= step.max(1)
    }
}
