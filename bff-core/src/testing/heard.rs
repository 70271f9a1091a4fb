//! Owns: what the audit log says while a test runs on its one thread.

use shell::captured::CapturedLog;
use tracing::subscriber::DefaultGuard;

/// Audit events, as `event reason-or-cause`.
pub(crate) struct Heard {
    log: CapturedLog,
    _listening: DefaultGuard,
}

impl Heard {
    /// Listens until it is dropped.
    pub(crate) fn listen() -> Self {
        let log = CapturedLog::default();
        let listening = tracing::subscriber::set_default(log.subscriber("audit=info"));
        Self { log, _listening: listening }
    }

    /// What was said since this was asked last, about refreshes and ends of sessions.
    pub(crate) fn since(&self) -> Vec<String> {
        let events = self.log.audit();
        self.log.clear();
        let told = events.iter().map(|event| {
            let said = ["event", "reason", "cause"].map(|field| event[field].as_str());
            said.into_iter().flatten().collect::<Vec<_>>().join(" ")
        });
        told.filter(|line| {
            ["session.refresh", "session.revoked"].iter().any(|event| line.starts_with(event))
        })
        .collect()
    }
}
