//! Owns: traces. A [`Tracer`] says which requests are kept and makes their spans; an [`Exporter`] sends these
//! to a collector, over OTLP (HTTP and protobuf), from a thread of its own.
//!
//! Names are those of OpenTelemetry's semantic conventions. Nothing waits for a collector: spans that find no
//! place in a bounded queue are dropped and counted. A request that is not kept has no span at all.

mod config;
mod context;
mod current;
mod exporter;
mod queue;
mod sampler;
mod sender;
mod span;
mod wire;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use config::{TRACES, TraceSettings};
pub use context::{TRACEPARENT, TRACESTATE, TraceContext, TraceId};
pub use current::{Current, client, current};
pub use exporter::{Exporter, FLUSH};
pub use span::{Span, Value};

use http::Method;

use crate::clock::Clock;
use crate::random::Random;
use queue::Queue;
use sampler::Sampler;
use span::{Kind, Record};

/// Begins spans. Clones are one.
#[derive(Clone)]
pub struct Tracer(Arc<Shared>);

struct Shared {
    sampler: Sampler,
    queue: Arc<Queue>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl fmt::Debug for Tracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracer").field("sampler", &self.0.sampler).finish_non_exhaustive()
    }
}

impl Tracer {
    /// Spans for the exporter of the same `settings`.
    pub fn new(settings: &TraceSettings, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        let (sampler, queue) = (settings.sampler, Arc::clone(&settings.queue));
        Self(Arc::new(Shared { sampler, queue, clock, random }))
    }

    /// The span of a request that goes on from `parent`, or begins a trace.
    ///
    /// # Errors
    /// Where the trace is not kept, what the requests that are made for this one go on from.
    pub fn begin(
        &self,
        parent: Option<TraceContext>,
        name: &'static str,
    ) -> Result<Span, TraceContext> {
        let trace = parent.map_or_else(|| self.trace(), |parent| parent.trace);
        if self.0.sampler.keeps(trace, parent.as_ref()) {
            let from = parent.unwrap_or(TraceContext { trace, span: 0, sampled: true });
            return Ok(Span::begin(self, from, Kind::Server, name));
        }
        Err(TraceContext { sampled: false, ..parent.unwrap_or(TraceContext::unkept(trace)) })
    }

    fn record(&self, record: Record) {
        self.0.queue.push(record);
    }

    fn now(&self) -> u64 {
        nanoseconds(self.0.clock.since_epoch())
    }

    /// A fresh span's.
    fn id(&self) -> u64 {
        u64::from_be_bytes(self.0.random.bytes()).max(1)
    }

    fn trace(&self) -> TraceId {
        // The second half may serve as a span's id, so it is not zero either.
        TraceId(u128::from_be_bytes(self.0.random.bytes()) | 1)
    }
}

/// A request's method by the names that the conventions know, so that nobody writes their own into a trace.
pub fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        _ => "_OTHER",
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The spans that wait, one a line, for tests of who makes them.
#[cfg(feature = "testing")]
impl TraceSettings {
    /// Takes them, oldest first: `kind name trace/parent name=value …`.
    pub fn recorded(&self) -> Vec<String> {
        self.queue.batch().iter().map(ToString::to_string).collect()
    }
}

#[cfg(test)]
mod tests;
