//! Owns: reading the environment and configuration files, and telling all problems at once.
//!
//! Values never appear in a problem: only the path of the setting, what is wrong with it, and what
//! to do. An empty variable counts as unset.

mod asked;
pub mod catalogue;
mod expand;
#[cfg(feature = "testing")]
pub mod held;
mod named;
pub mod parse;
#[cfg(feature = "schema")]
pub mod schemas;
mod settings;
pub mod yaml;

use std::fmt;

pub use named::NamedFiles;
pub use settings::Settings;

/// One thing that is wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The variable, or file and place in it.
    pub path: String,
    /// What is wrong. Never a value.
    pub problem: String,
    /// What to do about it.
    pub hint: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n    hint: {}", self.path, self.problem, self.hint)
    }
}

/// One thing that works, and that somebody who thinks of attackers and of the night shift would change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The variable, or file and place in it.
    pub path: String,
    /// What is unwise about it. Never a value.
    pub warning: String,
    /// What would be better.
    pub hint: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n    hint: {}", self.path, self.warning, self.hint)
    }
}

/// Everything that is wrong with the configuration. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// One problem on its own.
    pub fn one(problem: Problem) -> Self {
        Self(vec![problem])
    }

    /// The problems in the order they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.0 {
            writeln!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
