//! The ForwardAuth sidecar.

use std::fmt::Display;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use forwardauth::config::{self, Config, Embedding};
use forwardauth::explain::{self, Subject};
use forwardauth::server;
use http::{Method, Uri};
use shell::config::{Problems, Settings};
use shell::telemetry::LogConfig;
use shell::tls;
use tikv_jemallocator::Jemalloc;

/// Requests are answered out of order, so memory is freed in another order than it was taken; the
/// system's allocator pays for that on every request (benches/RESULTS.md).
#[global_allocator]
static MEMORY: Jemalloc = Jemalloc;

/// Exit status of a configuration that cannot be used.
const MISCONFIGURED: u8 = 2;

/// Answers a reverse proxy's question whether a request has a valid session.
///
/// Configured by environment variables; see the documentation for the list.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve (the default).
    Run,
    /// Print every problem of the configuration; exit 2 if there is one.
    CheckConfig,
    /// Exit 0 if the running program is ready, 1 if not.
    Healthcheck,
    /// Say which checks a request would meet, and why.
    Explain {
        /// Method of the original request.
        method: Method,
        /// URL of the original request.
        url: Uri,
        /// Path and query of the middleware's address.
        #[arg(long, default_value = "/auth/forward")]
        address: Uri,
    },
}

fn main() -> ExitCode {
    tls::install_ring();
    match Arguments::parse().command {
        None | Some(Command::Run) => run(),
        Some(Command::CheckConfig) => check_config(),
        Some(Command::Healthcheck) => ask_health(),
        Some(Command::Explain { method, url, address }) => {
            explain(&Subject { method, url, address })
        }
    }
}

struct Loaded {
    config: Config,
    log: LogConfig,
    warnings: Vec<String>,
}

fn load() -> Result<Loaded, Problems> {
    let mut settings = Settings::from_environment();
    let log = LogConfig::from_settings(&mut settings);
    let config = Config::from_settings(&mut settings, Embedding::Standalone);
    let (config, warnings) = settings.finish(config)?;
    Ok(Loaded { config, log, warnings })
}

fn run() -> ExitCode {
    let Loaded { config, log, warnings } = match load() {
        Ok(loaded) => loaded,
        Err(problems) => return complain(&problems, MISCONFIGURED),
    };
    log.start();
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    match server::run(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&error, 1),
    }
}

fn check_config() -> ExitCode {
    match load() {
        Ok(Loaded { warnings, .. }) => {
            let mut out = String::new();
            for warning in warnings {
                out.push_str("warning: ");
                out.push_str(&warning);
                out.push('\n');
            }
            out.push_str("configuration is valid\n");
            tell(&out)
        }
        Err(problems) => complain(&problems, MISCONFIGURED),
    }
}

fn ask_health() -> ExitCode {
    let mut settings = Settings::from_environment();
    let admin = config::admin_listen(&mut settings);
    let admin = match settings.finish(Some(admin)) {
        Ok((admin, _)) => admin,
        Err(problems) => return complain(&problems, MISCONFIGURED),
    };
    match shell::healthcheck::is_ready(admin) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => complain(&"not ready\n", 1),
        Err(error) => complain(&format_args!("not reachable: {error}\n"), 1),
    }
}

fn explain(subject: &Subject) -> ExitCode {
    let Loaded { config, .. } = match load() {
        Ok(loaded) => loaded,
        Err(problems) => return complain(&problems, MISCONFIGURED),
    };
    match explain::explain(&config, subject) {
        Ok(text) => tell(&text),
        Err(error) => complain(&error, 1),
    }
}

fn tell(text: &str) -> ExitCode {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// What is wrong, on standard error. Where that is closed, the status says it alone.
fn complain(problem: &dyn Display, status: u8) -> ExitCode {
    let text = problem.to_string();
    drop(writeln!(io::stderr().lock(), "{}", text.trim_end()));
    ExitCode::from(status)
}
