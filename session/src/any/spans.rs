//! Owns: the span of one call to Redis, where the task that makes it works for a trace that is kept.

use shell::traces::{self, Span};

use crate::store::StoreError;

/// The span of `call`, a method of the store. Its keys are nobody's business.
pub(crate) fn begin(call: &'static str) -> Option<Box<Span>> {
    let mut span = traces::client(|| format!("redis {call}"))?;
    span.set("db.system.name", "redis");
    span.set("db.operation.name", call);
    Some(span)
}

/// `result`, of which the span tells whether the store failed.
pub(crate) fn end<T>(
    span: Option<Box<Span>>,
    result: Result<T, StoreError>,
) -> Result<T, StoreError> {
    if let (Some(mut span), Err(error)) = (span, &result) {
        span.fail(error.reason());
    }
    result
}
