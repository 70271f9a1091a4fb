//! Owns: `user_context` of `bff.yaml`: which sources are asked about a user, and what is taken from them.

mod file;

use std::time::Duration;

use shell::config::Settings;

use crate::json::JsonPath;
use crate::user_context::UrlTemplate;
pub(super) use file::ContextFile;
use file::{KindFile, SourceFile, TokenFile};

/// What is asked about every user. Without sources there is no user context.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContextSettings {
    /// Seconds after which a source is asked again.
    pub refresh: u64,
    /// Longest answer of a source, and largest context of a user, in bytes.
    pub max_bytes: usize,
    /// Who is asked.
    pub sources: Vec<Source>,
    /// The values that the user's own browser is shown.
    pub browser: Vec<String>,
}

/// A source of the user context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Unique.
    pub name: String,
    /// What kind it is.
    pub kind: SourceKind,
    /// Longest wait for it.
    pub timeout: Duration,
    /// Whether nobody logs in without it.
    pub required: bool,
    /// Dotted names of values, and where they are found in what the source says.
    pub(crate) map: Vec<(String, JsonPath)>,
}

/// What kind of source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceKind {
    /// The claims of the ID token.
    Claims,
    /// The provider's userinfo endpoint.
    Userinfo,
    /// A service that answers with JSON.
    Http {
        /// Where.
        url: UrlTemplate,
        /// Whether it is shown the session's access token.
        shows_token: bool,
    },
}

/// A value, by the source that tells it.
#[derive(Debug)]
pub(crate) struct Place<'s> {
    pub(crate) source: &'s Source,
    /// The name that it, or what it is part of, is kept under.
    pub(crate) name: &'s str,
    /// Where in that it is.
    pub(crate) rest: Option<JsonPath>,
}

/// Longest wait for a source, and most of what is kept of a user.
const LONGEST: Duration = Duration::from_secs(10);
const MOST_BYTES: usize = 64 * 1024;
const MOST_SOURCES: usize = 16;

impl ContextSettings {
    /// Reads the section, noting all problems in `settings`.
    pub(super) fn read(file: Option<ContextFile>, settings: &mut Settings) -> Self {
        let Some(file) = file else { return Self::default() };
        let mut read = Reading { settings };
        let refresh = read.seconds("refresh", file.refresh.as_ref(), 900);
        let max_bytes = read.max_bytes(file.max_bytes.as_ref());
        if file.sources.is_empty() || file.sources.len() > MOST_SOURCES {
            read.problem(
                "sources",
                "are none, or more than 16",
                "For example { kind: userinfo, map: { phone: phone_number } }.",
            );
        }
        let mut this = Self { refresh, max_bytes, sources: Vec::new(), browser: file.browser };
        for (index, source) in file.sources.iter().enumerate() {
            if let Some(source) = read.source(index, source) {
                if this.sources.iter().any(|other| other.name == source.name) {
                    let hint = "Give each source its own name.";
                    read.problem(
                        &format!("source {}", source.name),
                        "has the name of another",
                        hint,
                    );
                }
                this.sources.push(source);
            }
        }
        read.check_names(&this);
        this
    }

    /// Whether there is anything to ask.
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// Where the value `name` comes from: a value of that name, or something within one.
    pub(crate) fn place(&self, name: &str) -> Option<Place<'_>> {
        self.sources.iter().find_map(|source| {
            source.map.iter().find_map(|(known, _)| {
                let rest = name.strip_prefix(known.as_str())?;
                let rest = match rest.strip_prefix('.') {
                    None if rest.is_empty() => None,
                    None => return None,
                    Some(rest) => Some(JsonPath::exact(rest)?),
                };
                Some(Place { source, name: known, rest })
            })
        })
    }
}

struct Reading<'a> {
    settings: &'a mut Settings,
}

