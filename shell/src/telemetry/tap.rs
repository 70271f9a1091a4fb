//! Owns: taking the events of one target out of the log, as records, for who writes them in another way.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::layer::{Context, Layer};

use crate::traces;

/// The fields of an event, and `timestamp`, `level` and `target`, as a line of the log has them.
pub type Record = BTreeMap<String, Value>;

/// Takes the events of one target.
pub struct Tap {
    target: &'static str,
    take: Box<dyn Fn(Record) + Send + Sync>,
}

impl Tap {
    /// Gives the events of `target` to `take`, on the thread that they happen on: it must not wait.
    pub fn of(target: &'static str, take: impl Fn(Record) + Send + Sync + 'static) -> Self {
        Self { target, take: Box::new(take) }
    }

    pub(super) const fn target(&self) -> &'static str {
        self.target
    }
}

/// Now, as lines of the log have it (RFC 3339, UTC).
pub fn timestamp() -> String {
    let mut now = String::new();
    // Writing to a string does not fail.
    SystemTime.format_time(&mut Writer::new(&mut now)).ok();
    now
}

impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tap").field("target", &self.target).finish_non_exhaustive()
    }
}

impl<S: Subscriber> Layer<S> for Tap {
    /// Asked once for each event, before anybody writes it. What is taken is written by nobody else.
    fn event_enabled(&self, event: &Event<'_>, _context: Context<'_, S>) -> bool {
        let metadata = event.metadata();
        if metadata.target() != self.target {
            return true;
        }
        let mut fields = Fields(Record::new());
        event.record(&mut fields);
        let mut fields = fields.0;
        fields.insert("timestamp".to_owned(), timestamp().into());
        fields.insert("level".to_owned(), metadata.level().as_str().into());
        fields.insert("target".to_owned(), self.target.into());
        if let Some(current) = traces::current() {
            fields.insert("trace_id".to_owned(), current.context().trace.to_string().into());
        }
        (self.take)(fields);
        false
    }
}

struct Fields(Record);

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use serde_json::json;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[test]
    fn what_is_taken_is_a_record_and_in_no_other_log() {
        let (sender, taken) = mpsc::channel();
        let (writer, written) = mpsc::channel();
        let other = tracing_subscriber::fmt::layer().with_writer(move || Lines(writer.clone()));
        let tap = Tap::of("audit", move |record| sender.send(record).unwrap());
        let subscriber = tracing_subscriber::registry().with(other).with(tap);
        tracing::subscriber::with_default(subscriber, || {
            let nobody: Option<&str> = None;
            tracing::warn!(target: "audit", event = "a.b", count = 3_usize, set = true, nobody, shown = %"x");
            tracing::info!("something else");
        });
        let mut record = taken.recv().unwrap();
        assert!(record.remove("timestamp").unwrap().as_str().unwrap().ends_with('Z'));
        let record = serde_json::to_value(record).unwrap();
        let expected = json!({
            "target": "audit", "level": "WARN", "event": "a.b", "count": 3, "set": true, "shown": "x"
        });
        assert_eq!(record, expected);
        assert!(taken.recv().is_err());
        let lines: String = written.iter().collect();
        assert!(lines.contains("something else") && !lines.contains("a.b"), "{lines}");
    }

    struct Lines(mpsc::Sender<String>);

    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.send(String::from_utf8_lossy(bytes).into_owned()).unwrap();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
}
