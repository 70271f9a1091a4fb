//! Owns: a file of `BFF_CONFIG_DIR` as it was read at the start, for who must see when it changes.

use std::path::{Path, PathBuf};

use shell::config::{Problems, Settings, yaml};
use shell::reload::{Fingerprint, Watched, WatchedFile};

/// Where a file is, and what was in it.
#[derive(Debug)]
pub(crate) struct ConfigFile {
    name: &'static str,
    path: PathBuf,
    /// `None` where there was no file.
    first: Option<Fingerprint>,
}

impl ConfigFile {
    /// The file called `name`, and its text; `None` for none, or for one that cannot be read, which is
    /// noted in `settings`.
    pub(super) fn read(name: &'static str, settings: &mut Settings) -> (Self, Option<String>) {
        let directory = settings.text("BFF_CONFIG_DIR");
        let path = Path::new(directory.as_deref().unwrap_or("/app/config")).join(name);
        // One that cannot be looked at may well be there.
        let read = path.try_exists().unwrap_or(true).then(|| yaml::read(&path));
        let text = read.and_then(|read| match read {
            Ok(text) => Some(text),
            Err(problem) => {
                settings.add(problem);
                None
            }
        });
        let first = text.as_ref().map(|text| Fingerprint::of([text.as_bytes()]));
        (Self { name, path, first }, text)
    }

    /// What gives each new text to `take`, which takes it into use as a whole or not at all.
    pub(crate) fn watched(
        &self,
        take: impl FnMut(&str) -> Result<(), Problems> + Send + 'static,
    ) -> Box<dyn Watched> {
        Box::new(WatchedFile::new(self.name, &self.path, self.first, take))
    }
}
