//! Owns: which files settings named, and what was in them when they were read, for who must see that one changes.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroizing;

use crate::reload::Fingerprint;

/// Files by their paths. `None`: it could not be read, or said one thing and then another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamedFiles(BTreeMap<PathBuf, Option<Fingerprint>>);

impl NamedFiles {
    /// Whether there is none that may change.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These and those.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// The same files as they are now.
    pub async fn read_again(&self) -> Self {
        let mut now = BTreeMap::new();
        for path in self.0.keys() {
            let read = tokio::fs::read(path).await.map(Zeroizing::new);
            now.insert(path.clone(), read.ok().map(|bytes| Fingerprint::of([bytes.as_slice()])));
        }
        Self(now)
    }

    /// That of all of them.
    pub fn fingerprint(&self) -> Fingerprint {
        let parts = self.0.iter().flat_map(|(path, content)| {
            let content = content.as_ref().map_or(&[][..], |content| content.as_bytes());
            [path.as_os_str().as_bytes(), content]
        });
        Fingerprint::of(parts)
    }

    fn note(&mut self, path: &Path, content: Option<Fingerprint>) {
        let known = self.0.entry(path.to_owned()).or_insert(content);
        if *known != content {
            *known = None;
        }
    }
}

/// What settings have read. Clones are one.
#[derive(Debug, Clone, Default)]
pub(super) struct Named(Arc<Mutex<NamedFiles>>);

impl Named {
    /// Notes what was found at `path`.
    pub(super) fn note(&self, path: &Path, content: Option<&[u8]>) {
        let content = content.map(|bytes| Fingerprint::of([bytes]));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).note(path, content);
    }

    /// What was noted since the last time.
    pub(super) fn take(&self) -> NamedFiles {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
