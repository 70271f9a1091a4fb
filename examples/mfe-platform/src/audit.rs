//! Owns: who administered what: a line of JSON for each action, with the user, the reference of the session and the
//! id of the request, by which the gateway's own audit log tells the rest.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use axum::http::HeaderMap;
use serde_json::json;
use validator_lib::{ContextClaims, Token};

/// Where the lines go.
#[derive(Clone)]
pub struct Audit(Arc<Mutex<dyn Write + Send>>);

impl fmt::Debug for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Audit")
    }
}

impl Audit {
    /// Writes to `to`.
    pub fn new(to: impl Write + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(to)))
    }

    /// Notes that the user of `token` does `event` to `target`.
    ///
    /// # Errors
    /// If the line cannot be written: then the action must not happen.
    pub(crate) fn note(
        &self,
        event: &str,
        target: &str,
        token: &Token,
        headers: &HeaderMap,
    ) -> io::Result<()> {
        let claims: Option<ContextClaims> = token.claims().ok();
        let request = headers.get("x-request-id").and_then(|value| value.to_str().ok());
        let line = json!({
            "at": seconds(),
            "event": event,
            "actor": token.subject(),
            "session": claims.map(|claims| claims.sid),
            "request_id": request,
            "target": target,
        });
        let mut to = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(to, "{line}")?;
        to.flush()
    }
}

#[expect(clippy::disallowed_methods, reason = "an example has no clock of its own")]
fn seconds() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |past| past.as_secs())
}
