//! Owns: what the audit log says while a test runs on its one thread.

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::subscriber::{DefaultGuard, NoSubscriber};
use tracing::{Dispatch, Event, Id, Metadata, Subscriber, span};

/// Audit events, as `event reason-or-cause`.
pub(crate) struct Heard {
    lines: Arc<Mutex<Vec<String>>>,
    _listening: DefaultGuard,
    _second: Dispatch,
}

impl Heard {
    /// Listens until it is dropped.
    pub(crate) fn listen() -> Self {
        let lines = Arc::default();
        // While there is only one, tracing asks the thread that comes by first whether a line is wanted,
        // and the threads of other tests say no for all.
        let second = Dispatch::new(NoSubscriber::new());
        let listener = Listener(Arc::clone(&lines));
        let listening = tracing::subscriber::set_default(listener);
        Self { lines, _listening: listening, _second: second }
    }

    /// What was said since this was asked last, about refreshes and ends of sessions.
    pub(crate) fn since(&self) -> Vec<String> {
        let lines = std::mem::take(&mut *self.lines.lock().unwrap());
        let told = |line: &String| {
            ["session.refresh", "session.revoked"].iter().any(|event| line.starts_with(event))
        };
        lines.into_iter().filter(told).collect()
    }
}

struct Listener(Arc<Mutex<Vec<String>>>);

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == crate::audit::TARGET
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        if event.metadata().target() == crate::audit::TARGET {
            let mut line = Line::default();
            event.record(&mut line);
            self.0.lock().unwrap().push(line.0);
        }
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Line(String);

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "event" => self.0.insert_str(0, value),
            "reason" | "cause" => write!(self.0, " {value}").unwrap(),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}
