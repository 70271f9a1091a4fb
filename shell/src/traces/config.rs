//! Owns: the `OTEL_*` variables, as OpenTelemetry's specification has them ("Environment Variable
//! Specification", "OpenTelemetry Protocol Exporter"): durations are milliseconds.
//!
//! Without an endpoint there are no traces, and nothing else is looked at: a platform sets these variables for
//! everybody.

mod catalogue;
mod exporter;
mod parse;

pub use catalogue::TRACES;

use std::sync::Arc;
use std::time::Duration;

use super::queue::{BATCH, Queue};
use super::sampler::{Own, Sampler};
use super::sender::Collector;
use super::wire::{self, ResourceAttributes};
use crate::config::Settings;

/// Where traces go, and which. Clones share the spans that wait.
#[derive(Debug, Clone)]
pub struct TraceSettings {
    pub(super) sampler: Sampler,
    pub(super) collector: Collector,
    pub(super) resource: ResourceAttributes,
    /// Longest time that a span waits for others.
    pub(super) delay: Duration,
    pub(super) queue: Arc<Queue>,
}

impl TraceSettings {
    /// Reads them for the program `service`, which `OTEL_SERVICE_NAME` may call otherwise. `None` where traces
    /// are off, or where something is wrong, which is noted.
    pub fn read(settings: &mut Settings, service: &str) -> Option<Self> {
        let endpoint = exporter::endpoint(settings)?;
        if !is_on(settings) {
            return None;
        }
        let sampler = sampler(settings);
        let resource = resource(settings, service);
        let delay = number(settings, "OTEL_BSP_SCHEDULE_DELAY", 10..=60_000).unwrap_or(5_000);
        let least = u64::try_from(BATCH).unwrap_or(u64::MAX);
        let room = number(settings, "OTEL_BSP_MAX_QUEUE_SIZE", least..=65_536).unwrap_or(2_048);
        let collector = exporter::collector(settings, endpoint);
        Some(Self {
            sampler: sampler?,
            collector: collector?,
            resource,
            delay: Duration::from_millis(delay),
            queue: Arc::new(Queue::new(usize::try_from(room).unwrap_or(BATCH))),
        })
    }
}

/// `OTEL_SDK_DISABLED`, `OTEL_TRACES_EXPORTER`.
fn is_on(settings: &mut Settings) -> bool {
    let hint = "Use true or false.";
    let is_disabled = settings.parsed("OTEL_SDK_DISABLED", hint, crate::config::parse::switch);
    let hint = "Use otlp, which is the default, or none.";
    let exports = settings.parsed("OTEL_TRACES_EXPORTER", hint, |text| match text {
        "otlp" => Ok(true),
        "none" => Ok(false),
        _ => Err("is not an exporter of this version".to_owned()),
    });
    !is_disabled.unwrap_or(false) && exports.unwrap_or(true)
}

/// `OTEL_TRACES_SAMPLER`, `OTEL_TRACES_SAMPLER_ARG`.
fn sampler(settings: &mut Settings) -> Option<Sampler> {
    const NAME: &str = "OTEL_TRACES_SAMPLER";
    let hint = "Use always_on, always_off, traceidratio, or one of them behind parentbased_.";
    let known = settings.problem_count();
    let given = settings.parsed(NAME, hint, |text| {
        let (follows_parent, own) = match text.strip_prefix("parentbased_") {
            Some(own) => (true, own),
            None => (false, text),
        };
        let own = match own {
            "always_on" => Some(Own::Always),
            "always_off" => Some(Own::Never),
            "traceidratio" => None,
            _ => return Err("is not a sampler of this version".to_owned()),
        };
        Ok((follows_parent, own))
    });
    let (follows_parent, own) = given.unwrap_or((true, Some(Own::Always)));
    let own = match own {
        Some(own) => own,
        None => Own::share(ratio(settings).unwrap_or(1.0)),
    };
    (settings.problem_count() == known).then_some(Sampler { follows_parent, own })
}

fn ratio(settings: &mut Settings) -> Option<f64> {
    settings.parsed("OTEL_TRACES_SAMPLER_ARG", "A share from 0 to 1, such as 0.05.", |text| {
        let ratio: Option<f64> = text.parse().ok();
        ratio.filter(|ratio| (0.0..=1.0).contains(ratio)).ok_or_else(|| "is not a share".to_owned())
    })
}

/// `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_SERVICE_NAME`, and what nobody needs to say.
fn resource(settings: &mut Settings, service: &str) -> ResourceAttributes {
    let hint = "A comma list of key=value, the values percent-encoded where they need it.";
    let given = settings.parsed("OTEL_RESOURCE_ATTRIBUTES", hint, parse::pairs);
    let mut attributes = given.unwrap_or_default();
    if let Some(name) = settings.text("OTEL_SERVICE_NAME") {
        attributes.retain(|(known, _)| known != "service.name");
        attributes.push(("service.name".to_owned(), name));
    }
    for (name, value) in [("service.name", service), ("service.version", env!("CARGO_PKG_VERSION"))]
    {
        wire::add_if_missing(&mut attributes, name, value);
    }
    attributes
}

fn number(
    settings: &mut Settings,
    name: &str,
    range: std::ops::RangeInclusive<u64>,
) -> Option<u64> {
    let hint = format!("Use {} to {}.", range.start(), range.end());
    settings.parsed(name, &hint, |text| {
        let number = text.parse().ok();
        number.filter(|number| range.contains(number)).ok_or_else(|| "is not in range".to_owned())
    })
}

#[cfg(test)]
mod tests;
