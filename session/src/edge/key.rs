//! Owns: one edge key: what is derived from it, and whether it still counts.

use std::sync::atomic::{AtomicBool, Ordering};

use bytes::{BufMut as _, Bytes};
use ring::hmac;

use super::EdgeView;
use crate::binding::Binder;
use crate::id::StoreKey;
use crate::keys::Key;
use crate::wire::FieldTooLong;

/// A key of the ring, ready for use.
pub(super) struct DerivedKey {
    pub(super) kid: String,
    pub(super) binder: Binder,
    mac: hmac::Key,
    /// Whether it was taken out of the ring.
    retired: AtomicBool,
}

impl DerivedKey {
    pub(super) fn new(key: &Key) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, key.expose());
        let derive =
            |label: &[u8]| hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&root, label).as_ref());
        Self {
            kid: key.kid().to_owned(),
            binder: Binder::new(derive(b"wicketgate edge binding v1")),
            mac: derive(b"wicketgate edge mac v1"),
            retired: AtomicBool::new(false),
        }
    }

    /// Whether both are of the same name and the same secret.
    pub(super) fn is(&self, other: &Self) -> bool {
        let proof = hmac::sign(&other.mac, b"");
        self.kid == other.kid && hmac::verify(&self.mac, b"", proof.as_ref()).is_ok()
    }

    /// Nothing that was believed by it is believed from now on.
    pub(super) fn retire(&self) {
        self.retired.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Relaxed)
    }

    pub(super) fn context(&self, key: &StoreKey) -> hmac::Context {
        let mut context = hmac::Context::with_key(&self.mac);
        context.update(key.as_bytes());
        context
    }

    /// Writes `view` for the session under `key`.
    pub(super) fn seal(&self, key: &StoreKey, view: &EdgeView) -> Result<Bytes, FieldTooLong> {
        let mut out = Vec::with_capacity(384);
        out.put_u8(view.version());
        out.put_u8(u8::try_from(self.kid.len()).map_err(|_| FieldTooLong)?);
        out.put_slice(self.kid.as_bytes());
        view.encode(&mut out)?;
        let mut context = self.context(key);
        context.update(&out);
        out.put_slice(context.sign().as_ref());
        Ok(out.into())
    }
}
