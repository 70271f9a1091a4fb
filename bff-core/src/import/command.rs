//! Owns: `bff import`: reads what it was given, writes the files, tells the report.

use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use shell::config::Settings;
use shell::random::SystemRandom;
use zeroize::Zeroizing;

use super::{Sources, import, write};

/// What is to be translated.
#[derive(Debug)]
pub struct Asked<'a> {
    /// `oauth2-proxy.cfg`.
    pub file: Option<&'a Path>,
    /// Whether the `OAUTH2_PROXY_*` of our environment count.
    pub environment: bool,
    /// What oauth2-proxy is started with.
    pub flags: &'a [String],
    /// Where to write; nowhere without it.
    pub into: Option<&'a Path>,
}

/// Does it. Whether nothing is left to do.
///
/// # Errors
/// If the file cannot be read, or one of ours cannot be written.
pub fn run(asked: &Asked<'_>) -> anyhow::Result<bool> {
    let named = |path: &Path| path.display().to_string();
    let text = asked.file.map(|path| std::fs::read_to_string(path).with_context(|| named(path)));
    let text = text.transpose()?.map(Zeroizing::new);
    let settings = Settings::from_environment();
    let variables = if asked.environment { settings.named("OAUTH2_PROXY_") } else { Vec::new() };
    let sources = Sources {
        file: text.as_ref().map(|text| text.as_str()),
        variables: &variables,
        flags: asked.flags,
    };
    let file = asked.file.map(named).unwrap_or_default();
    let made = import(&sources, &SystemRandom).context(file)?;
    if let Some(directory) = asked.into {
        write(&made.files, directory)?;
    }
    let mut out = std::io::stdout().lock();
    write!(out, "{}", made.report)?;
    match asked.into {
        Some(directory) => {
            for file in &made.files {
                writeln!(out, "written: {}", directory.join(file.name).display())?;
            }
        }
        None => writeln!(out, "nothing was written; --into DIR writes the files")?,
    }
    Ok(made.report.is_whole())
}
