//! Owns: one life of the program: logs, listeners, everything that runs beside the requests, and the drain.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use bff_core::app::App;
use bff_core::audit::AuditLog;
use bff_core::config::Config;
use bff_core::{active_sessions, durable, metrics, reload as files, server, startup};
use shell::admin::Admin;
use shell::clock::SystemClock;
use shell::config::Warning;
use shell::listen;
use shell::random::SystemRandom;
use shell::reload::{self, Watch};
use shell::shutdown::{DRAIN, Shutdown};
use shell::telemetry::Metrics;
use shell::traces::Exporter;

use crate::{known, runtime};

pub(crate) fn run(config: Config, warnings: Vec<Warning>) -> ExitCode {
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
    let together = durable::start(&app);
    drop(tokio::spawn(server::serve_admin(Arc::clone(&app), admin, admin_listener)));
    shutdown.started();
    tracing::info!(%listen_on, %admin_on, "serving");
    server::serve(app, listener).await;
    if !shutdown.drained(DRAIN).await {
        tracing::warn!("gave up on connections that did not end in time");
    }
    if let Some(together) = together {
        together.end().await;
    }
    Ok(())
}
