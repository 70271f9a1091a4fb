//! Owns: what `check-config` tells, in which order, and the exit statuses of both programs
//! (docs/CONFIGURATION.md, "Exit statuses").

use std::io::{self, Write};

use crate::config::{Problem, Warning};

/// Exit status of a program that could not do what it was told, for any reason without a status of its own.
pub const FAILED: u8 = 1;

/// Exit status of settings that cannot be used, and of a command line that cannot be read (clap's own).
pub const MISCONFIGURED: u8 = 2;

/// Exit status of a command line that can be read and makes no sense (`EX_USAGE` of sysexits).
pub const USAGE: u8 = 64;

/// Exit status of an import that leaves something to do (`EX_DATAERR`).
pub const LEFT: u8 = 65;

/// Exit status where what we were to look at is not there, or not as it should be (`EX_UNAVAILABLE`): of
/// `check-config --online` with good settings, and of `doctor`.
pub const UNREACHABLE: u8 = 69;

/// What is known of settings that can be used as far as they themselves say.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// What was reached, a line each. Holds no secret.
    pub reached: Vec<String>,
    /// What could not be reached, or is not as it should be.
    pub problems: Vec<Problem>,
    /// What works and should not stay.
    pub warnings: Vec<Warning>,
}

impl Findings {
    /// Notes that `what` is there.
    pub fn reached(&mut self, what: impl Into<String>) {
        self.reached.push(what.into());
    }

    /// Notes a problem.
    pub fn problem(&mut self, path: &str, problem: &str, hint: &str) {
        self.problems.push(Problem {
            path: path.to_owned(),
            problem: problem.to_owned(),
            hint: hint.to_owned(),
        });
    }

    /// Notes something that works and should not stay.
    pub fn warn(&mut self, path: &str, warning: &str, hint: &str) {
        self.warnings.push(Warning {
            path: path.to_owned(),
            warning: warning.to_owned(),
            hint: hint.to_owned(),
        });
    }

    /// These, and then `others`.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.reached.extend(others.reached);
        self.problems.extend(others.problems);
        self.warnings.extend(others.warnings);
        self
    }

    /// Tells everything: problems and then warnings on `err`, what is good on `out`. The exit status.
    ///
    /// # Errors
    /// If one of the two cannot be written.
    pub fn tell(
        &self,
        deny_warnings: bool,
        out: &mut impl Write,
        err: &mut impl Write,
    ) -> io::Result<u8> {
        for reached in &self.reached {
            writeln!(out, "reached {reached}")?;
        }
        for problem in &self.problems {
            writeln!(err, "{problem}")?;
        }
        for warning in &self.warnings {
            writeln!(err, "warning: {warning}")?;
        }
        if !self.problems.is_empty() {
            return Ok(UNREACHABLE);
        }
        if deny_warnings && !self.warnings.is_empty() {
            writeln!(err, "refused: there are warnings")?;
            return Ok(MISCONFIGURED);
        }
        writeln!(out, "configuration is usable")?;
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(findings: &Findings, deny: bool) -> (u8, String, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let status = findings.tell(deny, &mut out, &mut err).unwrap();
        (status, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }

    #[test]
    fn warnings_are_told_and_refused_only_where_that_is_asked_for() {
        let mut findings = Findings::default();
        assert_eq!(told(&findings, true), (0, "configuration is usable\n".into(), String::new()));
        findings.warn("A", "is odd", "Change it.");
        let warned = "warning: A: is odd\n    hint: Change it.\n";
        assert_eq!(told(&findings, false), (0, "configuration is usable\n".into(), warned.into()));
        let refused = format!("{warned}refused: there are warnings\n");
        assert_eq!(told(&findings, true), (MISCONFIGURED, String::new(), refused));
    }

    #[test]
    fn what_is_not_there_has_a_status_of_its_own_and_stands_first() {
        let mut first = Findings::default();
        first.warn("A", "is odd", "Change it.");
        let mut second = Findings::default();
        second.reached("redis");
        second.problem("B", "is away", "Start it.");
        let expected =
            "B: is away\n    hint: Start it.\nwarning: A: is odd\n    hint: Change it.\n";
        let told = told(&first.and(second), true);
        assert_eq!(told, (UNREACHABLE, "reached redis\n".into(), expected.into()));
    }
}
