//! Owns: the exchange of the keys of context tokens when their file changes: a rotation needs no restart.

use shell::config::{Problem, Problems};
use shell::reload::Watched;

use super::settings::{KEYS, KEYS_HINT};
use super::{ContextKeys, ContextSigner};

impl ContextSigner {
    /// What exchanges the keys of this signer, and of all its clones, when their file changes: then tokens are
    /// signed by the first of the new ones, and the public halves are those of the new ones. `None` where the
    /// keys came in no file. Install the metrics recorder first.
    pub fn watched(&self) -> Option<Box<dyn Watched>> {
        let file = self.file.as_ref()?;
        let signer = self.clone();
        Some(file.watched(move |text| {
            let keys = ContextKeys::parse(text).map_err(|error| {
                Problems::one(Problem {
                    path: KEYS.to_owned(),
                    problem: error.to_string(),
                    hint: KEYS_HINT.to_owned(),
                })
            })?;
            signer.keys.store(keys.into());
            Ok(())
        }))
    }
}
