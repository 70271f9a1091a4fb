//! Owns: logs (JSON lines on standard output) and the metrics recorder.

use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::Settings;

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// One JSON object a line.
    #[default]
    Json,
    /// For people.
    Text,
}

/// `LOG_FORMAT` and `RUST_LOG`.
#[derive(Debug, Clone)]
pub struct LogConfig {
    format: LogFormat,
    filter: String,
}

impl LogConfig {
    /// Reads the two variables.
    pub fn from_settings(settings: &mut Settings) -> Self {
        let format = settings.parsed("LOG_FORMAT", "Use json or text.", |text| match text {
            "json" => Ok(LogFormat::Json),
            "text" => Ok(LogFormat::Text),
            _ => Err("is not a log format".to_owned()),
        });
        let filter = settings.parsed("RUST_LOG", "For example: info,bff=debug", |text| {
            EnvFilter::try_new(text)
                .map(|_| text.to_owned())
                .map_err(|_| "is not a log filter".to_owned())
        });
        Self {
            format: format.unwrap_or_default(),
            filter: filter.unwrap_or_else(|| "info".to_owned()),
        }
    }

    /// Starts logging. A second start in one process changes nothing.
    pub fn start(&self) {
        let base = EnvFilter::new(&self.filter);
        let filter = QUIET
            .iter()
            .filter_map(|directive| directive.parse().ok())
            .fold(base, EnvFilter::add_directive);
        let registry = tracing_subscriber::registry().with(filter);
        let started = match self.format {
            LogFormat::Json => registry
                .with(tracing_subscriber::fmt::layer().json().flatten_event(true))
                .try_init(),
            LogFormat::Text => {
                registry.with(tracing_subscriber::fmt::layer().with_target(false)).try_init()
            }
        };
        drop(started);
    }
}

/// Libraries whose finer levels print what travels through them, whatever `RUST_LOG` says.
const QUIET: [&str; 7] = [
    "fred=warn",
    "redis_protocol=warn",
    "hyper=info",
    "h2=info",
    "rustls=info",
    "hyper_util=info",
    "oauth2=warn",
];

/// Buckets of durations in seconds, from 50 µs.
const BUCKETS: [f64; 15] = [
    0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
    1.0, 5.0,
];

/// Buckets of what people wait for.
const SLOW_BUCKETS: [f64; 10] = [0.05, 0.1, 0.2, 0.5, 1.0, 1.8, 2.5, 4.0, 10.0, 60.0];

/// Buckets of numbers without a unit that are best near zero.
const SCORE_BUCKETS: [f64; 6] = [0.01, 0.05, 0.1, 0.25, 0.5, 1.0];

/// What `/metrics` is rendered from.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    /// Installs the process's recorder. Call before anything is counted.
    ///
    /// # Errors
    /// If a recorder is installed already.
    pub fn install() -> Result<Self, BuildError> {
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &BUCKETS)?
            .set_buckets_for_metric(
                Matcher::Full("bff_spa_vital_seconds".to_owned()),
                &SLOW_BUCKETS,
            )?
            .set_buckets_for_metric(Matcher::Suffix("_score".to_owned()), &SCORE_BUCKETS)?
            .build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).map_err(BuildError::FailedToSetGlobalRecorder)?;
        Ok(Self(handle))
    }

    /// Folds histogram samples every second, on a thread that serves nobody; without it they pile up
    /// until the next scrape.
    pub async fn upkeep(self) {
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        loop {
            tick.tick().await;
            let handle = self.0.clone();
            if tokio::task::spawn_blocking(move || handle.run_upkeep()).await.is_err() {
                return;
            }
        }
    }

    /// The text exposition format.
    pub fn render(&self) -> String {
        self.0.render()
    }
}
