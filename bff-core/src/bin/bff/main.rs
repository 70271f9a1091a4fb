//! The `bff` program: reads its configuration, serves, drains.

mod cli;
mod commands;
mod serve;

use std::process::ExitCode;

use bff_core::config::Config;
use bff_core::import::command::Asked;
use clap::Parser as _;
use shell::check::Findings;
use shell::clock::{Clock as _, SystemClock};
use shell::config::{Problems, Settings, Warning};
use shell::tls;
use tikv_jemallocator::Jemalloc;
use tokio::runtime::{Builder, Runtime};

use cli::{Audit, Cli, Command};
use commands::{
    approve, healthcheck, look_around, probe_idp, refuse, settings, tell, translate, verify_audit,
};
use serve::run;

/// Requests are answered out of order, so memory is freed in another order than it was taken; the
/// system's allocator pays for that on every request (benches/RESULTS.md).
#[global_allocator]
static MEMORY: Jemalloc = Jemalloc;

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

fn read_config() -> Result<(Config, Vec<Warning>), Problems> {
    let mut settings = Settings::from_environment();
    let config = Config::read(&mut settings, false);
    settings.finish(config)
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

/// With one CPU to run on, which a container's quota may say as well, nobody is there to share work with.
fn runtime() -> std::io::Result<Runtime> {
    let is_alone = std::thread::available_parallelism().is_ok_and(|cpus| cpus.get() == 1);
    let mut builder =
        if is_alone { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    builder.enable_all().build()
}
