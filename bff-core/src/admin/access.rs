//! Owns: who may use the admin listener beyond health and metrics, and the exchange of what they show when it
//! was given as files that change.

use std::sync::Arc;

use arc_swap::ArcSwap;
use ring::digest::{self, Digest};
use secrecy::{ExposeSecret as _, SecretString};
use shell::config::{Problem, Problems, Settings};
use shell::reload::{SecretFile, Watched};
use subtle::ConstantTimeEq as _;

const ADMINS: &str = "BFF_ADMIN_TOKENS";
const INTERNAL: &str = "BFF_INTERNAL_TOKEN";
/// How long the internal token before the last is taken besides, in seconds: `forwardauth` reads its file at
/// another moment, and a mounted secret is not renewed everywhere at once.
const FORMER_FOR: u64 = 300;

/// Who may use the admin listener. Clones share it; `Debug` shows no token.
#[derive(Debug, Clone)]
pub struct Access {
    actors: Arc<ArcSwap<Actors>>,
    internal: Option<Arc<ArcSwap<Internal>>>,
    actors_file: Option<SecretFile>,
    internal_file: Option<SecretFile>,
}

/// `BFF_ADMIN_TOKENS`: name of the actor, and its token. Empty: there is no admin API.
type Actors = Vec<(Arc<str>, SecretString)>;

/// `BFF_INTERNAL_TOKEN`: what `forwardauth` shows.
#[derive(Debug)]
struct Internal {
    token: SecretString,
    /// The one before, and until when it is taken, seconds since the epoch.
    former: Option<(SecretString, u64)>,
}

impl Access {
    /// Reads the settings, noting all problems in `settings`.
    pub(crate) fn read(settings: &mut Settings) -> Self {
        let [actors_file, internal_file] =
            [ADMINS, INTERNAL].map(|name| SecretFile::look(settings, name));
        let actors = read(settings, ADMINS, parse_actors).unwrap_or_default();
        let internal = read(settings, INTERNAL, parse_internal);
        if actors.iter().map(|(_, token)| token).chain(&internal).any(is_short) {
            settings.warn(
                "BFF_ADMIN_TOKENS, BFF_INTERNAL_TOKEN",
                "hold a token of less than 32 characters: whoever guesses it gets at every session",
                "openssl rand -base64 32 makes a good one.",
            );
        }
        let internal = internal.map(|token| Internal { token, former: None });
        Self {
            actors: Arc::new(ArcSwap::from_pointee(actors)),
            internal: internal.map(|internal| Arc::new(ArcSwap::from_pointee(internal))),
            actors_file,
            internal_file,
        }
    }

    /// How many administrators there are. None: there is no admin API.
    pub fn administrators(&self) -> usize {
        self.actors.load().len()
    }

    /// Whether there are endpoints for `forwardauth`.
    pub const fn has_internal(&self) -> bool {
        self.internal.is_some()
    }

    /// The administrator whose token has the hash `shown`. All are compared, by their hashes and in constant
    /// time, so that the time taken tells nothing of any of them.
    pub(super) fn administrator(&self, shown: &Digest) -> Option<Arc<str>> {
        let mut found = None;
        for (name, token) in self.actors.load().iter() {
            if is(token, shown) {
                found = Some(Arc::clone(name));
            }
        }
        found
    }

    /// Whether `shown` is the hash of the internal token, or at `now` still of the one before.
    pub(super) fn is_internal(&self, shown: &Digest, now: u64) -> bool {
        let Some(internal) = &self.internal else { return false };
        let Internal { token, former } = &**internal.load();
        let is_former =
            former.as_ref().is_some_and(|(token, until)| now < *until && is(token, shown));
        is(token, shown) || is_former
    }

    /// What exchanges the tokens that came in files when these change. `now` tells the seconds since the epoch.
    /// Install the metrics recorder first.
    pub(crate) fn watched(
        &self,
        now: impl Fn() -> u64 + Send + 'static,
    ) -> impl Iterator<Item = Box<dyn Watched>> {
        let known = Arc::clone(&self.actors);
        let actors = self.actors_file.as_ref().map(|file| {
            file.watched(move |text| {
                known.store(Arc::new(checked(ADMINS, parse_actors(text))?));
                Ok(())
            })
        });
        let internal = self.internal_file.as_ref().zip(self.internal.clone());
        let internal = internal.map(|(file, known)| {
            file.watched(move |text| {
                let token = checked(INTERNAL, parse_internal(text))?;
                let former = known.load().token.clone();
                let former = Some((former, now().saturating_add(FORMER_FOR)));
                known.store(Arc::new(Internal { token, former }));
                Ok(())
            })
        });
        actors.into_iter().chain(internal)
    }
}

/// In constant time.
fn is(token: &SecretString, shown: &Digest) -> bool {
    let token = digest::digest(&digest::SHA256, token.expose_secret().as_bytes());
    token.as_ref().ct_eq(shown.as_ref()).into()
}

fn is_short(token: &SecretString) -> bool {
    token.expose_secret().len() < 32
}

fn read<T>(
    settings: &mut Settings,
    name: &str,
    parse: impl FnOnce(&str) -> Result<T, &'static str>,
) -> Option<T> {
    let given = settings.secret(name)?;
    match parse(given.expose_secret()) {
        Ok(parsed) => Some(parsed),
        Err(problem) => {
            settings.add(what(name, problem));
            None
        }
    }
}

fn checked<T>(name: &str, parsed: Result<T, &'static str>) -> Result<T, Problems> {
    parsed.map_err(|problem| Problems::one(what(name, problem)))
}

/// A problem that says nothing of a token.
fn what(name: &str, problem: &str) -> Problem {
    let hint = match name {
        ADMINS => "Give name:token pairs separated by commas.",
        _ => "openssl rand -base64 32 makes a good one.",
    };
    Problem { path: name.to_owned(), problem: problem.to_owned(), hint: hint.to_owned() }
}

/// What nobody can show would be a token that everybody can: an empty one.
fn parse_internal(text: &str) -> Result<SecretString, &'static str> {
    if text.trim().is_empty() { Err("is empty") } else { Ok(text.to_owned().into()) }
}

fn parse_actors(listed: &str) -> Result<Actors, &'static str> {
    let mut actors = Actors::new();
    for entry in listed.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        let (name, token) = entry.split_once(':').ok_or("holds an entry without a name")?;
        let named = !name.is_empty()
            && name.len() <= 64
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-@".contains(&byte));
        if !named || actors.iter().any(|(known, _)| **known == *name) {
            return Err("holds a name that is empty, odd or there twice");
        }
        if token.is_empty() {
            return Err("holds an empty token");
        }
        actors.push((name.into(), token.to_owned().into()));
    }
    if actors.is_empty() { Err("names nobody") } else { Ok(actors) }
}
