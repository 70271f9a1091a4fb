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
mod proof;
mod view;

use std::fmt;
use std::sync::Arc;

use bytes::{BufMut as _, Bytes};
use ring::hmac;
use subtle::ConstantTimeEq as _;

pub use frame::EdgeFrame;
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

/// The keys that authenticate edge views (`BFF_EDGE_KEYS`), ready for use.
#[derive(Clone)]
pub struct EdgeKeys {
    writer: Arc<DerivedKey>,
    older: Vec<Arc<DerivedKey>>,
}

struct DerivedKey {
    kid: String,
    mac: hmac::Key,
    binder: Binder,
}

impl DerivedKey {
    fn new(key: &Key) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, key.expose());
        let derive =
            |label: &[u8]| hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&root, label).as_ref());
        Self {
            kid: key.kid().to_owned(),
            mac: derive(b"wicketgate edge mac v1"),
            binder: Binder::new(derive(b"wicketgate edge binding v1")),
        }
    }

    fn context(&self, key: &StoreKey) -> hmac::Context {
        let mut context = hmac::Context::with_key(&self.mac);
        context.update(key.as_bytes());
        context
    }
}

impl EdgeKeys {
    /// Derives what is needed from the ring, once.
    pub fn new(ring: &KeyRing) -> Self {
        Self {
            writer: Arc::new(DerivedKey::new(ring.writer())),
            older: ring.iter().skip(1).map(|key| Arc::new(DerivedKey::new(key))).collect(),
        }
    }

    /// The binder of new sessions.
    pub fn binder(&self) -> &Binder {
        &self.writer.binder
    }

    /// Writes `view` for the session under `key`, with the newest key.
    ///
    /// # Errors
    /// [`FieldTooLong`] if a text field exceeds 65,535 bytes.
    pub fn seal(&self, key: &StoreKey, view: &EdgeView) -> Result<Bytes, FieldTooLong> {
        seal_with(&self.writer, key, view)
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
        let signer = self.find(kid).ok_or(EdgeError::UnknownKey)?;
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

    /// Writes `view` over `old` under the key that `old` was written with, so that its binding marks
    /// stay comparable.
    ///
    /// # Errors
    /// [`FieldTooLong`] as [`Self::seal`].
    pub fn reseal(
        &self,
        key: &StoreKey,
        old: &Bytes,
        view: &EdgeView,
    ) -> Result<Bytes, FieldTooLong> {
        let kid_length = old.get(1).copied().map_or(0, usize::from);
        let kid = old.get(2..kid_length.saturating_add(2)).unwrap_or_default();
        seal_with(self.find(kid).unwrap_or(&self.writer), key, view)
    }

    /// `edge` as it stands after a use at `now`.
    ///
    /// # Errors
    /// [`FieldTooLong`] never in practice: the view was read from this form.
    pub fn slide(&self, key: &StoreKey, edge: &LiveEdge, now: u64) -> Result<Bytes, FieldTooLong> {
        self.reseal(key, edge.raw(), &EdgeView { last_seen: now, ..edge.to_view() })
    }

    /// The names of the keys, the writer's first.
    pub fn kids(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.writer).chain(&self.older).map(|key| key.kid.as_str())
    }

    fn find(&self, kid: &[u8]) -> Option<&Arc<DerivedKey>> {
        std::iter::once(&self.writer)
            .chain(&self.older)
            .find(|derived| derived.kid.as_bytes() == kid)
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

fn seal_with(derived: &DerivedKey, key: &StoreKey, view: &EdgeView) -> Result<Bytes, FieldTooLong> {
    let mut out = Vec::with_capacity(384);
    out.put_u8(view.version());
    out.put_u8(u8::try_from(derived.kid.len()).map_err(|_| FieldTooLong)?);
    out.put_slice(derived.kid.as_bytes());
    view.encode(&mut out)?;
    let mut context = derived.context(key);
    context.update(&out);
    out.put_slice(context.sign().as_ref());
    Ok(out.into())
}

impl fmt::Debug for EdgeKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kids: Vec<_> =
            std::iter::once(&self.writer).chain(&self.older).map(|key| &key.kid).collect();
        write!(f, "EdgeKeys({kids:?}, redacted)")
    }
}

#[cfg(test)]
mod tests;
