//! Owns: logs (JSON lines on standard output) and the metrics recorder.

mod tap;

use std::fmt;
use std::time::Duration;

use metrics_exporter_prometheus::{
    BuildError, Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::Settings;
use crate::metrics::{Kind, Metric};
use crate::traces::{self, TraceId};

pub use tap::{Record, Tap, timestamp};

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
        self.start_over(tracing_subscriber::registry().with(self.filter()));
    }

    /// [`Self::start`], without what `tap` takes: all from `INFO` on, whatever `RUST_LOG` says.
    pub fn start_beside(&self, tap: Tap) {
        let all = format!("{}=info", tap.target()).parse();
        let filter = all.into_iter().fold(self.filter(), EnvFilter::add_directive);
        self.start_over(tracing_subscriber::registry().with(filter).with(tap));
    }

    fn filter(&self) -> EnvFilter {
        let base = EnvFilter::new(&self.filter);
        QUIET
            .iter()
            .filter_map(|directive| directive.parse().ok())
            .fold(base, EnvFilter::add_directive)
    }

    fn start_over<S>(&self, registry: S)
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync + 'static,
    {
        let started = match self.format {
            LogFormat::Json => {
                let layer = tracing_subscriber::fmt::layer().json().flatten_event(true);
                registry.with(layer.map_event_format(NamingTrace)).try_init()
            }
            LogFormat::Text => {
                let layer = tracing_subscriber::fmt::layer().with_target(false);
                registry.with(layer.map_event_format(NamingTrace)).try_init()
            }
        };
        drop(started);
    }
}

/// Writes the name of the trace into the lines that are written while a request of one is answered.
struct NamingTrace<F>(F);

impl<S, N, F> FormatEvent<S, N> for NamingTrace<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let Some(current) = traces::current() else {
            return self.0.format_event(context, writer, event);
        };
        let mut line = String::new();
        self.0.format_event(context, Writer::new(&mut line), event)?;
        writer.write_str(&with_trace(&line, current.context().trace))
    }
}

fn with_trace(line: &str, trace: TraceId) -> String {
    let line = line.trim_end();
    match line.strip_suffix('}').filter(|_| line.starts_with('{')) {
        Some(object) => format!("{object},\"trace_id\":\"{trace}\"}}\n"),
        None => format!("{line} trace_id={trace}\n"),
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

/// What `/metrics` is rendered from.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    /// Installs the process's recorder for the metrics of `lists`, and announces them. Call before anything is
    /// counted.
    ///
    /// # Errors
    /// If a recorder is installed already.
    pub fn install(lists: &[&[Metric]]) -> Result<Self, BuildError> {
        let recorder = recorder(lists)?;
        let handle = recorder.handle();
        ::metrics::set_global_recorder(recorder).map_err(BuildError::FailedToSetGlobalRecorder)?;
        lists.iter().copied().flatten().for_each(Metric::announce);
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

/// A recorder that knows the buckets of `lists`.
pub(crate) fn recorder(lists: &[&[Metric]]) -> Result<PrometheusRecorder, BuildError> {
    let mut builder = PrometheusBuilder::new();
    for metric in lists.iter().copied().flatten() {
        if let Kind::Histogram(buckets) = metric.kind {
            let name = Matcher::Full(metric.name.to_owned());
            builder = builder.set_buckets_for_metric(name, buckets)?;
        }
    }
    Ok(builder.build_recorder())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traces::TraceContext;

    #[test]
    fn a_line_names_the_trace_and_stays_what_it_is() {
        let parent = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
        let trace = TraceContext::parse(parent).unwrap().trace;
        let json = with_trace("{\"level\":\"INFO\",\"message\":\"a } b\"}\n", trace);
        let read: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(read["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(read["message"], "a } b");
        assert!(json.ends_with("}\n"));
        let text = with_trace("INFO serving listen=127.0.0.1:1\n", trace);
        assert_eq!(
            text,
            "INFO serving listen=127.0.0.1:1 trace_id=4bf92f3577b34da6a3ce929d0e0e4736\n"
        );
    }
}
