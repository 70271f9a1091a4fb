//! Owns: the command line.

use std::path::PathBuf;

use bff_core::audit::Anchor;
use clap::{Parser, Subcommand};

/// Thin Backend-for-Frontend: logs users in, keeps their tokens, calls services for them.
/// Configured by environment variables and YAML files; see docs/ARCHITECTURE.md.
#[derive(Parser)]
#[command(name = "bff", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serve (the default).
    Run,
    /// Print every variable that is read, with its default and meaning, as a table in Markdown.
    Settings {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print every problem of the configuration at once, then what works and is unwise. Exit 2 if there is a
    /// problem.
    CheckConfig {
        /// Reach what the settings name as well: Redis, identity providers, services. Exit 69 if that fails.
        #[arg(long)]
        online: bool,
        /// Take warnings for problems.
        #[arg(long)]
        deny_warnings: bool,
    },
    /// Say which route a request would take, and what it would meet there.
    Explain {
        /// GET, POST, …
        method: http::Method,
        /// The path, or a whole URL.
        url: String,
    },
    /// Tell what an identity provider supports, and which settings follow. Needs no configuration.
    ProbeIdp {
        /// Its issuer, for example <https://idp.example.com>.
        issuer: String,
        /// An authority in PEM that is trusted beside the system's.
        #[arg(long)]
        ca: Option<PathBuf>,
    },
    /// Translate the configuration of an oauth2-proxy, and tell of each of its options what became of it. Exit 65 if
    /// something is left to do.
    Import {
        /// `oauth2-proxy.cfg`.
        #[arg(required_unless_present_any = ["environment", "flags"])]
        file: Option<PathBuf>,
        /// Read the `OAUTH2_PROXY_*` variables of this environment as well; they come before the file.
        #[arg(long)]
        environment: bool,
        /// Write `bff.env`, `forwardauth.env` and YAML files into this directory. None takes the place of another.
        #[arg(long, value_name = "DIR")]
        into: Option<PathBuf>,
        /// What oauth2-proxy is started with; it comes before all else.
        #[arg(last = true, value_name = "FLAGS")]
        flags: Vec<String>,
    },
    /// The audit log.
    #[command(subcommand)]
    Audit(Audit),
    /// Ask a running instance whether it is ready. For containers without curl.
    Healthcheck,
}

#[derive(Subcommand)]
pub(crate) enum Audit {
    /// Check chained audit logs, or whole logs with such records in them. Exit code 1 if something is wrong.
    ///
    /// Finds records that were changed, removed, added or put in another order. That the end of a chain was cut
    /// off can be told by --expect alone.
    Verify {
        /// Files, in the order in which they were written.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// A file with the key (`BFF_AUDIT_CHAIN_KEY`) that the chains were made with. May be repeated.
        #[arg(long)]
        key_file: Vec<PathBuf>,
        /// A record that must be there, as `last:` told it before. May be repeated.
        #[arg(long, value_name = "SEQ:HASH")]
        expect: Vec<Anchor>,
    },
}