impl Reading<'_> {
    fn problem(&mut self, key: &str, problem: &str, hint: &str) {
        self.settings.problem(&format!("bff.yaml: user_context: {key}"), problem, hint);
    }

    fn seconds(&mut self, key: &str, given: Option<&file::Scalar>, default: u64) -> u64 {
        let Some(given) = given else { return default };
        match given.duration() {
            Ok(duration) if duration.as_secs() > 0 => duration.as_secs(),
            _ => {
                self.problem(key, "is not a duration of at least a second", "For example 15m.");
                default
            }
        }
    }

    fn max_bytes(&mut self, given: Option<&file::Scalar>) -> usize {
        const DEFAULT: usize = 16 * 1024;
        let Some(given) = given else { return DEFAULT };
        let size = given.size().ok().filter(|size| (1..=MOST_BYTES).contains(size));
        size.unwrap_or_else(|| {
            self.problem("max_bytes", "is not a size up to 64KiB", "For example 16KiB.");
            DEFAULT
        })
    }

    fn source(&mut self, index: usize, file: &SourceFile) -> Option<Source> {
        let kind_name = file.kind.name();
        let name = file.name.clone().unwrap_or_else(|| kind_name.to_owned());
        let place =
            if is_name(&name) { format!("source {name}") } else { format!("sources[{index}]") };
        let mut usable = true;
        let mut wrong = |this: &mut Self, problem: &str, hint: &str| {
            this.problem(&place, problem, hint);
            usable = false;
        };
        if !is_name(&name) {
            wrong(
                self,
                "has a name of other than 1 to 64 letters, digits, hyphens and underscores",
                "For example accounts.",
            );
        }
        let is_http = file.kind == KindFile::Http;
        if !is_http && (file.url.is_some() || file.token.is_some()) {
            wrong(self, "has url or token, which are for kind: http", "Remove them.");
        }
        if file.kind == KindFile::Claims && file.timeout.is_some() {
            wrong(self, "has a timeout, though nobody is asked for claims", "Remove it.");
        }
        let url = file.url.as_deref().and_then(UrlTemplate::parse);
        if is_http && url.is_none() {
            wrong(
                self,
                "has no usable url",
                "For example http://accounts:8000/users/{user_id}; {user_id}, {subject} and {tenant_id} may stand behind the host.",
            );
        }
        let timeout =
            file.timeout.as_ref().map_or(Ok(Duration::from_secs(2)), file::Scalar::duration);
        let timeout = timeout.ok().filter(|timeout| !timeout.is_zero() && *timeout <= LONGEST);
        if timeout.is_none() {
            wrong(self, "has a timeout that is no duration up to 10s", "For example 2s.");
        }
        let map: Option<Vec<_>> = file
            .map
            .iter()
            .map(|(name, path)| {
                JsonPath::exact(name).and(JsonPath::exact(path)).map(|path| (name.clone(), path))
            })
            .collect();
        let map = map.filter(|map| !map.is_empty());
        if map.is_none() {
            wrong(
                self,
                "has a map that is empty, or holds something that is no path",
                "For example map: { accounts.cash: \"items.0.id\" }.",
            );
        }
        let kind = match (file.kind, url) {
            (KindFile::Claims, _) => SourceKind::Claims,
            (KindFile::Userinfo, _) => SourceKind::Userinfo,
            (KindFile::Http, url) => {
                SourceKind::Http { url: url?, shows_token: file.token == Some(TokenFile::Session) }
            }
        };
        let (timeout, map) = (timeout?, map?);
        usable.then_some(Source { name, kind, timeout, required: file.required, map })
    }

    /// One name, one value; and none within another, so that a reference means one thing.
    fn check_names(&mut self, read: &ContextSettings) {
        let names: Vec<&str> = read
            .sources
            .iter()
            .flat_map(|source| &source.map)
            .map(|(name, _)| name.as_str())
            .collect();
        for (index, name) in names.iter().enumerate() {
            let clash = |other: &&str| {
                *other == *name
                    || other.strip_prefix(*name).is_some_and(|rest| rest.starts_with('.'))
            };
            let others =
                names.iter().enumerate().filter(|(at, _)| *at != index).map(|(_, other)| *other);
            if others.into_iter().any(|other| clash(&other)) {
                self.problem(
                    &format!("value {name}"),
                    "is told twice, or has another within it",
                    "Give each value a name of its own.",
                );
            }
        }
        for name in &read.browser {
            if !names.contains(&name.as_str()) {
                self.problem(
                    "browser",
                    "names a value that no source tells",
                    "List names that stand in a map.",
                );
            }
        }
    }
}

/// It stands in logs and in the session.
fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
}

#[cfg(test)]
mod tests;
