//! Owns: the edge view, the part of a session that verify reads on every request.
//!
//! ```text
//! version u8 = 1 or 2 | kid length u8 | kid | body | HMAC-SHA256 (32 bytes)
//! ```
//! The MAC covers the session's key and everything before itself, tenant included: who can write
//! to Redis can neither invent a session nor move one to another key (docs/SESSION-FORMAT.md, class T11).
//!
//! Version 2 has the user's claims besides. A view without any is written as version 1.
//!
//! Types carry the proof: [`EdgeKeys::open`] is the only way to an [`AuthenticEdge`],
//! [`AuthenticEdge::alive`] the only way to a [`LiveEdge`].

pub mod claims;
mod frame;
mod key;
mod proof;
mod view;

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use subtle::ConstantTimeEq as _;

pub use frame::EdgeFrame;
use key::DerivedKey;
pub use proof::{AuthenticEdge, Ended, LiveEdge};
pub use view::EdgeView;
use view::{PLAIN, WITH_CLAIMS};

use crate::binding::Binder;
use crate::id::StoreKey;
use crate::keys::{Key, KeyRing};
use crate::wire::FieldTooLong;

const MAC_LEN: usize = 32;

/// Why an edge view was not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EdgeError {
    /// Written by a version that this one does not know.
    #[error("edge view of an unknown version")]
    Version,
    /// MAC'ed under a key that the ring does not hold.
    #[error("edge view under an unknown key")]
    UnknownKey,
    /// The MAC does not match: changed, or moved from another session.
    #[error("edge view with a wrong MAC")]
    Forged,
    /// Cut short, or followed by more than it should be.
    #[error("edge view that cannot be read")]
    Malformed,
}

impl EdgeError {
    /// Stable code for metrics and logs.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Version => "edge_version",
            Self::UnknownKey => "edge_unknown_key",
            Self::Forged => "edge_forged",
            Self::Malformed => "edge_malformed",
        }
    }
}

/// The keys that authenticate edge views (`BFF_EDGE_KEYS`), ready for use. Clones share them: what
/// [`EdgeKeys::exchange`] puts in is what all of them use.
#[derive(Clone)]
pub struct EdgeKeys(Arc<ArcSwap<Ring>>);

struct Ring {
    writer: Arc<DerivedKey>,
    older: Vec<Arc<DerivedKey>>,
}

impl Ring {
    fn all(&self) -> impl Iterator<Item = &Arc<DerivedKey>> {
        std::iter::once(&self.writer).chain(&self.older)
    }

    fn find(&self, kid: &[u8]) -> Option<&Arc<DerivedKey>> {
        self.all().find(|derived| derived.kid.as_bytes() == kid)
    }
}

/// The first key of a ring as it was: what marks a new session is what its view is written with, whatever
/// becomes of the ring meanwhile.
#[derive(Clone)]
pub struct EdgeWriter(Arc<DerivedKey>);

impl EdgeWriter {
    /// The binder of sessions that this writes.
    pub fn binder(&self) -> &Binder {
        &self.0.binder
    }

    /// Writes `view` for the session under `key`.
    ///
    /// # Errors
    /// [`FieldTooLong`] if a text field exceeds 65,535 bytes.
    pub fn seal(&self, key: &StoreKey, view: &EdgeView) -> Result<Bytes, FieldTooLong> {
        self.0.seal(key, view)
    }
}

impl fmt::Debug for EdgeWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EdgeWriter({}, redacted)", self.0.kid)
    }
}

impl EdgeKeys {
    /// Derives what is needed from the ring, once.
    pub fn new(ring: &KeyRing) -> Self {
        let ready = |key: &Key| Arc::new(DerivedKey::new(key));
        let writer = ready(ring.writer());
        let older = ring.iter().skip(1).map(ready).collect();
        Self(Arc::new(ArcSwap::from_pointee(Ring { writer, older })))
    }

