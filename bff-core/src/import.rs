//! Owns: `bff import`: the configuration of an oauth2-proxy, translated, and what became of each of its options.
//!
//! Options are those of its documentation (`docs/docs/configuration/overview.md` and the pages of providers) and of
//! `pkg/apis/options`, as of July 2026 (14af295). A value is never told; it may be a secret whatever its option is called.

mod besides;
pub mod command;
mod files;
mod made;
mod options;
mod redis;
mod report;
mod routes;
mod source;
mod value;

use shell::random::Random;

pub use files::{File, write};
pub use report::Report;
pub use source::NotToml;

use made::Made;
use report::{Told, Verdict};
use source::Given;

/// Where options may stand.
#[derive(Default)]
pub struct Sources<'a> {
    /// The text of `oauth2-proxy.cfg`.
    pub file: Option<&'a str>,
    /// Variables; those that do not begin with `OAUTH2_PROXY_` are passed over.
    pub variables: &'a [(String, String)],
    /// What the program was started with, as `--upstream=http://app/`.
    pub flags: &'a [String],
}

impl std::fmt::Debug for Sources<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sources(..)")
    }
}

/// What was made, and what is to be said of it.
#[derive(Debug)]
pub struct Import {
    /// What to write.
    pub files: Vec<File>,
    /// What to tell.
    pub report: Report,
}

/// Translates what `sources` have. Keys that oauth2-proxy knows nothing of are made of `random`.
///
/// # Errors
/// [`NotToml`], with the line.
pub fn import(sources: &Sources<'_>, random: &dyn Random) -> Result<Import, NotToml> {
    let mut entries = sources.file.map(source::of_file).transpose()?.unwrap_or_default();
    entries.extend(source::of_variables(sources.variables));
    entries.extend(source::of_flags(sources.flags));
    let given = Given { entries };
    let mut made = Made::default();
    let mut report = Report::default();
    for (index, entry) in given.entries.iter().enumerate() {
        let verdict = match (&entry.value, given.before(index)) {
            _ if options::of_name(&entry.name).is_none() => Verdict::Unknown,
            (_, Some(place)) => Verdict::Gone(overridden(place).into()),
            (None, None) => Verdict::Missing(
                "is no text, number, switch or list: nothing was done with it".into(),
            ),
            (Some(value), None) if value.is_blank() => {
                Verdict::Gone("is empty, as if it were not there".into())
            }
            (Some(value), None) => options::judge(&entry.name, value, &given, &mut made),
        };
        report.told.push(Told { place: entry.place, name: entry.name.clone(), verdict });
    }
    routes::make(&given, &mut made);
    besides::add(&given, &mut made, &mut report, random);
    Ok(Import { files: files::of(&made), report })
}

const fn overridden(place: source::Place) -> &'static str {
    match place {
        source::Place::Flag => "a flag says otherwise, and comes first",
        source::Place::Variable => "a variable says otherwise, and comes first",
        source::Place::Line(_) => "another line says otherwise",
    }
}

#[cfg(test)]
mod tests;
