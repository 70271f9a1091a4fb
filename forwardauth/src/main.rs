//! The ForwardAuth sidecar.

use std::fmt::Display;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use forwardauth::config::catalogue::ALL;
use forwardauth::config::{self, Config, Embedding};
use forwardauth::doctor::{self, DoctorError, Subject as Patient};
use forwardauth::explain::{self, Subject};
use forwardauth::{look, server};
use http::{Method, Uri};
use secrecy::SecretString;
use shell::check::{FAILED, Findings, MISCONFIGURED, UNREACHABLE, USAGE};
use shell::clock::{Clock as _, SystemClock};
use shell::config::{Problems, Settings, Warning, catalogue};
use shell::telemetry::LogConfig;
use shell::tls;
use tikv_jemallocator::Jemalloc;
use tokio::runtime::Builder;

/// Requests are answered out of order, so memory is freed in another order than it was taken; the
/// system's allocator pays for that on every request (benches/RESULTS.md).
#[global_allocator]
static MEMORY: Jemalloc = Jemalloc;

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
    /// Print every variable that is read, with its default and meaning, as a table in Markdown.
    Settings {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print every problem of the configuration at once, then what works and is unwise. Exit 2 if there is a
    /// problem.
    CheckConfig {
        /// Reach what the settings name as well: Redis, the BFF, issuers' keys. Exit 69 if that fails.
        #[arg(long)]
        online: bool,
        /// Take warnings for problems.
        #[arg(long)]
        deny_warnings: bool,
    },
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
    /// Ask a live Traefik as an attacker would, and say what to repair. Needs no configuration.
    ///
    /// Sends at most 200 requests by methods that change nothing, fewer than 50 a second. Exit 0 if nothing is
    /// bad, 1 if something is, 64 if it cannot be asked like this, 69 if nobody answers.
    Doctor(Box<Doctor>),
}

#[derive(Args)]
struct Doctor {
    /// A page behind `ForwardAuth`, for example <https://app.example.com/app/>.
    #[arg(required_unless_present = "list")]
    url: Option<Uri>,
    /// The path of a service that answers with the headers of its request, such as whoami. May be repeated:
    /// best one behind `ForwardAuth` and one that is not.
    #[arg(long, value_name = "PATH")]
    echo: Vec<String>,
    /// Traefik's API, where the doctor can reach it: what is wrong whatever it opens today.
    #[arg(long, value_name = "URL")]
    admin: Option<Uri>,
    /// A file with the cookie of a test user's session: `name=value`.
    #[arg(long, value_name = "FILE")]
    cookie_file: Option<PathBuf>,
    /// What the test user's browser calls itself; required with a cookie, because sessions are bound to it.
    #[arg(long, value_name = "TEXT")]
    user_agent: Option<String>,
    /// Connect to this address in place of the URL's: one Traefik of several.
    #[arg(long, value_name = "HOST:PORT")]
    connect: Option<String>,
    /// Where plain HTTP is asked, if not at port 80.
    #[arg(long, value_name = "HOST:PORT")]
    plain: Option<String>,
    /// An authority in PEM that is trusted beside the system's.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Report as JSON.
    #[arg(long)]
    json: bool,
    /// Print all checks as Markdown, and ask nobody.
    #[arg(long)]
    list: bool,
}

fn main() -> ExitCode {
    tls::install_ring();
    match Arguments::parse().command {
        None | Some(Command::Run) => run(),
        Some(Command::CheckConfig { online, deny_warnings }) => check_config(online, deny_warnings),
        Some(Command::Settings { json }) => settings(json),
        Some(Command::Healthcheck) => ask_health(),
        Some(Command::Explain { method, url, address }) => {
            explain(&Subject { method, url, address })
        }
        Some(Command::Doctor(arguments)) => examine(*arguments),
    }
}

struct Loaded {
    config: Config,
    log: LogConfig,
    warnings: Vec<Warning>,
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
    for Warning { path, warning, hint } in known(&config, warnings).warnings {
        tracing::warn!(setting = path, hint, "{path} {warning}");
    }
    match server::run(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&error, FAILED),
    }
}

fn check_config(online: bool, deny_warnings: bool) -> ExitCode {
    match load() {
        Ok(Loaded { config, warnings, .. }) => {
            let now = SystemClock.unix_seconds();
            let found = if online { look::look(&config, now) } else { Findings::default() };
            let found = found.and(known(&config, warnings));
            let told =
                found.tell(deny_warnings, &mut io::stdout().lock(), &mut io::stderr().lock());
            ExitCode::from(told.unwrap_or(FAILED))
        }
        Err(problems) => complain(&problems, MISCONFIGURED),
    }
}

/// What is known of settings that can be used.
fn known(config: &Config, warnings: Vec<Warning>) -> Findings {
    let mut known = Findings { warnings, ..Findings::default() };
    if let Some(tls) = &config.tls {
        tls.warn_of_its_end("FORWARDAUTH_TLS_CERT", SystemClock.unix_seconds(), &mut known);
    }
    known
}

fn settings(as_json: bool) -> ExitCode {
    let all = ALL.into_iter().flatten();
    let text =
        if as_json { format!("{:#}\n", catalogue::json(all)) } else { catalogue::markdown(all) };
    tell(&text)
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
        Ok(false) => complain(&"not ready\n", FAILED),
        Err(error) => complain(&format_args!("not reachable: {error}\n"), FAILED),
    }
}

fn explain(subject: &Subject) -> ExitCode {
    let Loaded { config, .. } = match load() {
        Ok(loaded) => loaded,
        Err(problems) => return complain(&problems, MISCONFIGURED),
    };
    match explain::explain(&config, subject) {
        Ok(text) => tell(&text),
        Err(error) => complain(&error, FAILED),
    }
}

fn examine(arguments: Doctor) -> ExitCode {
    let Doctor { url, echo, admin, cookie_file, user_agent, connect, plain, ca, json, list } =
        arguments;
    let Some(url) = url.filter(|_| !list) else { return tell(&doctor::markdown()) };
    let (cookie, ca) = match (read(cookie_file, "--cookie-file"), read(ca, "--ca")) {
        (Ok(cookie), Ok(ca)) => (cookie, ca),
        (Err(problem), _) | (_, Err(problem)) => return complain(&problem, USAGE),
    };
    let cookie = match cookie.map(String::from_utf8).transpose() {
        Ok(cookie) => cookie.map(|text| SecretString::from(text.trim())),
        Err(_) => return complain(&"--cookie-file: is not text", USAGE),
    };
    let patient = Patient { url, connect, plain, echoes: echo, admin, cookie, user_agent, ca };
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&error, 1),
    };
    let report = match runtime.block_on(doctor::examine(patient)) {
        Ok(report) => report,
        Err(error @ DoctorError::Away { .. }) => return complain(&error, UNREACHABLE),
        Err(error) => return complain(&error, USAGE),
    };
    let text =
        if json { report.json().map_err(|error| error.to_string()) } else { Ok(report.text()) };
    match text {
        Ok(text) if tell(&text) == ExitCode::SUCCESS && !report.is_bad() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => complain(&error, 1),
    }
}

fn read(file: Option<PathBuf>, option: &str) -> Result<Option<Vec<u8>>, String> {
    let content = file.map(std::fs::read).transpose();
    content.map_err(|error| format!("{option}: {error}"))
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
