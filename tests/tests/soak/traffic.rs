//! Who is there at once, and what they were answered.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use e2e::stack::Stack;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::user;

const USERS: u8 = 16;

/// The numbers of all users.
pub(crate) fn users() -> impl Iterator<Item = u8> {
    1..=USERS
}

/// Every user, each in a task of its own, until `end`.
pub(crate) fn spawn(stack: &Arc<Stack>, end: Instant) -> JoinSet<Tally> {
    users().map(|number| user::live(Arc::clone(stack), number, end)).collect()
}

/// How often what was answered how, and what should not have been.
#[derive(Default)]
pub(crate) struct Tally {
    answers: BTreeMap<(&'static str, u16), u64>,
    wrong: Vec<String>,
}

impl Tally {
    /// Counts an answer that had to be `expected`; the error is what came in its place.
    pub(crate) fn count(&mut self, what: &'static str, expected: u16, came: Result<u16, String>) {
        match came {
            Ok(status) => {
                *self.answers.entry((what, status)).or_default() += 1;
                if status != expected {
                    self.wrong.push(format!("{what}: {status}"));
                }
            }
            Err(error) => self.wrong.push(format!("{what}: {error}")),
        }
    }

    /// Both together.
    pub(crate) fn with(mut self, other: Self) -> Self {
        for (answer, times) in other.answers {
            *self.answers.entry(answer).or_default() += times;
        }
        self.wrong.extend(other.wrong);
        self
    }

    /// How many answers there were.
    pub(crate) fn requests(&self) -> u64 {
        self.answers.values().sum()
    }

    /// # Panics
    /// When an answer was another than it had to be.
    pub(crate) fn all_as_expected(&self) {
        let some = &self.wrong[..self.wrong.len().min(20)];
        assert!(some.is_empty(), "{} wrong, of them {some:#?}\n{self}", self.wrong.len());
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{} answers", self.requests())?;
        for ((what, status), times) in &self.answers {
            writeln!(formatter, "{times:8} {status} {what}")?;
        }
        Ok(())
    }
}
