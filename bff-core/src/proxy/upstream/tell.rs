//! Owns: what is counted of the calls to a service. Services come from our own file, so labels are bounded.

use metrics::{Counter, Gauge, counter, gauge};

use super::Failure;

/// The handles of one service, not made with it: a table is read before there is anybody to count.
pub(super) struct Told {
    answered: Counter,
    refused: Counter,
    connect: Counter,
    reset: Counter,
    timeout: Counter,
    nonsense: Counter,
    retries: [(&'static str, Counter); 5],
    open: Gauge,
}

impl Told {
    pub(super) fn of(service: &str) -> Self {
        let calls = |result: &'static str| counter!("bff_upstream_requests_total", "service" => service.to_owned(), "result" => result);
        let retries = |reason: &'static str| {
            let counter = counter!("bff_upstream_retries_total", "service" => service.to_owned(), "reason" => reason);
            (reason, counter)
        };
        Self {
            answered: calls("answered"),
            refused: calls("refused"),
            connect: calls("connect"),
            reset: calls("reset"),
            timeout: calls("timeout"),
            nonsense: calls("nonsense"),
            retries: ["connect", "reset", "timeout", "status", "nonsense"].map(retries),
            open: gauge!("bff_upstream_breaker_open", "service" => service.to_owned()),
        }
    }

    pub(super) fn answered(&self) {
        self.answered.increment(1);
    }

    /// By the breaker.
    pub(super) fn refused(&self) {
        self.refused.increment(1);
    }

    pub(super) fn failed(&self, failure: Failure) {
        match failure {
            Failure::Connect => self.connect.increment(1),
            Failure::Reset => self.reset.increment(1),
            Failure::Timeout => self.timeout.increment(1),
            Failure::Status(_) | Failure::Nonsense => self.nonsense.increment(1),
        }
    }

    pub(super) fn retried(&self, failure: Option<Failure>) {
        let reason = failure.map(Failure::name);
        let counter = self.retries.iter().find(|(name, _)| Some(*name) == reason);
        if let Some((_, counter)) = counter {
            counter.increment(1);
        }
    }

    pub(super) fn breaker(&self, is_open: bool) {
        self.open.set(if is_open { 1.0 } else { 0.0 });
    }
}

impl std::fmt::Debug for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Told").finish_non_exhaustive()
    }
}
