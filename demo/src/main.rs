//! The whole of Wicketgate in one process, to try: `cargo run --release`.
//!
//! A development IdP, an edge, the BFF, verify, two sample services and a sample SPA, on loopback
//! and with random keys. The edge is a stand-in for Traefik, unless `--traefik` names a real one. With
//! `--chaos` each part is a process of its own, which a page can take away.

mod banner;
mod chaos;
mod compose;
mod edge;
mod idp;
mod orders;
mod settings;
mod spa;
mod traefik;
mod trust;
mod whoami;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use shell::config::Settings;
use shell::shutdown::Shutdown;
use shell::telemetry::LogConfig;

/// Time for answers under way once the demo is told to stop.
pub(crate) const DRAIN: Duration = Duration::from_secs(5);

/// Wicketgate, whole, on this machine. Nothing listens beyond loopback.
#[derive(Debug, Parser)]
#[command(name = "demo", version)]
struct Cli {
    /// Put this Traefik binary (3.7) before it, in place of the built-in edge.
    #[arg(long, value_name = "PATH")]
    traefik: Option<PathBuf>,
    /// Keep sessions in this Redis, which must be on loopback, in place of memory.
    #[arg(long, value_name = "URL")]
    redis: Option<String>,
    /// Run every part as a process of its own, two of bff and of forwardauth, with a page of buttons that
    /// kill, freeze and cut off each of them. Needs redis-server.
    #[arg(long, conflicts_with_all = ["traefik", "redis"])]
    chaos: bool,
    /// The port to open; the IdP takes the next one.
    #[arg(long, env = "DEMO_PORT", default_value_t = 8080)]
    port: u16,
    #[command(flatten)]
    part: chaos::PartArguments,
}

fn main() -> ExitCode {
    shell::tls::install_ring();
    let cli = Cli::parse();
    log();
    let served = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")
        .and_then(|runtime| match cli.part.role {
            Some(role) => runtime.block_on(chaos::run(role, &cli.part)),
            None => runtime.block_on(run(cli)),
        });
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// People read this terminal: text, and only what is wrong, unless they ask for more.
fn log() {
    let environment = Settings::from_environment();
    let defaults = [("LOG_FORMAT", "text"), ("RUST_LOG", "warn,audit=info")];
    let mut settings = environment.with_defaults(defaults);
    LogConfig::from_settings(&mut settings).start();
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    let shutdown = Shutdown::new();
    shutdown.on_signal().context("cannot listen to signals")?;
    let demo = compose::start(&cli, &shutdown).await?;
    shutdown.started();
    banner::print(&demo).context("cannot write to the terminal")?;
    demo.end(&shutdown).await?;
    shutdown.begin();
    shutdown.drained(DRAIN).await;
    Ok(())
}
