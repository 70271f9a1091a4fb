//! A collector of traces: takes OTLP over HTTP as protobuf, and shows what it was sent.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::future::pending;
use std::io::Read as _;
use std::time::Duration;

use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1 as wire;
use prost::Message as _;

use crate::program::Environment;
use crate::service::{Seen, Service, answer};
use crate::wait;

const LIMIT: Duration = Duration::from_secs(20);

/// A span as the collector has it.
#[derive(Clone, Debug)]
pub struct Span {
    /// `service.name` of who sent it.
    pub service: String,
    /// Its name.
    pub name: String,
    /// The trace, 32 hexadecimal digits.
    pub trace: String,
    /// Its id, 16 hexadecimal digits.
    pub id: String,
    /// Its parent's; empty without one.
    pub parent: String,
    /// Whether it is of a request that its service answered.
    pub is_server: bool,
    /// Its attributes, as text.
    pub attributes: BTreeMap<String, String>,
    /// Nanoseconds since the epoch.
    pub began: u64,
    /// The same.
    pub ended: u64,
}

impl Span {
    /// An attribute; empty when absent.
    pub fn get(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }
}

/// How a collector behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// It takes everything.
    Takes,
    /// It answers with this status.
    Answers(u16),
    /// It takes connections and requests, and never answers.
    Hangs,
}

/// A running collector.
#[derive(Debug)]
pub struct Collector(Service);

impl Collector {
    /// Starts one that takes everything.
    pub async fn start() -> Self {
        Self::with(Manner::Takes).await
    }

    /// Starts one that behaves like this.
    pub async fn with(manner: Manner) -> Self {
        let service = Service::start(None, move |_| async move {
            match manner {
                Manner::Takes => {
                    let body = ExportTraceServiceResponse::default().encode_to_vec();
                    answer(200, "application/x-protobuf", body)
                }
                Manner::Answers(status) => answer(status, "text/plain", "no"),
                Manner::Hangs => pending().await,
            }
        });
        Self(service.await)
    }

    /// Its address.
    pub fn origin(&self) -> String {
        self.0.origin()
    }

    /// `environment`, of a program that is to send its spans here soon.
    #[must_use]
    pub fn told(&self, environment: Environment) -> Environment {
        environment
            .set("OTEL_EXPORTER_OTLP_ENDPOINT", self.origin())
            .set("OTEL_BSP_SCHEDULE_DELAY", "50")
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.0.seen().len()
    }

    /// Every byte that came, heads and bodies.
    pub fn bytes(&self) -> Vec<u8> {
        let shown = |seen: &Seen| [format!("{seen:?}").as_bytes(), &seen.body[..]].concat();
        self.0.seen().iter().flat_map(|seen| shown(seen)).collect()
    }

    /// The spans so far, in the order in which they came.
    ///
    /// # Panics
    /// When something came that is no OTLP.
    pub fn spans(&self) -> Vec<Span> {
        self.0.seen().iter().flat_map(|seen| spans_of(seen)).collect()
    }

    /// The first span that `test` finds, once it is there.
    ///
    /// # Panics
    /// When none comes in time.
    pub async fn span(&self, what: &str, test: impl Fn(&Span) -> bool) -> Span {
        let found = wait::until(what, LIMIT * 2, async || self.spans().into_iter().find(&test));
        let found = tokio::time::timeout(LIMIT, found).await;
        found.unwrap_or_else(|_| panic!("no span: {what}; there are {:#?}", self.spans()))
    }
}

fn spans_of(seen: &Seen) -> Vec<Span> {
    assert_eq!(seen.uri.path(), "/v1/traces");
    assert_eq!(seen.header("content-type"), "application/x-protobuf");
    let request = ExportTraceServiceRequest::decode(&*plain(seen)).expect("a message of OTLP");
    let mut spans = Vec::new();
    for of_resource in request.resource_spans {
        let resource = texts(&of_resource.resource.unwrap_or_default().attributes);
        let service = resource.get("service.name").cloned().unwrap_or_default();
        for span in of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            spans.push(shown(&service, &span));
        }
    }
    spans
}

/// The body as it was before Traefik packed it.
fn plain(seen: &Seen) -> Vec<u8> {
    if seen.header("content-encoding") != "gzip" {
        return seen.body.to_vec();
    }
    let mut plain = Vec::new();
    GzDecoder::new(&*seen.body).read_to_end(&mut plain).expect("a body in gzip");
    plain
}

fn shown(service: &str, span: &wire::Span) -> Span {
    assert_eq!((span.trace_id.len(), span.span_id.len()), (16, 8), "{span:?}");
    Span {
        service: service.to_owned(),
        name: span.name.clone(),
        trace: hex(&span.trace_id),
        id: hex(&span.span_id),
        parent: hex(&span.parent_span_id),
        is_server: span.kind == wire::span::SpanKind::Server as i32,
        attributes: texts(&span.attributes),
        began: span.start_time_unix_nano,
        ended: span.end_time_unix_nano,
    }
}

fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |pair: &KeyValue| {
        let value = pair.value.as_ref().and_then(|value| value.value.as_ref());
        match value {
            Some(any_value::Value::StringValue(text)) => text.clone(),
            Some(any_value::Value::IntValue(number)) => number.to_string(),
            other => format!("{other:?}"),
        }
    };
    attributes.iter().map(|pair| (pair.key.clone(), text(pair))).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string");
        text
    })
}
