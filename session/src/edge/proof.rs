//! Owns: the values that prove something of an edge view: that its MAC was checked, and that it lives.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use bytes::Bytes;

use super::{DerivedKey, EdgeFrame};
use crate::binding::{Binder, MarkMemo};

/// An edge view whose MAC was checked. It may have expired.
#[derive(Clone)]
pub struct AuthenticEdge {
    pub(super) frame: EdgeFrame,
    pub(super) signer: Arc<DerivedKey>,
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
        if now >= self.frame.expires_at() {
            return Err(Ended::Expired);
        }
        if now >= self.frame.idle_deadline() {
            return Err(Ended::Idle);
        }
        Ok(LiveEdge(self))
    }
}

impl AuthenticEdge {
    /// The same view in memory of its own: what was read shares a large buffer with its neighbours, and
    /// would keep all of it.
    #[must_use]
    pub(crate) fn detached(mut self) -> Self {
        self.frame.raw = Bytes::copy_from_slice(&self.frame.raw);
        self
    }
}

impl Deref for AuthenticEdge {
    type Target = EdgeFrame;

    fn deref(&self) -> &EdgeFrame {
        &self.frame
    }
}

impl fmt::Debug for AuthenticEdge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AuthenticEdge").field(&self.frame).finish()
    }
}

/// An edge view that is authentic and alive.
#[derive(Debug, Clone)]
pub struct LiveEdge(AuthenticEdge);

impl Deref for LiveEdge {
    type Target = EdgeFrame;

    fn deref(&self) -> &EdgeFrame {
        &self.0.frame
    }
}

impl LiveEdge {
    /// The binder whose marks this session carries.
    pub fn binder(&self) -> &Binder {
        &self.0.signer.binder
    }

    /// Whether `marks` are under the key that this session's marks are under.
    pub fn is_marked_by(&self, marks: &MarkMemo) -> bool {
        marks.is_of(self.binder())
    }

    /// The session as a use at `now` leaves it, if that use is worth a write.
    #[must_use]
    pub fn after_use(mut self, now: u64) -> Self {
        if self.due_to_slide(now) {
            self.0.frame.layout.last_seen = now;
        }
        self
    }

    /// Whether a use at `now` is worth a write: at most one a minute (and sooner where the idle
    /// time is so short that a minute would matter).
    pub fn due_to_slide(&self, now: u64) -> bool {
        let step = u64::from(self.idle_ttl() / 4).min(60);
        now.saturating_sub(self.last_seen()) >= step.max(1)
    }
}
