//! Owns: what became of each option, as it is told. Names of options and of ours, never a value.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use super::source::Place;

/// What became of an option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is in one of the files; where.
    Translated(Cow<'static, str>),
    /// Nothing has to stand for it; why.
    Gone(Cow<'static, str>),
    /// Nothing can stand for it; what to do.
    Missing(Cow<'static, str>),
    /// No option that is known.
    Unknown,
}

/// A line of the report.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) place: Place,
    pub(super) name: String,
    pub(super) verdict: Verdict,
}

/// What became of a configuration.
#[derive(Debug, Default)]
pub struct Report {
    pub(super) told: Vec<Told>,
    /// Settings that no option stands for: which, and why.
    pub(super) added: Vec<(&'static str, &'static str)>,
    /// Settings without which nothing starts, and where to take them from.
    pub(super) wanted: Vec<(&'static str, &'static str)>,
    /// What is otherwise than before, without any option for it.
    pub(super) otherwise: Vec<&'static str>,
}

impl Report {
    /// Whether nothing is left to do: all that was set is translated, or no longer needed.
    pub fn is_whole(&self) -> bool {
        let left = |told: &Told| matches!(told.verdict, Verdict::Missing(_) | Verdict::Unknown);
        self.wanted.is_empty() && !self.told.iter().any(left)
    }

    fn count(&self, is: impl Fn(&Verdict) -> bool) -> usize {
        self.told.iter().filter(|told| is(&told.verdict)).count()
    }
}

/// Longest name that is printed.
const NAME_MAX: usize = 64;

/// A name that nobody has checked, as far as it is one: what stands behind an odd character may be a value that was
/// written in the wrong place.
fn printable(name: &str) -> String {
    let is_plain =
        |character: &char| character.is_ascii_alphanumeric() || matches!(character, '_' | '.');
    let plain: String = name.chars().take_while(is_plain).take(NAME_MAX).collect();
    if plain.len() == name.len() && !plain.is_empty() { plain } else { plain + "?" }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for told in &self.told {
            let place = match told.place {
                Place::Line(line) => format!("line {line}"),
                Place::Variable => "variable".to_owned(),
                Place::Flag => "flag".to_owned(),
            };
            let (word, text) = match &told.verdict {
                Verdict::Translated(text) => ("translated", text.as_ref()),
                Verdict::Gone(text) => ("no longer needed", text.as_ref()),
                Verdict::Missing(text) => ("no equivalent", text.as_ref()),
                Verdict::Unknown => {
                    ("unknown", "no option that is known: look it up, nothing was done with it")
                }
            };
            let name = printable(&told.name);
            writeln!(f, "{place:<9} {name:<36} {word:<17} {text}")?;
        }
        section(f, "set besides", &self.added)?;
        section(f, "left to set", &self.wanted)?;
        if !self.otherwise.is_empty() {
            writeln!(f, "\notherwise than before")?;
            self.otherwise.iter().try_for_each(|line| writeln!(f, "  {line}"))?;
        }
        let translated = self.count(|verdict| matches!(verdict, Verdict::Translated(_)));
        let gone = self.count(|verdict| matches!(verdict, Verdict::Gone(_)));
        let missing = self.count(|verdict| matches!(verdict, Verdict::Missing(_)));
        let unknown = self.count(|verdict| matches!(verdict, Verdict::Unknown));
        f.write_char('\n')?;
        writeln!(
            f,
            "{translated} translated, {gone} no longer needed, {missing} without equivalent, {unknown} unknown"
        )
    }
}

fn section(f: &mut fmt::Formatter<'_>, title: &str, lines: &[(&str, &str)]) -> fmt::Result {
    if !lines.is_empty() {
        writeln!(f, "\n{title}")?;
    }
    lines.iter().try_for_each(|(name, why)| writeln!(f, "  {name:<20} {why}"))
}
