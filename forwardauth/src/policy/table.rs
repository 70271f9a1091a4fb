//! Owns: the policies of `forwardauth.yaml` by name, as they stand at one moment.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use shell::config::{Settings, yaml};

use super::build::{self, Given};
use super::{HandOn, Policy};

/// The file in `BFF_CONFIG_DIR`.
const FILE: &str = "forwardauth.yaml";

/// Policies by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Policies(HashMap<String, Arc<Policy>>);

impl Policies {
    /// Those of `forwardauth.yaml` in `BFF_CONFIG_DIR`, noting all problems in `settings`; none if there is
    /// no such file. `default` is handed on where a policy does not say; `access`: whether access tokens
    /// can be had.
    pub(crate) fn read(settings: &mut Settings, default: HandOn, access: bool) -> Self {
        let directory = settings.text("BFF_CONFIG_DIR");
        let path = PathBuf::from(directory.as_deref().unwrap_or("/app/config")).join(FILE);
        // A file that cannot be looked at may well be there.
        if !path.try_exists().unwrap_or(true) {
            return Self::default();
        }
        match yaml::load(&path, settings) {
            Ok(file) => build::policies(file, Given { default, access }, settings),
            Err(problem) => {
                settings.add(problem);
                Self::default()
            }
        }
    }

    pub(super) fn of(policies: impl IntoIterator<Item = (String, Policy)>) -> Self {
        Self(policies.into_iter().map(|(name, policy)| (name, Arc::new(policy))).collect())
    }

    /// The policy called `name`. Allocates nothing.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<Policy>> {
        self.0.get(name).cloned()
    }
}
