//! Owns: what a run of the corpus found.

use std::fmt;

use super::{Answer, Case, Expected};

/// The outcome of a run. Shown, it is a line for each failure, so that a test can end with
/// `assert!(report.failures().is_empty(), "{report}")`.
#[derive(Debug, Clone)]
pub struct Report {
    cases: usize,
    failures: Vec<Failure>,
}

/// A case whose answer was another one than it has to be.
#[derive(Debug, Clone)]
pub struct Failure {
    case: Case,
    answer: Answer,
}

impl Report {
    pub(super) fn of(answers: impl IntoIterator<Item = (Case, Answer)>) -> Self {
        let mut report = Self { cases: 0, failures: Vec::new() };
        for (case, answer) in answers {
            report.cases += 1;
            if !case.expected().is_met_by(&answer) {
                report.failures.push(Failure { case, answer });
            }
        }
        report
    }

    /// How many cases were sent.
    pub fn cases(&self) -> usize {
        self.cases
    }

    /// The cases with another answer than they have to get.
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }
}

impl Failure {
    /// The name of the case.
    pub fn name(&self) -> &str {
        self.case.name()
    }

    /// The case.
    pub fn case(&self) -> &Case {
        &self.case
    }

    /// The answer it has to get.
    pub fn expected(&self) -> &Expected {
        self.case.expected()
    }

    /// The answer it got.
    pub fn answer(&self) -> &Answer {
        &self.answer
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} cases failed", self.failures.len(), self.cases)?;
        self.failures.iter().try_for_each(|failure| write!(f, "\n{failure}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, got {}", self.name(), self.expected(), self.answer)
    }
}
