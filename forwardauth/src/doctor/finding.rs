//! Owns: what a check is, and what it found.

/// A question that the doctor asks, and what follows from a bad answer.
#[derive(Debug)]
pub(super) struct Check {
    /// A stable name, for scripts that read the report.
    pub(super) id: &'static str,
    /// What is asked.
    pub(super) asks: &'static str,
    /// What a bad answer means, in one sentence.
    pub(super) why: &'static str,
    /// What to write into Traefik's configuration.
    pub(super) fix: &'static str,
}

/// Longest text of a finding, in characters.
const LENGTH_MAX: usize = 1000;

/// How it stands. The order is that of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// Must be repaired.
    Bad,
    /// Is worth a look.
    Warn,
    /// Could not be told.
    Unknown,
    /// As it should be.
    Good,
}

impl Verdict {
    /// As it is called in the report.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Bad => "bad",
            Self::Warn => "warn",
            Self::Unknown => "unknown",
            Self::Good => "ok",
        }
    }
}

/// What came of a check.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) verdict: Verdict,
    /// What was seen; nothing of it is secret.
    pub(super) what: String,
}

impl Seen {
    /// Some of `what` is the site's to choose: it writes no control characters to a terminal, and no novels.
    fn new(verdict: Verdict, what: &str) -> Self {
        let what = what.chars().take(LENGTH_MAX);
        let what = what.map(|letter| if letter.is_control() { ' ' } else { letter });
        Self { verdict, what: what.collect() }
    }

    pub(super) fn bad(what: impl Into<String>) -> Self {
        Self::new(Verdict::Bad, &what.into())
    }

    pub(super) fn warn(what: impl Into<String>) -> Self {
        Self::new(Verdict::Warn, &what.into())
    }

    pub(super) fn unknown(what: impl Into<String>) -> Self {
        Self::new(Verdict::Unknown, &what.into())
    }

    pub(super) fn good(what: impl Into<String>) -> Self {
        Self::new(Verdict::Good, &what.into())
    }

    /// Bad with all that was found, good with `otherwise` if nothing was.
    pub(super) fn bad_if_any(found: &[String], otherwise: &str) -> Self {
        if found.is_empty() { Self::good(otherwise) } else { Self::bad(some_of(found)) }
    }

    /// The same as a warning.
    pub(super) fn warn_if_any(found: &[String], otherwise: &str) -> Self {
        if found.is_empty() { Self::good(otherwise) } else { Self::warn(some_of(found)) }
    }
}

/// A check with its result.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) check: &'static Check,
    pub(super) seen: Seen,
}

/// The first of many, and how many there are besides.
fn some_of(found: &[String]) -> String {
    const SHOWN: usize = 8;
    let shown: Vec<&str> = found.iter().take(SHOWN).map(String::as_str).collect();
    match found.len().saturating_sub(SHOWN) {
        0 => shown.join("; "),
        more => format!("{}; and {more} more", shown.join("; ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_writes_nothing_to_the_terminal() {
        let seen = Seen::bad(format!("\u{1b}[2J{}", "é".repeat(2000)));
        assert!(!seen.what.contains('\u{1b}'));
        assert_eq!(seen.what.chars().count(), LENGTH_MAX);
        let many: Vec<String> = (0..10).map(|number| number.to_string()).collect();
        assert!(Seen::warn_if_any(&many, "none").what.ends_with("; 7; and 2 more"));
    }
}
