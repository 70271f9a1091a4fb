//! Owns: the file of `BFF_CONTEXT_KEYS_FILE`, and the exchange of the keys when it changes: a rotation needs no
//! restart.

use std::path::PathBuf;

use shell::config::{Problem, Problems, Settings};
use shell::reload::{Fingerprint, Watched, WatchedFile};

use super::settings::{KEYS, KEYS_FILE, KEYS_HINT};
use super::{ContextKeys, ContextSigner};

/// Where the keys lie, and what was there.
#[derive(Debug, Clone)]
pub(super) struct KeyFile {
    path: PathBuf,
    first: Option<Fingerprint>,
}

impl KeyFile {
    /// The file, if one is named. Look before the keys are read: what changes in between is then seen to have.
    pub(super) fn look(settings: &mut Settings) -> Option<Self> {
        let path = PathBuf::from(settings.text(KEYS_FILE)?);
        let text = std::fs::read(&path).map(zeroize::Zeroizing::new);
        let first = text.ok().map(|text| Fingerprint::of([text.as_slice()]));
        Some(Self { path, first })
    }
}

impl ContextSigner {
    /// What exchanges the keys of this signer, and of all its clones, when their file changes: then tokens are
    /// signed by the first of the new ones, and the public halves are those of the new ones. `None` where the
    /// keys came in no file. Install the metrics recorder first.
    pub fn watched(&self) -> Option<Box<dyn Watched>> {
        let KeyFile { path, first } = self.file.as_ref()?;
        let signer = self.clone();
        let take = move |text: &str| {
            let keys = ContextKeys::parse(text.trim_end()).map_err(|error| {
                Problems::one(Problem {
                    path: KEYS.to_owned(),
                    problem: error.to_string(),
                    hint: KEYS_HINT.to_owned(),
                })
            })?;
            signer.keys.store(keys.into());
            Ok(())
        };
        Some(Box::new(WatchedFile::new(KEYS_FILE, path, *first, take)))
    }
}
