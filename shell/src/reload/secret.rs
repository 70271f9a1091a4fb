//! Owns: a secret that was given as a file (`{NAME}_FILE`), for who must see when it changes.

use std::fmt;
use std::path::PathBuf;

use zeroize::Zeroizing;

use super::{Fingerprint, Watched, WatchedFile};
use crate::config::{Problems, Settings};

/// Where a secret lies, and what was there.
#[derive(Clone)]
pub struct SecretFile {
    /// `{NAME}_FILE`.
    variable: String,
    path: PathBuf,
    first: Option<Fingerprint>,
}

impl fmt::Debug for SecretFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretFile").field("variable", &self.variable).finish_non_exhaustive()
    }
}

impl SecretFile {
    /// The file of the secret `name`, if one is named. Look before the secret is read: what changes in between
    /// is then seen to have.
    pub fn look(settings: &Settings, name: &str) -> Option<Self> {
        let variable = format!("{name}_FILE");
        // On a copy: what is wrong with it is told where the secret is read.
        let path = PathBuf::from(settings.clone().text(&variable)?);
        let text = std::fs::read(&path).map(Zeroizing::new);
        let first = text.ok().map(|text| Fingerprint::of([text.as_slice()]));
        Some(Self { variable, path, first })
    }

    /// What gives each new secret to `take`, which takes it into use as a whole or not at all, and tells what is
    /// wrong without a part of it. Install the metrics recorder first.
    pub fn watched(
        &self,
        mut take: impl FnMut(&str) -> Result<(), Problems> + Send + 'static,
    ) -> Box<dyn Watched> {
        // As at the start: an editor's last line break is not part of the secret.
        let take = move |text: &str| take(text.trim_end_matches(['\r', '\n']));
        Box::new(WatchedFile::new(self.variable.clone(), &self.path, self.first, take))
    }
}
