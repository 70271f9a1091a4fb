//! Owns: holding a list of settings against what a program reads, and docs/CONFIGURATION.md against the list. For
//! the tests of the programs.

#![expect(clippy::panic, reason = "it says in tests what is wrong")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::path::Path;

use super::catalogue::{Kind, Setting, Unset};
use super::{Problems, Settings, catalogue};

/// Values of which one at least says something else than the default of any setting.
const OTHERS: [&str; 24] = [
    "true",
    "false",
    "127.0.0.1:7",
    "60",
    "1000",
    "access",
    "none",
    "endpoint",
    "exchange",
    "7",
    "off",
    "text",
    "warn",
    "/other",
    "http",
    "required",
    "tracking",
    "deny",
    "reauth",
    "Strict",
    "downscope",
    "openid other",
    "always_off",
    "0.5",
];

/// What a program makes of variables.
pub struct Program<'a, T> {
    /// Variables with which it starts.
    pub good: &'a [(&'a str, &'a str)],
    /// Variables on top of these with which it reads more.
    pub more: &'a [&'a [(&'a str, &'a str)]],
    /// Its settings.
    pub catalogue: &'a [&'a [Setting]],
    /// Those that it looks for only to warn of them or to refuse them.
    pub unwanted: &'a [&'a str],
    /// Reads them.
    pub read: fn(&mut Settings) -> Option<T>,
}

impl<T> Debug for Program<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program").finish_non_exhaustive()
    }
}

impl<T: Debug> Program<'_, T> {
    fn settings(&self) -> impl Iterator<Item = &Setting> {
        self.catalogue.iter().copied().flatten()
    }

    fn shown(&self, changes: &[(&str, &str)]) -> Result<String, Problems> {
        let mut settings = Settings::from_pairs(self.good.iter().chain(changes).copied());
        let read = (self.read)(&mut settings);
        settings.finish(read).map(|(read, _)| format!("{read:?}"))
    }

    /// That the list has what the program reads, as it reads it, and nothing else.
    ///
    /// # Panics
    /// Where it has not.
    pub fn reads_what_is_listed(&self) {
        let mut read: BTreeMap<String, Kind> = BTreeMap::new();
        for more in [[].as_slice()].iter().chain(self.more) {
            let mut settings = Settings::from_pairs(self.good.iter().chain(*more).copied());
            drop((self.read)(&mut settings));
            for (name, kind) in settings.asked() {
                let known = read.entry(name).or_insert(kind);
                *known = kind.max(*known);
            }
        }
        let secrets = read.iter().filter(|(_, kind)| **kind >= Kind::Secret);
        let twins: BTreeSet<_> = secrets.map(|(name, _)| format!("{name}_FILE")).collect();
        read.retain(|name, _| !twins.contains(name) && !self.unwanted.contains(&name.as_str()));
        let listed = self.settings().map(|setting| (setting.name.to_owned(), setting.kind));
        assert_eq!(read, listed.collect(), "left is what is read, right what is listed");
        let names: BTreeSet<_> = self.settings().map(|setting| setting.name).collect();
        assert_eq!(names.len(), self.settings().count(), "a setting is listed twice");
    }

    fn objection(&self, setting: &Setting, plain: &str) -> Option<String> {
        let name = setting.name;
        match setting.unset {
            Unset::Is(value) => match self.shown(&[(name, value)]) {
                Ok(told) if told == plain => (!self.differs(name))
                    .then(|| format!("{name}: no other value makes a difference")),
                Ok(told) => Some(format!("{name}: {value} is not the default: {told}\n{plain}")),
                Err(problems) => Some(format!("{name}: {value} is refused: {problems}")),
            },
            Unset::Refused => match self.shown(&[(name, "")]) {
                Err(problems) if problems.iter().any(|problem| problem.path == name) => None,
                Ok(_) | Err(_) => Some(format!("{name} is not required")),
            },
            Unset::Means(_) => None,
        }
    }

    /// Whether another value of `name` is told apart, alone or beside what else is set: by what is read, or by what
    /// then is wrong elsewhere.
    fn differs(&self, name: &str) -> bool {
        [[].as_slice()].iter().chain(self.more).any(|more| {
            let Ok(without) = self.shown(more) else { return false };
            // What looks another way each time would tell nothing.
            self.shown(more).is_ok_and(|again| again == without)
                && OTHERS.iter().any(|other| {
                    let changes: Vec<_> = more.iter().copied().chain([(name, *other)]).collect();
                    match self.shown(&changes) {
                        Ok(with) => with != without,
                        Err(problems) => problems.iter().all(|problem| problem.path != name),
                    }
                })
        })
    }

    /// That each default is the one in force: with it, all is as without the variable, and with something else it is
    /// not. That what is required is missed.
    ///
    /// # Panics
    /// Where that is not so.
    pub fn has_the_defaults_that_are_listed(&self) {
        let plain = self.shown(&[]).unwrap_or_else(|problems| panic!("{problems}"));
        let wrong: Vec<_> =
            self.settings().filter_map(|setting| self.objection(setting, &plain)).collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

/// That docs/CONFIGURATION.md at `path` has this table between its marks of `name`. With `UPDATE_DOCS=1` it is put
/// there.
///
/// # Panics
/// Where it has not, or not the marks.
pub fn documented<'a>(path: &Path, name: &str, settings: impl IntoIterator<Item = &'a Setting>) {
    let (open, close) = (format!("<!-- settings: {name} -->\n"), "<!-- end of settings -->\n");
    let text =
        std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let marked = text.split_once(&open).and_then(|(before, rest)| {
        let (table, after) = rest.split_once(close)?;
        Some((before, table, after))
    });
    let Some((before, table, after)) = marked else {
        panic!("{} has no marks of {name}", path.display())
    };
    let wanted = format!("\n{}\n", catalogue::markdown(settings));
    if table == wanted {
        return;
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let text = [before, &open, &wanted, close, after].concat();
        std::fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    } else {
        assert_eq!(table, wanted, "UPDATE_DOCS=1 puts the right side into {}", path.display());
    }
}