    /// Puts `ring` in the place of what was there. A key that is in both stays the same one, so that nothing
    /// that was made of it is made again; a key that is in the old one alone is retired: its sessions are
    /// nobody's, also where their views were opened before. For one caller at a time.
    pub fn exchange(&self, ring: &KeyRing) {
        let old = self.0.load_full();
        let ready = |key: &Key| {
            let new = DerivedKey::new(key);
            let same = old.all().find(|known| known.is(&new)).map(Arc::clone);
            same.unwrap_or_else(|| Arc::new(new))
        };
        let writer = ready(ring.writer());
        let new = Ring { writer, older: ring.iter().skip(1).map(ready).collect() };
        let gone = |known: &&Arc<DerivedKey>| !new.all().any(|key| Arc::ptr_eq(key, known));
        let gone: Vec<_> = old.all().filter(gone).map(Arc::clone).collect();
        self.0.store(Arc::new(new));
        for key in gone {
            key.retire();
        }
    }

    /// What new sessions are written with.
    pub fn writer(&self) -> EdgeWriter {
        EdgeWriter(Arc::clone(&self.0.load().writer))
    }

    /// The binder of new sessions.
    pub fn binder(&self) -> Binder {
        self.0.load().writer.binder.clone()
    }

    /// Writes `view` for the session under `key`, with the newest key.
    ///
    /// # Errors
    /// [`FieldTooLong`] if a text field exceeds 65,535 bytes.
    pub fn seal(&self, key: &StoreKey, view: &EdgeView) -> Result<Bytes, FieldTooLong> {
        self.0.load().writer.seal(key, view)
    }

    /// Believes `raw`, the edge view found under `key`, or says why not.
    ///
    /// Copies nothing: the text fields stay where they stand in `raw`'s buffer.
    ///
    /// # Errors
    /// [`EdgeError`] if it was not written by a holder of these keys for this very session.
    pub fn open(&self, key: &StoreKey, raw: Bytes) -> Result<AuthenticEdge, EdgeError> {
        let (version, rest) = raw.split_first().ok_or(EdgeError::Malformed)?;
        if !matches!(*version, PLAIN | WITH_CLAIMS) {
            return Err(EdgeError::Version);
        }
        let (kid_length, rest) = rest.split_first().ok_or(EdgeError::Malformed)?;
        let (kid, rest) =
            rest.split_at_checked(usize::from(*kid_length)).ok_or(EdgeError::Malformed)?;
        let ring = self.0.load();
        let signer = ring.find(kid).ok_or(EdgeError::UnknownKey)?;
        let (body, tag) = rest
            .len()
            .checked_sub(MAC_LEN)
            .and_then(|signed| rest.split_at_checked(signed))
            .ok_or(EdgeError::Malformed)?;

        let message = raw.len().checked_sub(MAC_LEN).and_then(|length| raw.get(..length));
        let mut context = signer.context(key);
        context.update(message.ok_or(EdgeError::Malformed)?);
        if !bool::from(words(context.sign().as_ref()).ct_eq(&words(tag))) {
            return Err(EdgeError::Forged);
        }
        let layout = frame::layout(body, kid.len().saturating_add(2), *version == WITH_CLAIMS)
            .ok_or(EdgeError::Malformed)?;
        Ok(AuthenticEdge { frame: EdgeFrame { raw, layout }, signer: Arc::clone(signer) })
    }

    /// The names of the keys, the writer's first.
    pub fn kids(&self) -> Vec<String> {
        self.0.load().all().map(|key| key.kid.clone()).collect()
    }
}

/// A MAC as words, so that to compare in constant time takes four steps and not 32.
fn words(mac: &[u8]) -> [u64; MAC_LEN / 8] {
    let mut words = [0; MAC_LEN / 8];
    for (to, from) in words.iter_mut().zip(mac.as_chunks().0) {
        *to = u64::from_ne_bytes(*from);
    }
    words
}

impl fmt::Debug for EdgeKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kids = self.kids();
        write!(f, "EdgeKeys({kids:?}, redacted)")
    }
}

#[cfg(test)]
mod tests;
