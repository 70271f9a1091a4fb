//! Owns: what a trace says of verify: one span for each request whose trace is kept, one for its look-up in
//! the store. Names and statuses of our own, and nothing that a client sent.
//!
//! A request that is not kept passes here once, and allocates nothing.

use std::time::Instant;

use http::request::Parts;
use http::{HeaderMap, StatusCode};
use session::store::StoreError;
use shell::traces::{self, Span, TraceContext, TraceId, Tracer};

use crate::metrics;
use crate::refusal::Refusal;
use crate::request::{Endpoint, Peer};

/// The span of a request that came at `started`, if its trace is kept. Only a trusted proxy says which trace
/// it is of.
#[inline(never)]
pub(crate) fn begin(
    tracer: &Tracer,
    peer: Peer,
    head: &Parts,
    started: Instant,
) -> Option<Box<Span>> {
    let parent = if peer.trusted { TraceContext::of_headers(&head.headers) } else { None };
    let route = Endpoint::of(head.uri.path()).map(Endpoint::path);
    let name = match route {
        Some("/auth/verify") => "verify",
        Some(_) => "forward",
        None => "unknown",
    };
    let mut span = tracer.begin(parent, name).ok()?.since(started);
    span.set("http.request.method", traces::method(&head.method));
    if let Some(route) = route {
        span.set("http.route", route);
    }
    Some(Box::new(span))
}

/// The store was asked for the session, at the moment of the request as `forwardauth_redis_duration_seconds`
/// has it.
#[cold]
pub(crate) fn looked_up<T>(span: &Span, started: Instant, found: &Result<T, StoreError>) {
    let mut look_up = span.call("redis HGET", started);
    look_up.set("db.system.name", "redis");
    look_up.set("db.operation.name", "HGET");
    if let Err(error) = found {
        look_up.fail(error.reason());
    }
}

/// The request waited for the token that it hands on. Others may have waited for the same call, so that it is
/// of nobody's trace.
#[cold]
pub(crate) fn waited_for_token(span: &Span, began: Instant, refusal: Option<&Refusal>) {
    let mut wait = span.call("bff token", began);
    wait.set("wicketgate.call", "bff_token");
    if let Some(refusal) = refusal
        && refusal.row().status.is_server_error()
    {
        wait.fail(refusal.reason());
    }
}

/// The request is answered with `status`, because of `refusal` if there is one.
#[cold]
pub(crate) fn answered(span: &mut Span, status: StatusCode, refusal: Option<Refusal>) {
    span.set("http.response.status_code", status.as_u16());
    if let Some(outcome) = metrics::outcome(status) {
        span.set("wicketgate.outcome", outcome);
    }
    let Some(refusal) = refusal else { return };
    span.set("wicketgate.reason", refusal.reason());
    if status.is_server_error() {
        span.fail(refusal.reason());
    }
}

/// The trace that a trusted proxy says the request is of, for a line of the log.
pub(crate) fn trace_of(peer: Peer, headers: &HeaderMap) -> Option<TraceId> {
    let context = if peer.trusted { TraceContext::of_headers(headers) } else { None };
    context.map(|context| context.trace)
}
