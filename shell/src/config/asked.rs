//! Owns: which variables a program has asked for, so that a test can hold its list of settings against what it
//! reads. Only with the feature `testing`; otherwise nothing is noted.

use super::catalogue::Kind;

/// What was asked for. Clones are one.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    #[cfg(feature = "testing")]
    names: std::sync::Arc<std::sync::Mutex<std::collections::BTreeMap<String, Kind>>>,
}

impl Asked {
    /// Of several kinds the last counts, in their order.
    #[cfg(feature = "testing")]
    pub(super) fn note(&self, name: &str, kind: Kind) {
        let mut names = self.names.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let known = names.entry(name.to_owned()).or_insert(kind);
        *known = kind.max(*known);
    }

    #[cfg(not(feature = "testing"))]
    #[expect(clippy::unused_self, reason = "there is something to note with the feature")]
    pub(super) const fn note(&self, _: &str, _: Kind) {}

    /// Each name with its kind. The `_FILE` of a secret is there where it was asked for by itself.
    #[cfg(feature = "testing")]
    pub(super) fn all(&self) -> std::collections::BTreeMap<String, Kind> {
        self.names.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
}
