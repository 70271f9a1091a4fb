//! Owns: the policies of `forwardauth.yaml` by name, as they stand at the moment, for all threads, and
//! their exchange when the file changes.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use shell::config::{Problems, Settings, yaml};
use shell::reload::{Fingerprint, Watched, WatchedFile};

use super::build::{self, Given};
use super::{HandOn, Policy};

/// The file in `BFF_CONFIG_DIR`.
const FILE: &str = "forwardauth.yaml";

/// Policies by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Policies(HashMap<String, Arc<Policy>>);

impl Policies {
    pub(super) fn of(policies: impl IntoIterator<Item = (String, Policy)>) -> Self {
        Self(policies.into_iter().map(|(name, policy)| (name, Arc::new(policy))).collect())
    }

    /// Whether any policy hands this on.
    pub(crate) fn hand_on_any(&self, hand_on: HandOn) -> bool {
        self.0.values().any(|policy| policy.hand_on == hand_on)
    }

    /// The entries of `idps.yaml` whose tokens some policy takes.
    pub(crate) fn issuers(&self) -> impl Iterator<Item = &str> {
        self.0
            .values()
            .flat_map(|policy| policy.bearer.iter().flat_map(|set| set.iter()))
            .map(String::as_str)
    }

    /// The policy called `name`. Allocates nothing.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<Policy>> {
        self.0.get(name).cloned()
    }
}

/// The policies as they stand, and where they come from. Clones are one.
#[derive(Debug, Clone)]
pub(crate) struct PolicyTable {
    current: Arc<ArcSwap<Policies>>,
    source: Arc<Source>,
}

#[derive(Debug)]
struct Source {
    path: PathBuf,
    /// What is in use at the start; `None` where there was no file.
    first: Option<Fingerprint>,
    given: Given,
    /// For the variables that the file may name.
    settings: Settings,
}

impl PolicyTable {
    /// The policies of `forwardauth.yaml` in `BFF_CONFIG_DIR`, noting all problems in `settings`; none if
    /// there is no such file.
    pub(crate) fn read(settings: &mut Settings, given: Given) -> Self {
        let directory = settings.text("BFF_CONFIG_DIR");
        let path = PathBuf::from(directory.as_deref().unwrap_or("/app/config")).join(FILE);
        let (mut first, mut policies) = (None, Policies::default());
        // A file that cannot be looked at may well be there.
        if path.try_exists().unwrap_or(true) {
            match yaml::read(&path) {
                Ok(text) => {
                    first = Some(Fingerprint::of([text.as_bytes()]));
                    policies = parse(&text, &given, settings);
                }
                Err(problem) => settings.add(problem),
            }
        }
        let source = Source { path, first, given, settings: settings.clone() };
        Self { current: Arc::new(ArcSwap::from_pointee(policies)), source: Arc::new(source) }
    }

    /// The policies as they stand. Waits for nobody.
    pub(crate) fn load(&self) -> impl std::ops::Deref<Target = Arc<Policies>> {
        self.current.load()
    }

    /// What exchanges them when the file changes. A request is judged by the old ones or by the new ones.
    pub(crate) fn watched(&self) -> Box<dyn Watched> {
        let table = self.clone();
        let Source { path, first, .. } = &*self.source;
        Box::new(WatchedFile::new(FILE, path, *first, move |text| table.take(text)))
    }

    fn take(&self, text: &str) -> Result<(), Problems> {
        let Source { given, settings, .. } = &*self.source;
        let mut settings = settings.clone();
        let policies = parse(text, given, &mut settings);
        let (policies, _) = settings.finish(Some(policies))?;
        self.current.store(Arc::new(policies));
        Ok(())
    }
}

fn parse(text: &str, given: &Given, settings: &mut Settings) -> Policies {
    match yaml::parse(FILE, text, settings) {
        Ok(file) => build::policies(file, given, settings),
        Err(problem) => {
            settings.add(problem);
            Policies::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::BearerIssuers;
    use crate::policy::{Demands, PolicyError};
    use shell::reload::{Trust, Watch};

    fn given() -> Given {
        Given {
            default: HandOn::Nothing,
            access: false,
            context: false,
            audience: false,
            bearer: BearerIssuers::default(),
        }
    }

    #[tokio::test]
    async fn t09_a_reload_is_whole_and_a_policy_that_went_is_not_no_policy() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(FILE);
        let mut settings = Settings::from_pairs([
            ("BFF_CONFIG_DIR", directory.path().to_str().unwrap()),
            ("ROLE", "ADMIN"),
        ]);
        std::fs::write(&path, "policies: { a: { roles: { all: [\"${ROLE}\"] } } }").unwrap();
        let table = PolicyTable::read(&mut settings, given());
        assert!(settings.finish(Some(())).is_ok());
        let mut watch = Watch::over([table.watched()]);
        let read = |query| Demands::read(query, &table.load(), false);
        let before = read("policy=a").unwrap();
        assert_eq!(read("policy=b"), Err(PolicyError::Unknown));

        for broken in ["policies: { a: {}, b: { roles: { any: [] } } }", "[", ""] {
            std::fs::write(&path, broken).unwrap();
            watch.look(Trust::AtOnce).await;
            assert_eq!(read("policy=a").as_ref(), Ok(&before), "{broken}");
            assert_eq!(read("policy=b"), Err(PolicyError::Unknown), "{broken}");
        }
        std::fs::remove_file(&path).unwrap();
        watch.look(Trust::AtOnce).await;
        assert_eq!(read("policy=a").as_ref(), Ok(&before));

        std::fs::write(&path, "policies: { b: { roles: { all: [\"${ROLE}\"] } } }").unwrap();
        watch.look(Trust::AtOnce).await;
        assert_eq!(read("policy=b"), Ok(before));
        assert_eq!(read("policy=a"), Err(PolicyError::Unknown));
    }
}
