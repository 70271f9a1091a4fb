//! Owns: the environment as a value, and the problems found in it.

use std::collections::HashMap;
use std::path::Path;

use secrecy::{ExposeSecret as _, SecretString};

use super::asked::Asked;
use super::catalogue::Kind;
use super::expand::{ExpandError, expand};
use super::named::{Named, NamedFiles};
use super::{Problem, Problems, Warning};

/// The environment, and what is wrong with it so far.
///
/// Getters note a problem and answer `None` or the default, so that one run finds all of them;
/// [`Settings::finish`] then refuses the whole.
#[derive(Clone)]
pub struct Settings {
    variables: HashMap<String, String>,
    problems: Vec<Problem>,
    warnings: Vec<Warning>,
    asked: Asked,
    named: Named,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings").field("problems", &self.problems).finish_non_exhaustive()
    }
}

impl Settings {
    /// What this process was started with.
    pub fn from_environment() -> Self {
        let readable = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Self::from_pairs(readable)
    }

    /// Given variables. For tests and for programs that compose others.
    pub fn from_pairs<N: Into<String>, V: Into<String>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let variables = pairs.into_iter().map(|(name, value)| (name.into(), value.into()));
        Self {
            variables: variables.collect(),
            problems: Vec::new(),
            warnings: Vec::new(),
            asked: Asked::default(),
            named: Named::default(),
        }
    }

    /// The same variables, of which nothing was found wrong yet.
    #[must_use]
    pub fn anew(&self) -> Self {
        Self { problems: Vec::new(), warnings: Vec::new(), named: Named::default(), ..self.clone() }
    }

    /// Files that secrets and PEM data were read from since the last time, by this, its clones and what reads
    /// on its behalf.
    #[must_use]
    pub fn take_named(&self) -> NamedFiles {
        self.named.take()
    }

    /// These, whose files count as those of `other`.
    #[must_use]
    pub fn on_behalf_of(self, other: &Self) -> Self {
        Self { named: other.named.clone(), ..self }
    }

    /// These variables where the environment sets none.
    #[must_use]
    pub fn with_defaults<'a>(
        mut self,
        defaults: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        for (name, value) in defaults {
            let variable = self.variables.entry(name.to_owned()).or_default();
            if variable.is_empty() {
                value.clone_into(variable);
            }
        }
        self
    }

    /// The variable, expanded. Unset and empty are the same.
    pub fn text(&mut self, name: &str) -> Option<String> {
        self.asked.note(name, Kind::Text);
        self.value(name)
    }

    fn value(&mut self, name: &str) -> Option<String> {
        let raw = self.variables.get(name).filter(|value| !value.is_empty())?;
        match expand(raw, &|name| self.variables.get(name).cloned()) {
            Ok(value) => Some(value),
            Err(error) => {
                let (problem, hint) = explain(&error);
                self.problem(name, &problem, &hint);
                None
            }
        }
    }

    /// The variable through `parse`, whose error says what is wrong ("is not …").
    pub fn parsed<T>(
        &mut self,
        name: &str,
        hint: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.text(name)?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.problem(name, &problem, hint);
                None
            }
        }
    }

    /// As [`Self::text`], but its absence is a problem.
    pub fn required(&mut self, name: &str, hint: &str) -> Option<String> {
        let known = self.problems.len();
        let value = self.text(name);
        if value.is_none() && self.problems.len() == known {
            self.problem(name, "is required and not set", hint);
        }
        value
    }

    /// The secret `name`, from the variable itself or from the file that `{name}_FILE` names.
    pub fn secret(&mut self, name: &str) -> Option<SecretString> {
        self.asked.note(name, Kind::Secret);
        let file_name = format!("{name}_FILE");
        match (self.value(name), self.value(&file_name)) {
            (Some(_), Some(_)) => {
                self.problem(name, &format!("is set beside {file_name}"), "Set one of the two.");
                None
            }
            (Some(value), None) => Some(value.into()),
            (None, Some(path)) => self.read(&file_name, Path::new(&path)).and_then(|bytes| {
                let Ok(text) = String::from_utf8(bytes) else {
                    self.problem(&file_name, "names a file that is not text", "Store it as UTF-8.");
                    return None;
                };
                // An editor's last line break is not part of the secret.
                let text = text.trim_end_matches(['\r', '\n']);
                if text.is_empty() {
                    let hint = "Store the secret in it, or unset the variable.";
                    self.problem(&file_name, "names a file that is empty", hint);
                    return None;
                }
                Some(text.to_owned().into())
            }),
            (None, None) => None,
        }
    }

    /// As [`Self::secret`], but its absence is a problem.
    pub fn required_secret(&mut self, name: &str, hint: &str) -> Option<SecretString> {
        let known = self.problems.len();
        let value = self.secret(name);
        if value.is_none() && self.problems.len() == known {
            self.problem(name, "is required and not set", hint);
        }
        value
    }

    /// PEM data: the variable holds it, or names a file that does.
    pub fn pem(&mut self, name: &str) -> Option<Vec<u8>> {
        self.asked.note(name, Kind::Pem);
        let value = self.value(name)?;
        if value.starts_with("-----BEGIN") {
            return Some(value.into_bytes());
        }
        self.read(name, Path::new(&value))
    }

    /// A private key in PEM: the variable holds it or names its file, or `{name}_FILE` names it.
    pub fn secret_pem(&mut self, name: &str) -> Option<SecretString> {
        self.asked.note(name, Kind::SecretPem);
        let secret = self.secret(name)?;
        if secret.expose_secret().starts_with("-----BEGIN") {
            return Some(secret);
        }
        let bytes = self.read(name, Path::new(secret.expose_secret()))?;
        if let Ok(text) = String::from_utf8(bytes) {
            Some(text.into())
        } else {
            self.problem(name, "names a file that is not text", "Store it as PEM.");
            None
        }
    }

    fn read(&mut self, name: &str, path: &Path) -> Option<Vec<u8>> {
        let read = std::fs::read(path);
        self.named.note(path, read.as_deref().ok());
        match read {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                let problem = format!("names a file that cannot be read ({})", error.kind());
                self.problem(name, &problem, "Check the path and its permissions.");
                None
            }
        }
    }

    /// Notes a problem.
    pub fn problem(&mut self, path: &str, problem: &str, hint: &str) {
        self.problems.push(Problem {
            path: path.to_owned(),
            problem: problem.to_owned(),
            hint: hint.to_owned(),
        });
    }

    /// Notes a problem found elsewhere.
    pub fn add(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// How many problems were found so far.
    pub(crate) const fn problem_count(&self) -> usize {
        self.problems.len()
    }

    /// Notes something that works and should not stay.
    pub fn warn(&mut self, path: &str, warning: &str, hint: &str) {
        self.warnings.push(Warning {
            path: path.to_owned(),
            warning: warning.to_owned(),
            hint: hint.to_owned(),
        });
    }

    /// The variables that were asked for, of this and of its clones.
    #[cfg(feature = "testing")]
    pub fn asked(&self) -> std::collections::BTreeMap<String, Kind> {
        self.asked.all()
    }

    /// Variables whose names begin with `prefix`, as they stand: not ours, and so not expanded.
    pub fn named(&self, prefix: &str) -> Vec<(String, String)> {
        let ours = |(name, _): &(&String, &String)| name.starts_with(prefix);
        let found = self.variables.iter().filter(ours);
        found.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// All variables as they stand, for expansion inside files.
    pub(super) const fn variables(&self) -> &HashMap<String, String> {
        &self.variables
    }

    /// `value` and the warnings, if nothing was wrong.
    ///
    /// # Errors
    /// All [`Problems`].
    pub fn finish<T>(self, value: Option<T>) -> Result<(T, Vec<Warning>), Problems> {
        match value {
            Some(value) if self.problems.is_empty() => Ok((value, self.warnings)),
            _ => Err(Problems(self.problems)),
        }
    }
}

fn explain(error: &ExpandError) -> (String, String) {
    match error {
        ExpandError::Unclosed => (
            "holds a ${ that is not closed".to_owned(),
            "Write ${VAR} or ${VAR:-default}.".to_owned(),
        ),
        ExpandError::Name => (
            "holds a ${} without a variable name".to_owned(),
            "Write ${VAR} or ${VAR:-default}.".to_owned(),
        ),
        ExpandError::Unset(name) => (
            format!("needs the variable {name}, which is not set"),
            format!("Set {name}, or write ${{{name}:-default}}."),
        ),
    }
}

#[cfg(test)]
mod tests;
