//! Owns: the log of a test, kept to be looked at: what is said, and what must never be.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tracing::subscriber::NoSubscriber;
use tracing::{Dispatch, Subscriber};
use tracing_subscriber::EnvFilter;

/// The lines that were logged. Clones share them.
#[derive(Debug, Clone)]
pub struct CapturedLog {
    lines: Lines,
    _second: Dispatch,
}

impl Default for CapturedLog {
    fn default() -> Self {
        // While there is only one, tracing asks the thread that comes by first whether a line is wanted,
        // and the threads of other tests say no for all.
        Self { lines: Lines::default(), _second: Dispatch::new(NoSubscriber::new()) }
    }
}

impl CapturedLog {
    /// Hears what `filter` (as `RUST_LOG`) lets through, as JSON.
    pub fn subscriber(&self, filter: &str) -> impl Subscriber + Send + Sync + use<> {
        let lines = self.lines.clone();
        tracing_subscriber::fmt()
            .json()
            .with_env_filter(EnvFilter::new(filter))
            .with_writer(move || lines.clone())
            .finish()
    }

    /// All of it so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.lines.bytes()).into_owned()
    }

    /// The fields of the audit events so far.
    pub fn audit(&self) -> Vec<Value> {
        let text = self.text();
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let audit = lines.filter(|line| line.get("target").is_some_and(|target| target == "audit"));
        audit.filter_map(|line| line.get("fields").cloned()).collect()
    }

    /// Forgets what was said.
    pub fn clear(&self) {
        self.lines.bytes().clear();
    }
}

#[derive(Debug, Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn bytes(&self) -> std::sync::MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
