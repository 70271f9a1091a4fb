//! Owns: what verify shows the BFF (`BFF_INTERNAL_TOKEN`), and its exchange when it was given as a file that
//! changes.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use http::HeaderValue;
use secrecy::ExposeSecret as _;
use shell::config::{Problem, Problems, Settings};
use shell::reload::{SecretFile, Watched};

const NAME: &str = "BFF_INTERNAL_TOKEN";
const HINT: &str = "Give the value that the BFF has, with FORWARDAUTH_BFF_URL.";

/// The value of `Authorization`. Clones share it: a new one is what all threads show.
#[derive(Clone)]
pub struct Credential {
    value: Arc<ArcSwap<HeaderValue>>,
    file: Option<SecretFile>,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(redacted)")
    }
}

impl Credential {
    /// `BFF_INTERNAL_TOKEN`; `None` where it is missing or wrong, which is noted in `settings`.
    pub(super) fn read(settings: &mut Settings) -> Option<Self> {
        let file = SecretFile::look(settings, NAME);
        let token = settings.required_secret(NAME, HINT)?;
        match parse(token.expose_secret()) {
            Ok(value) => Some(Self { value: Arc::new(ArcSwap::from_pointee(value)), file }),
            Err(problem) => {
                settings.add(problem);
                None
            }
        }
    }

    /// As it is now; marked sensitive.
    pub fn value(&self) -> HeaderValue {
        HeaderValue::clone(&self.value.load())
    }

    /// What exchanges it when its file changes. `None` where it came in no file. Install the metrics recorder
    /// first.
    pub(crate) fn watched(&self) -> Option<Box<dyn Watched>> {
        let value = Arc::clone(&self.value);
        let take = move |token: &str| {
            value.store(Arc::new(parse(token).map_err(Problems::one)?));
            Ok(())
        };
        Some(self.file.as_ref()?.watched(take))
    }
}

fn parse(token: &str) -> Result<HeaderValue, Problem> {
    let wrong = |problem: &str| Problem {
        path: NAME.to_owned(),
        problem: problem.to_owned(),
        hint: HINT.to_owned(),
    };
    if token.trim().is_empty() {
        return Err(wrong("is empty"));
    }
    let value = HeaderValue::try_from(format!("Bearer {token}"));
    let mut value = value.map_err(|_| wrong("holds what no header may hold"))?;
    value.set_sensitive(true);
    Ok(value)
}
