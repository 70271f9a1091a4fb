//! Owns: what every subcommand is given: the machine, a scratch directory, the options, the report.

use anyhow::Context as _;
use clap::Args;

use crate::machine::Layout;
use crate::place::{self, Scratch};
use crate::programs::{self, Launch, Redis, Service};
use crate::report::Report;

/// Options of all subcommands.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Less than a minute: fewer and shorter rounds.
    #[arg(long, global = true)]
    pub quick: bool,
    /// End with one line of JSON.
    #[arg(long, global = true)]
    pub json: bool,
    /// Tables as Markdown.
    #[arg(long, global = true)]
    pub markdown: bool,
    /// Alternated rounds; the median counts [default: 7, with --quick 3].
    #[arg(long, global = true)]
    pub rounds: Option<usize>,
}

impl Options {
    /// How many rounds to run.
    pub fn rounds(&self) -> usize {
        self.rounds.unwrap_or(if self.quick { 3 } else { 7 }).max(1)
    }
}

/// One run of one subcommand.
#[derive(Debug)]
pub struct Bench {
    /// What was asked for.
    pub options: Options,
    /// Who runs where.
    pub layout: Layout,
    /// Logs and files of this run.
    pub scratch: Scratch,
    /// What was found.
    pub report: Report,
}

impl Bench {
    /// Looks at the machine and makes the scratch directory.
    ///
    /// # Errors
    /// If the machine refuses.
    pub fn new(options: Options) -> anyhow::Result<Self> {
        let layout = Layout::take()?;
        let mut report = Report::default();
        report.note(layout.describe());
        Ok(Self { options, layout, scratch: Scratch::new()?, report })
    }

    /// How the program under test is started.
    pub fn launch(&self) -> Launch {
        Launch {
            scratch: self.scratch.path().to_owned(),
            cpu: self.layout.service,
            wrapper: Vec::new(),
        }
    }

    /// A Redis beside the load.
    ///
    /// # Errors
    /// If it does not start.
    pub fn redis(&self) -> anyhow::Result<Redis> {
        Redis::start(self.scratch.path())
    }

    /// Why `forwardauth` does not start with `setting`, if it does not: a setting that is not built is
    /// refused by `check-config`.
    ///
    /// # Errors
    /// If it cannot be asked.
    pub fn refusal(&self, setting: (&str, &str)) -> anyhow::Result<Option<String>> {
        let (name, value) = setting;
        let mut command = self.launch().command(&programs::forwardauth()?, &["check-config"]);
        let address = place::free_address()?;
        programs::environment(&mut command, address, address)?;
        let output = command.env(name, value).output().context("cannot run forwardauth")?;
        if output.status.success() {
            return Ok(None);
        }
        let text = String::from_utf8_lossy(&output.stderr);
        let line = text.lines().find(|line| line.contains(name)).unwrap_or("check-config fails");
        Ok(Some(line.trim().to_owned()))
    }

    /// `forwardauth` as it is built, with `settings`.
    ///
    /// # Errors
    /// If it does not start.
    pub fn forwardauth(&self, redis: &Redis, settings: &[(&str, &str)]) -> anyhow::Result<Service> {
        Service::forwardauth(&self.launch(), &programs::forwardauth()?, redis.address, settings)
    }
}

/// Tells whoever waits what goes on. Where nobody listens, nothing is lost.
pub fn progress(text: &str) {
    use std::io::Write as _;
    drop(writeln!(std::io::stderr().lock(), "  .. {text}"));
}

/// The setting that lets verify answer from memory.
pub const TRACKING: (&str, &str) = ("FORWARDAUTH_CACHE", "tracking");
