//! Owns: what is logged and counted of a new configuration, whatever it stands in.

use metrics::{Counter, counter};

/// What was decided last on something that is called `name` in logs and metrics.
pub(super) struct Told {
    name: String,
    refused: bool,
    ok: Counter,
    broken: Counter,
}

impl Told {
    pub(super) fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        let reloads =
            |result| counter!("config_reloads_total", "file" => name.clone(), "result" => result);
        let (ok, broken) = (reloads("ok"), reloads("refused"));
        Self { name, refused: false, ok, broken }
    }

    pub(super) const fn is_refused(&self) -> bool {
        self.refused
    }

    /// What was refused is there no more.
    pub(super) const fn forget(&mut self) {
        self.refused = false;
    }

    /// Tells that it was taken, or what is wrong with it.
    pub(super) fn decided(&mut self, taken: Result<(), String>) {
        self.refused = taken.is_err();
        match taken {
            Ok(()) => {
                self.ok.increment(1);
                tracing::info!(file = self.name.as_str(), "new configuration");
            }
            Err(problems) => {
                self.broken.increment(1);
                tracing::error!(
                    file = self.name.as_str(),
                    problems,
                    "new configuration refused, the old one stays"
                );
            }
        }
    }
}
