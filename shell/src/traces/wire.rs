//! Owns: spans as OTLP has them: one message of protobuf for each batch.

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{
    ResourceSpans, ScopeSpans, Span, SpanFlags, Status, span, status,
};
use prost::Message as _;

use super::span::{Kind, Record, Value};

/// The attributes of what sends, as every message has them.
pub(super) type ResourceAttributes = Vec<(String, String)>;

/// Adds what the operator has not said.
pub(super) fn add_if_missing(attributes: &mut ResourceAttributes, name: &str, value: &str) {
    if !attributes.iter().any(|(known, _)| known == name) {
        attributes.push((name.to_owned(), value.to_owned()));
    }
}

/// The body of a request.
pub(super) fn encode(resource: &ResourceAttributes, spans: Vec<Record>) -> Vec<u8> {
    let attributes = resource
        .iter()
        .map(|(name, value)| attribute(name, any_value::Value::StringValue(value.clone())));
    let resource = Resource { attributes: attributes.collect(), ..Resource::default() };
    let scope = InstrumentationScope {
        name: "wicketgate".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    };
    let spans = spans.into_iter().map(written).collect();
    let of_scope = ScopeSpans { scope: Some(scope), spans, ..ScopeSpans::default() };
    let spans = ResourceSpans {
        resource: Some(resource),
        scope_spans: vec![of_scope],
        ..ResourceSpans::default()
    };
    ExportTraceServiceRequest { resource_spans: vec![spans] }.encode_to_vec()
}

/// How many spans of a batch the collector did not take, which its answer may say.
pub(super) fn rejected(answer: &[u8]) -> usize {
    let answer = ExportTraceServiceResponse::decode(answer).unwrap_or_default();
    let rejected = answer.partial_success.map_or(0, |partial| partial.rejected_spans);
    usize::try_from(rejected).unwrap_or(0)
}

fn written(record: Record) -> Span {
    let kind = match record.kind {
        Kind::Server => span::SpanKind::Server,
        Kind::Client => span::SpanKind::Client,
    };
    let attributes = record.attributes.into_iter().map(|(name, value)| {
        let value = match value {
            Value::Text(text) => any_value::Value::StringValue(text.into_owned()),
            Value::Number(number) => any_value::Value::IntValue(number),
        };
        attribute(name, value)
    });
    let code = if record.failed { status::StatusCode::Error } else { status::StatusCode::Unset };
    Span {
        trace_id: record.trace.to_be_bytes().to_vec(),
        span_id: record.id.to_be_bytes().to_vec(),
        parent_span_id: match record.parent {
            0 => Vec::new(),
            parent => parent.to_be_bytes().to_vec(),
        },
        flags: flags(record.kind == Kind::Server),
        name: record.name.into_owned(),
        kind: kind.into(),
        start_time_unix_nano: record.began,
        end_time_unix_nano: record.ended,
        attributes: attributes.collect(),
        status: Some(Status { code: code.into(), ..Status::default() }),
        ..Span::default()
    }
}

/// Sampled, and whether the parent is in another process.
fn flags(parent_is_remote: bool) -> u32 {
    let known = SpanFlags::ContextHasIsRemoteMask as u32;
    let remote = if parent_is_remote { SpanFlags::ContextIsRemoteMask as u32 } else { 0 };
    1 | known | remote
}

fn attribute(name: &str, value: any_value::Value) -> KeyValue {
    let value = Some(AnyValue { value: Some(value) });
    KeyValue { key: name.to_owned(), value, ..KeyValue::default() }
}
