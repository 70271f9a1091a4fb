//! Owns: the program: one current-thread runtime a core, each with its own listener on the one port
//! (`SO_REUSEPORT`) and its own connections to Redis, so that no request crosses threads.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;

use session::any::AnyStore;
use session::redis::RedisSetupError;
use shell::admin::Admin;
use shell::clock::{Clock, SystemClock};
use shell::listen::{self, Connections, Limits};
use shell::random::SystemRandom;
use shell::reload::{self, Watch};
use shell::shutdown::{DRAIN, Shutdown};
use shell::telemetry::Metrics;
use shell::tls::Tls;
use shell::traces::Exporter;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use crate::cache_metrics::CacheMetrics;
use crate::config::{Config, VerifyConfig};
use crate::health::Health;
use crate::metrics;
use crate::service::Verify;

/// Why the program cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// A runtime, thread or signal handler could not be made.
    #[error("cannot start: {0}")]
    Start(#[from] io::Error),
    /// A listener could not be bound.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The configured address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The Redis settings cannot be used.
    #[error("redis: {0}")]
    Redis(#[from] RedisSetupError),
    /// A thread ended before it could serve.
    #[error("a thread ended at start")]
    Thread,
    /// A metrics recorder exists already.
    #[error("metrics are recorded already")]
    Metrics,
}

/// Serves until SIGTERM or SIGINT, then drains.
///
/// # Errors
/// [`ServerError`] if any part cannot start.
pub fn run(config: Config) -> Result<(), ServerError> {
    let recorder = Metrics::install(&[metrics::METRICS]).map_err(|_| ServerError::Metrics)?;
    metrics::program_started();
    let random = Arc::new(SystemRandom);
    let traces = config.traces.as_ref().map(|settings| Exporter::start(settings, random));
    let traces = traces.transpose()?;
    let connections = Connections::counted("forwardauth", Some(config.max_connections));
    let limits = Limits { connections, ..Limits::default() };
    let config = Arc::new(config);
    let shutdown = Shutdown::new();
    let (mut threads, mut reports) = (Vec::new(), Vec::new());
    for number in 1..config.threads.get() {
        let (config, limits, shutdown) = (Arc::clone(&config), limits.clone(), shutdown.clone());
        let (report, reported) = oneshot::channel();
        let runtime = runtime()?;
        let work = move || runtime.block_on(follow(&config, limits, shutdown, report));
        threads.push(thread::Builder::new().name(format!("verify-{number}")).spawn(work)?);
        reports.push(reported);
    }
    let result = runtime()?.block_on(lead(&config, limits, shutdown.clone(), recorder, reports));
    shutdown.begin();
    for thread in threads {
        if thread.join().is_err() {
            tracing::error!("a thread panicked");
        }
    }
    if let Some(traces) = traces {
        traces.finish();
    }
    result
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// The first thread: traffic like all, and signals, certificates, the admin listener
/// and metrics besides.
async fn lead(
    config: &Config,
    limits: Limits,
    shutdown: Shutdown,
    recorder: Metrics,
    reports: Vec<oneshot::Receiver<Result<(), ServerError>>>,
) -> Result<(), ServerError> {
    shutdown.on_signal()?;
    let certificate =
        config.tls.as_ref().and_then(|tls| tls.watched("traffic", Arc::new(SystemClock)));
    let VerifyConfig { bff, clients, policies, tenants, context, .. } = &config.verify;
    let context = context.as_ref().and_then(|context| context.signer.watched());
    let issuers = config.verify.watched_issuers();
    let keys = clients.watched_keys();
    let credential = bff.as_ref().and_then(|bff| bff.credential.watched());
    let policies = Some(policies.watched());
    let files = [keys, context, credential, issuers, policies, tenants.watched()];
    let files = files.into_iter().flatten();
    let watched = certificate.into_iter().chain(files);
    Watch::over(watched).start(reload::INTERVAL, &shutdown)?;
    let admin_listener = bound(config.admin_listen, false)?;
    let worker = Worker::start(config).await?;
    for report in reports {
        report.await.map_err(|_| ServerError::Thread)??;
    }
    drop(tokio::spawn(recorder.clone().upkeep()));
    let health = Health {
        admin: Admin { metrics: Some(recorder), shutdown: shutdown.clone() },
        store: worker.store.clone(),
        clock: Arc::clone(&worker.clock),
        deadline: config.verify.deadline,
    };
    let admin_end = Shutdown::new();
    drop(tokio::spawn(health.serve(admin_listener, admin_end.clone())));
    shutdown.started();
    tracing::info!(
        listen = %config.listen,
        admin = %config.admin_listen,
        threads = config.threads,
        tls = config.tls.is_some(),
        "serving"
    );
    worker.serve(config, limits, shutdown).await;
    admin_end.begin();
    Ok(())
}

/// Every other thread. Reports once whether it could start.
async fn follow(
    config: &Config,
    limits: Limits,
    shutdown: Shutdown,
    report: oneshot::Sender<Result<(), ServerError>>,
) {
    match Worker::start(config).await {
        Ok(worker) => {
            drop(report.send(Ok(())));
            worker.serve(config, limits, shutdown).await;
        }
        Err(error) => drop(report.send(Err(error))),
    }
}

/// What each thread has for itself.
struct Worker {
    listener: TcpListener,
    store: AnyStore,
    clock: Arc<dyn Clock>,
}

impl Worker {
    async fn start(config: &Config) -> Result<Self, ServerError> {
        let listener = bound(config.listen, true)?;
        let store = config.store.clone().open().await?;
        Ok(Self { listener, store, clock: Arc::new(SystemClock) })
    }

    async fn serve(self, config: &Config, limits: Limits, shutdown: Shutdown) {
        let verify = Verify::new(config, self.store.clone(), self.clock, Arc::new(SystemRandom));
        let tls = config.tls.as_ref().map(Tls::config);
        if let Some(cache) = self.store.tracked() {
            let metrics = CacheMetrics::of(thread::current().name().unwrap_or_default());
            drop(tokio::spawn(metrics.follow(cache.clone())));
        }
        verify.serve(self.listener, tls, limits, shutdown.clone()).await;
        if !shutdown.drained(DRAIN).await {
            tracing::warn!("connections were left behind");
        }
        if tokio::time::timeout(config.verify.deadline, self.store.close()).await.is_err() {
            tracing::debug!("redis did not answer at shutdown");
        }
    }
}

fn bound(address: SocketAddr, share: bool) -> Result<TcpListener, ServerError> {
    listen::bind(address, share).map_err(|source| ServerError::Listen { address, source })
}
