//! Owns: the trace of the request that a task works for, where it is not handed down as an argument: calls to
//! others find there whose spans they are, and log lines the name of the trace.

use std::future::Future;
use std::sync::{Arc, OnceLock};

use tokio::task::futures::TaskLocalFuture;

use super::Tracer;
use super::context::TraceContext;
use super::span::{Kind, Span};

tokio::task_local! {
    static CURRENT: Current;
}

/// The trace that a task works for. Clones are one.
#[derive(Debug, Clone)]
pub struct Current {
    context: TraceContext,
    /// Whether the trace was begun by somebody else, who may have more to say of it.
    continued: bool,
    tracer: Tracer,
    told: Arc<Told>,
}

/// What is found out on the way of a request, for who ends its span.
#[derive(Debug, Default)]
struct Told {
    route: OnceLock<String>,
    reason: OnceLock<&'static str>,
}

impl Current {
    /// A trace of which spans are made from `context` on, if it is kept.
    pub fn new(tracer: &Tracer, context: TraceContext, continued: bool) -> Self {
        Self { context, continued, tracer: tracer.clone(), told: Arc::default() }
    }

    /// `work`, for it.
    pub fn scope<F: Future>(&self, work: F) -> TaskLocalFuture<Self, F> {
        CURRENT.scope(self.clone(), work)
    }

    /// Where a request goes on from.
    pub const fn context(&self) -> TraceContext {
        self.context
    }

    /// Whether somebody else began the trace.
    pub const fn is_continued(&self) -> bool {
        self.continued
    }

    /// Tells which route the request takes, by its pattern. The first word counts.
    pub fn name_route(&self, route: impl FnOnce() -> String) {
        if self.context.sampled {
            self.told.route.get_or_init(route);
        }
    }

    /// Tells why the request is refused. The first word counts.
    pub fn name_reason(&self, reason: &'static str) {
        self.told.reason.get_or_init(|| reason);
    }

    /// The route, if it was told.
    pub fn route(&self) -> Option<&str> {
        self.told.route.get().map(String::as_str)
    }

    /// The reason, if it was told.
    pub fn reason(&self) -> Option<&'static str> {
        self.told.reason.get().copied()
    }
}

/// The trace that this task works for, if it is known.
pub fn current() -> Option<Current> {
    CURRENT.try_with(Clone::clone).ok()
}

/// The span of a call to somebody else, if this task's trace is kept. Costs a look where it is not.
pub fn client(name: impl FnOnce() -> String) -> Option<Box<Span>> {
    let begin = |current: &Current| {
        let Current { context, tracer, .. } = current;
        context.sampled.then(|| Box::new(Span::begin(tracer, *context, Kind::Client, name())))
    };
    CURRENT.try_with(begin).ok().flatten()
}
