//! Owns: the values that prove something of an edge view: that its MAC was checked, and that it lives.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use bytes::Bytes;

use super::{DerivedKey, EdgeFrame, EdgeView};
use crate::binding::Binder;
use crate::id::StoreKey;
use crate::wire::FieldTooLong;

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
    /// Writes `view` in the place of this one, under the same key: the binding marks belong to it. Where that
    /// key was taken out meanwhile, what is written is nobody's as well, and never another key's.
    ///
    /// # Errors
    /// [`FieldTooLong`] if a text field exceeds 65,535 bytes.
    pub fn reseal(&self, key: &StoreKey, view: &EdgeView) -> Result<Bytes, FieldTooLong> {
        self.signer.seal(key, view)
    }

    /// Whether its key was taken out of the ring since it was opened: then it is no longer believed.
    pub fn is_retired(&self) -> bool {
        self.signer.is_retired()
    }

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

    /// As [`AuthenticEdge::reseal`].
    ///
    /// # Errors
    /// [`FieldTooLong`] as there.
    pub fn reseal(&self, key: &StoreKey, view: &EdgeView) -> Result<Bytes, FieldTooLong> {
        self.0.reseal(key, view)
    }

    /// The view as it stands after a use at `now`.
    ///
    /// # Errors
    /// [`FieldTooLong`] never in practice: the view was read from this form.
    pub fn slid(&self, key: &StoreKey, now: u64) -> Result<Bytes, FieldTooLong> {
        self.reseal(key, &EdgeView { last_seen: now, ..self.to_view() })
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
