//! The `bff` program: reads its configuration, serves, drains.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use bff_core::app::App;
use bff_core::audit::{self, Anchor, AuditLog};
use bff_core::config::Config;
use bff_core::config::catalogue::ALL;
use bff_core::import::command::{self as import, Asked};
use bff_core::{
    active_sessions, durable, explain, look, metrics, probe, reload as files, server, startup,
};
use clap::{Parser, Subcommand};
use shell::admin::Admin;
use shell::check::{FAILED, Findings, LEFT, MISCONFIGURED};
use shell::clock::{Clock as _, SystemClock};
use shell::config::{Problems, Settings, Warning, catalogue};
use shell::listen;
use shell::random::SystemRandom;
use shell::reload::{self, Watch};
use shell::shutdown::{DRAIN, Shutdown};
use shell::telemetry::Metrics;
use shell::tls;
use shell::traces::Exporter;
use tikv_jemallocator::Jemalloc;
use tokio::runtime::{Builder, Runtime};

/// Requests are answered out of order, so memory is freed in another order than it was taken; the
/// system's allocator pays for that on every request (benches/RESULTS.md).
#[global_allocator]
static MEMORY: Jemalloc = Jemalloc;

/// Thin Backend-for-Frontend: logs users in, keeps their tokens, calls services for them.
/// Configured by environment variables and YAML files; see docs/ARCHITECTURE.md.
#[derive(Parser)]
#[command(name = "bff", version)]
struct Cli {
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
enum Audit {
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

fn main() -> ExitCode {
    tls::install_ring();
    match Cli::parse().command.unwrap_or(Command::Run) {
        Command::Run => match read_config() {
            Ok((config, warnings)) => run(config, warnings),
            Err(problems) => refuse(&problems),
        },
        Command::CheckConfig { online, deny_warnings } => match read_config() {
            Ok((config, warnings)) => {
                let known = known(&config, warnings);
                let found = if online { look_around(&config) } else { Findings::default() };
                approve(&found.and(known), deny_warnings)
            }
            Err(problems) => refuse(&problems),
        },
        Command::Settings { json } => settings(json),
        Command::Explain { method, url } => match read_config() {
            Ok((config, _)) => tell(&config, &method, &url),
            Err(problems) => refuse(&problems),
        },
        Command::ProbeIdp { issuer, ca } => probe_idp(&issuer, ca.as_deref()),
        Command::Import { file, environment, into, flags } => {
            let (file, into) = (file.as_deref(), into.as_deref());
            translate(&Asked { file, environment, flags: &flags, into })
        }
        Command::Audit(Audit::Verify { files, key_file, expect }) => {
            verify_audit(&files, &key_file, expect)
        }
        Command::Healthcheck => healthcheck(),
    }
}

fn settings(as_json: bool) -> ExitCode {
    let all = ALL.into_iter().flatten();
    let text =
        if as_json { format!("{:#}\n", catalogue::json(all)) } else { catalogue::markdown(all) };
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn probe_idp(issuer: &str, ca: Option<&Path>) -> ExitCode {
    let told = || {
        let ca = ca.map(std::fs::read).transpose().context("--ca")?;
        let runtime = runtime().context("cannot start the runtime")?;
        Ok::<_, anyhow::Error>(runtime.block_on(probe::probe(issuer, ca.as_deref()))?)
    };
    let said = match told() {
        Ok(text) => std::io::stdout().lock().write_all(text.as_bytes()),
        Err(error) => {
            drop(writeln!(std::io::stderr().lock(), "{error:#}"));
            return ExitCode::FAILURE;
        }
    };
    if said.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn translate(asked: &Asked<'_>) -> ExitCode {
    match import::run(asked) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(LEFT),
        Err(error) => {
            drop(writeln!(std::io::stderr().lock(), "{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn verify_audit(files: &[PathBuf], key_files: &[PathBuf], expect: Vec<Anchor>) -> ExitCode {
    let verdict = match audit::verify(files, key_files, expect) {
        Ok(verdict) => verdict,
        Err(error) => {
            drop(writeln!(std::io::stderr().lock(), "{error:#}"));
            return ExitCode::FAILURE;
        }
    };
    let said = write!(std::io::stdout().lock(), "{verdict}");
    if said.is_ok() && verdict.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn read_config() -> Result<(Config, Vec<Warning>), Problems> {
    let mut settings = Settings::from_environment();
    let config = Config::read(&mut settings, false);
    settings.finish(config)
}

fn run(config: Config, warnings: Vec<Warning>) -> ExitCode {
    let audit = match start_logs(&config) {
        Ok(audit) => audit,
        Err(error) => {
            drop(writeln!(std::io::stderr().lock(), "BFF_AUDIT_FILE: {error}"));
            return ExitCode::FAILURE;
        }
    };
    for Warning { path, warning, hint } in known(&config, warnings).warnings {
        tracing::warn!(setting = path, hint, "{path} {warning}");
    }
    let code = match serve(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "cannot serve");
            ExitCode::FAILURE
        }
    };
    if audit.is_some_and(|audit| !audit.end()) {
        tracing::error!("the audit log was not written to its end");
    }
    code
}

/// With a chain, audit events go to it and nowhere else.
fn start_logs(config: &Config) -> std::io::Result<Option<AuditLog>> {
    let Some(chained) = &config.audit else {
        config.log.start();
        return Ok(None);
    };
    let audit = AuditLog::start(chained, &SystemRandom)?;
    config.log.start_beside(audit.tap());
    Ok(Some(audit))
}

/// With one CPU to run on, which a container's quota may say as well, nobody is there to share work with.
fn runtime() -> std::io::Result<Runtime> {
    let is_alone = std::thread::available_parallelism().is_ok_and(|cpus| cpus.get() == 1);
    let mut builder =
        if is_alone { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    builder.enable_all().build()
}

/// Serves, and tells afterwards what was not told yet.
fn serve(config: Config) -> anyhow::Result<()> {
    let metrics = Metrics::install(&[metrics::METRICS]).context("cannot count")?;
    metrics::program_started();
    let random = Arc::new(SystemRandom);
    let traces = config.traces.as_ref().map(|settings| Exporter::start(settings, random));
    let traces = traces.transpose().context("cannot export traces")?;
    let runtime = runtime().context("cannot start the runtime")?;
    let served = runtime.block_on(serve_until_told(config, metrics));
    if let Some(traces) = traces {
        traces.finish();
    }
    served
}

async fn serve_until_told(config: Config, metrics_handle: Metrics) -> anyhow::Result<()> {
    drop(tokio::spawn(metrics_handle.clone().upkeep()));
    let shutdown = Shutdown::new();
    shutdown.on_signal().context("cannot listen to signals")?;
    let network = &config.network;
    let listeners = [("traffic", network.tls.as_ref()), ("admin", network.admin_tls.as_ref())];
    let certificates =
        listeners.into_iter().filter_map(|(name, tls)| tls?.watched(name, Arc::new(SystemClock)));
    let certificates: Vec<_> = certificates.collect();

    let listen_on = config.network.listen;
    let admin_on = config.network.admin_listen;
    let listener =
        listen::bind(listen_on, false).with_context(|| format!("cannot listen on {listen_on}"))?;
    let admin_listener =
        listen::bind(admin_on, false).with_context(|| format!("cannot listen on {admin_on}"))?;
    let store = config.store.clone().open().await.context("REDIS_URL")?;
    let store = durable::open(store, config.database.as_ref()).await.context("DATABASE_URL")?;
    let app =
        App::new(config, store, Arc::new(SystemClock), Arc::new(SystemRandom), shutdown.clone())?;
    startup::check_issuers(&app).await.context("OIDC_*")?;
    Watch::over(certificates.into_iter().chain(files::watched(&app)))
        .start(reload::INTERVAL, &shutdown)
        .context("cannot listen to signals")?;
    let admin = Admin { metrics: Some(metrics_handle), shutdown: shutdown.clone() };

    active_sessions::start(&app);
    durable::start(&app);
    drop(tokio::spawn(server::serve_admin(Arc::clone(&app), admin, admin_listener)));
    shutdown.started();
    tracing::info!(%listen_on, %admin_on, "serving");
    server::serve(app, listener).await;
    if !shutdown.drained(DRAIN).await {
        tracing::warn!("gave up on connections that did not end in time");
    }
    Ok(())
}

/// What is known of settings that can be used.
fn known(config: &Config, warnings: Vec<Warning>) -> Findings {
    let mut known = Findings { warnings, ..Findings::default() };
    let network = &config.network;
    for (name, tls) in [("BFF_TLS_CERT", &network.tls), ("BFF_ADMIN_TLS_CERT", &network.admin_tls)]
    {
        if let Some(tls) = tls {
            tls.warn_of_its_end(name, SystemClock.unix_seconds(), &mut known);
        }
    }
    known
}

fn look_around(config: &Config) -> Findings {
    match runtime() {
        Ok(runtime) => runtime.block_on(look::look(config, SystemClock.unix_seconds())),
        Err(error) => {
            let mut findings = Findings::default();
            findings.problem("--online", &format!("cannot start ({error})"), "Check the limits.");
            findings
        }
    }
}

fn approve(known: &Findings, deny_warnings: bool) -> ExitCode {
    let (mut out, mut err) = (std::io::stdout().lock(), std::io::stderr().lock());
    ExitCode::from(known.tell(deny_warnings, &mut out, &mut err).unwrap_or(FAILED))
}

fn refuse(problems: &Problems) -> ExitCode {
    match write!(std::io::stderr().lock(), "{problems}") {
        Ok(()) => ExitCode::from(MISCONFIGURED),
        Err(_) => ExitCode::FAILURE,
    }
}

fn tell(config: &Config, method: &http::Method, url: &str) -> ExitCode {
    let report = explain::explain(config, method, url);
    match std::io::stdout().lock().write_all(report.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn healthcheck() -> ExitCode {
    let mut settings = Settings::from_environment();
    let address = settings.text("BFF_ADMIN_LISTEN").and_then(|text| text.parse().ok());
    let address = address.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 9000)));
    match shell::healthcheck::is_ready(address) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) | Err(_) => ExitCode::FAILURE,
    }
}
