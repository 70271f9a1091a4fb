//! Owns: what each command but `run` says, and with which status it ends.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use bff_core::audit::{self, Anchor};
use bff_core::config::Config;
use bff_core::config::catalogue::ALL;
use bff_core::import::command::{self as import, Asked};
use bff_core::{explain, look, probe};
use shell::check::{FAILED, Findings, LEFT, MISCONFIGURED};
use shell::clock::{Clock as _, SystemClock};
use shell::config::{Problems, Settings, catalogue};

use crate::runtime;

pub(crate) fn settings(as_json: bool) -> ExitCode {
    let all = ALL.into_iter().flatten();
    let text =
        if as_json { format!("{:#}\n", catalogue::json(all)) } else { catalogue::markdown(all) };
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

pub(crate) fn probe_idp(issuer: &str, ca: Option<&Path>) -> ExitCode {
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

pub(crate) fn translate(asked: &Asked<'_>) -> ExitCode {
    match import::run(asked) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(LEFT),
        Err(error) => {
            drop(writeln!(std::io::stderr().lock(), "{error:#}"));
            ExitCode::FAILURE
        }
    }
}

pub(crate) fn verify_audit(
    files: &[PathBuf],
    key_files: &[PathBuf],
    expect: Vec<Anchor>,
) -> ExitCode {
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

pub(crate) fn look_around(config: &Config) -> Findings {
    match runtime() {
        Ok(runtime) => runtime.block_on(look::look(config, SystemClock.unix_seconds())),
        Err(error) => {
            let mut findings = Findings::default();
            findings.problem("--online", &format!("cannot start ({error})"), "Check the limits.");
            findings
        }
    }
}

pub(crate) fn approve(known: &Findings, deny_warnings: bool) -> ExitCode {
    let (mut out, mut err) = (std::io::stdout().lock(), std::io::stderr().lock());
    ExitCode::from(known.tell(deny_warnings, &mut out, &mut err).unwrap_or(FAILED))
}

pub(crate) fn refuse(problems: &Problems) -> ExitCode {
    match write!(std::io::stderr().lock(), "{problems}") {
        Ok(()) => ExitCode::from(MISCONFIGURED),
        Err(_) => ExitCode::FAILURE,
    }
}

pub(crate) fn tell(config: &Config, method: &http::Method, url: &str) -> ExitCode {
    let report = explain::explain(config, method, url);
    match std::io::stdout().lock().write_all(report.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

pub(crate) fn healthcheck() -> ExitCode {
    let mut settings = Settings::from_environment();
    let address = settings.text("BFF_ADMIN_LISTEN").and_then(|text| text.parse().ok());
    let address = address.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 9000)));
    match shell::healthcheck::is_ready(address) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) | Err(_) => ExitCode::FAILURE,
    }
}
