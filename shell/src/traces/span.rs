//! Owns: one span while it lasts. It ends where it is dropped, so that a request which its client abandons
//! ends as well.

use std::borrow::Cow;
use std::mem;
use std::time::Instant;

use super::context::TraceContext;
use super::{Tracer, nanoseconds};

/// Longest text of an attribute, in bytes: what is longer loses its end.
const TEXT_MAX: usize = 128;
/// Most attributes of a span.
const ATTRIBUTES_MAX: usize = 16;

/// What a span stands for, by OpenTelemetry's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Kind {
    /// A request that we answer. Its parent is in another process.
    #[default]
    Server,
    /// A request that somebody answers us.
    Client,
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Text, of which at most 128 bytes are kept.
    Text(Cow<'static, str>),
    /// A number.
    Number(i64),
}

impl From<&'static str> for Value {
    fn from(text: &'static str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(bounded(Cow::Owned(text)))
    }
}

fn bounded(text: Cow<'static, str>) -> Cow<'static, str> {
    if text.len() <= TEXT_MAX {
        return text;
    }
    let mut text = text.into_owned();
    let end = (0..=TEXT_MAX).rev().find(|end| text.is_char_boundary(*end));
    text.truncate(end.unwrap_or_default());
    Cow::Owned(text)
}

impl From<u16> for Value {
    fn from(number: u16) -> Self {
        Self::Number(number.into())
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

/// A span as it is exported.
#[derive(Debug, Clone, Default)]
pub(super) struct Record {
    pub(super) trace: u128,
    pub(super) id: u64,
    /// Zero where there is none.
    pub(super) parent: u64,
    pub(super) name: Cow<'static, str>,
    pub(super) kind: Kind,
    /// Nanoseconds since the epoch.
    pub(super) began: u64,
    pub(super) ended: u64,
    pub(super) attributes: Vec<(&'static str, Value)>,
    pub(super) failed: bool,
}

#[cfg(feature = "testing")]
impl std::fmt::Display for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { kind, name, trace, parent, .. } = self;
        write!(f, "{kind:?} {name} {trace:032x}/{parent:016x}")?;
        for (name, value) in &self.attributes {
            match value {
                Value::Text(text) => write!(f, " {name}={text}")?,
                Value::Number(number) => write!(f, " {name}={number}")?,
            }
        }
        if self.failed { f.write_str(" failed") } else { Ok(()) }
    }
}

/// A span that lasts until it is dropped. Its trace is kept: of others there are none.
#[derive(Debug)]
pub struct Span {
    tracer: Tracer,
    since: Instant,
    record: Record,
}

impl Span {
    pub(super) fn begin(
        tracer: &Tracer,
        from: TraceContext,
        kind: Kind,
        name: impl Into<Cow<'static, str>>,
    ) -> Self {
        let record = Record {
            trace: from.trace.0,
            id: tracer.id(),
            parent: from.span,
            name: bounded(name.into()),
            kind,
            began: tracer.now(),
            ..Record::default()
        };
        Self { tracer: tracer.clone(), since: Instant::now(), record }
    }

    /// The span of a call that was made for this one from `began` on. Both are told by one clock.
    #[must_use]
    pub fn call(&self, name: &'static str, began: Instant) -> Self {
        let mut call = Self::begin(&self.tracer, self.context(), Kind::Client, name);
        let later = nanoseconds(began.saturating_duration_since(self.since));
        call.record.began = self.record.began.saturating_add(later);
        call.since = began;
        call
    }

    /// Counts from `began`, which was before.
    #[must_use]
    pub fn since(mut self, began: Instant) -> Self {
        let earlier = nanoseconds(self.since.saturating_duration_since(began));
        self.record.began = self.record.began.saturating_sub(earlier);
        self.since = began;
        self
    }

    /// What is made in this span goes on from here.
    pub const fn context(&self) -> TraceContext {
        let trace = super::context::TraceId(self.record.trace);
        TraceContext { trace, span: self.record.id, sampled: true }
    }

    /// Another name.
    pub fn rename(&mut self, name: impl Into<Cow<'static, str>>) {
        self.record.name = bounded(name.into());
    }

    /// Adds an attribute. Nothing that a client sent, but for what is bounded and harmless.
    pub fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        if self.record.attributes.len() < ATTRIBUTES_MAX {
            self.record.attributes.push((name, value.into()));
        }
    }

    /// Says that what it stands for has failed, and how (`error.type`).
    pub fn fail(&mut self, error: impl Into<Value>) {
        self.record.failed = true;
        self.set("error.type", error);
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        let mut record = mem::take(&mut self.record);
        record.ended = record.began.saturating_add(nanoseconds(self.since.elapsed()));
        self.tracer.record(record);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t17_text_is_cut_between_two_characters() {
        let cut = |text: String| match Value::from(text) {
            Value::Text(text) => text.len(),
            Value::Number(_) => 0,
        };
        assert_eq!(cut("a".repeat(500)), TEXT_MAX);
        assert_eq!(cut("ä".repeat(500)), TEXT_MAX);
        assert_eq!(cut(format!("a{}", "ä".repeat(500))), TEXT_MAX - 1);
        assert_eq!(cut("short".to_owned()), 5);
    }
}
