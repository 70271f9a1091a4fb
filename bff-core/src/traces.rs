//! Owns: what a trace says of `bff`: one span for each request whose trace is kept, one for each call that is
//! made for it. Routes are named by their patterns and calls by their purpose: no path, query, address of a
//! document or id of anybody is in a span.

use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use shell::traces::{self, Current, Span, TRACEPARENT, TRACESTATE, TraceContext, Tracer};

use crate::own_paths;

/// A request that is being answered.
pub(crate) struct Traced {
    /// What is done for it is done in this.
    pub(crate) current: Current,
    span: Option<Span>,
    method: &'static str,
}

/// A request of a trace which is its own, or that of `headers` where a trusted proxy sent them.
pub(crate) fn begin<B>(tracer: &Tracer, is_trusted: bool, request: &Request<B>) -> Traced {
    let parent = if is_trusted { TraceContext::of_headers(request.headers()) } else { None };
    let method = traces::method(request.method());
    let (context, span) = match tracer.begin(parent, method) {
        Ok(mut span) => {
            span.set("http.request.method", method);
            (span.context(), Some(span))
        }
        Err(context) => (context, None),
    };
    let current = Current::new(tracer, context, parent.is_some());
    if let Some(route) = own_paths::route_of(request.uri().path()) {
        current.name_route(|| route.to_owned());
    }
    Traced { current, span, method }
}

impl Traced {
    /// It is answered; what is left is a body.
    pub(crate) fn answered<B>(self, response: &Response<B>) {
        let Self { current, span, method } = self;
        let Some(mut span) = span else { return };
        let status = response.status();
        if let Some(route) = current.route() {
            span.rename(format!("{method} {route}"));
            span.set("http.route", route.to_owned());
        }
        span.set("http.response.status_code", status.as_u16());
        let reason = current.reason();
        if let Some(reason) = reason {
            span.set("wicketgate.reason", reason);
        }
        if status.is_server_error() {
            match reason {
                Some(reason) => span.fail(reason),
                None => span.fail(status.as_str().to_owned()),
            }
        }
    }
}

/// The span of a call to `uri`, for `what`, if this task's trace is kept.
pub(crate) fn call(what: &str, asked: &Method, uri: &Uri) -> Option<Box<Span>> {
    let asked = traces::method(asked);
    let mut span = traces::client(|| format!("{asked} {what}"))?;
    span.set("http.request.method", asked);
    span.set("wicketgate.call", what.to_owned());
    if let Some(host) = uri.host() {
        span.set("server.address", host.to_owned());
    }
    let port = uri.port_u16().or(match uri.scheme_str() {
        Some("https") => Some(443),
        Some("http") => Some(80),
        _ => None,
    });
    if let Some(port) = port {
        span.set("server.port", port);
    }
    Some(span)
}

/// A call was answered.
pub(crate) fn call_answered(span: &mut Span, status: StatusCode) {
    span.set("http.response.status_code", status.as_u16());
    if status.is_client_error() || status.is_server_error() {
        span.fail(status.as_str().to_owned());
    }
}

/// The span of an attempt at a service, from which the service's own go on.
pub(crate) fn attempt(service: &str, head: &mut Parts) -> Option<Box<Span>> {
    let span = call(service, &head.method, &head.uri)?;
    if let Some(parent) = span.context().header() {
        head.headers.insert(TRACEPARENT, parent);
    }
    Some(span)
}

/// Says in `headers` which trace a call is of, where this task works for one. `false` where it does not.
pub(crate) fn put(headers: &mut HeaderMap) -> bool {
    let Some(current) = traces::current() else { return false };
    let Some(parent) = current.context().header() else { return false };
    headers.insert(TRACEPARENT, parent);
    if !current.is_continued() {
        headers.remove(TRACESTATE);
    }
    true
}
