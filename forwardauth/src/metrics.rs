//! Owns: what is counted of each request. Handles are made once a thread; dashboards rely on their
//! names (docs/METRICS.md), and no label holds anything a client sent.

mod list;

use std::time::Duration;

use http::StatusCode;
use metrics::{Counter, Histogram, counter, gauge, histogram};
use session::binding::Grade;
use session::store::{StoreError, Swap};

use crate::refusal::Refusal;

pub use list::METRICS;
pub(crate) use list::appear_with_bff;

/// What became of a request, as the label of `forwardauth_requests_total`.
const OUTCOMES: [(StatusCode, &str); 9] = [
    (StatusCode::OK, "allowed"),
    (StatusCode::FOUND, "redirected"),
    (StatusCode::BAD_REQUEST, "bad_request"),
    (StatusCode::UNAUTHORIZED, "unauthenticated"),
    (StatusCode::FORBIDDEN, "forbidden"),
    (StatusCode::NOT_FOUND, "not_found"),
    (StatusCode::MISDIRECTED_REQUEST, "misdirected"),
    (StatusCode::INTERNAL_SERVER_ERROR, "misconfigured"),
    (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
];

/// The labels of [`OUTCOMES`].
#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
const OUTCOME_NAMES: [&str; OUTCOMES.len()] = {
    let mut names = [""; OUTCOMES.len()];
    let mut number = 0;
    while number < names.len() {
        names[number] = OUTCOMES[number].1;
        number += 1;
    }
    names
};

/// Handles of what is counted on the way of a request.
pub(crate) struct Metrics {
    requests: Vec<(StatusCode, Counter)>,
    duration: Histogram,
    /// In the order of [`Refusal::ALL`].
    rejected: Vec<Counter>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let request = |(status, outcome)| {
            (status, counter!("forwardauth_requests_total", "outcome" => outcome))
        };
        let rejection = |refusal: Refusal| counter!("traefik_forwardauth_rejected_total", "reason" => refusal.reason());
        Self {
            requests: OUTCOMES.map(request).into(),
            duration: histogram!("forwardauth_request_duration_seconds"),
            rejected: Refusal::ALL.map(rejection).into(),
        }
    }

    /// A request was answered.
    pub(crate) fn answered(&self, status: StatusCode, took: Duration) {
        if let Some((_, counter)) = self.requests.iter().find(|(known, _)| *known == status) {
            counter.increment(1);
        }
        self.duration.record(took);
    }

    /// A request was turned away.
    pub(crate) fn rejected(&self, refusal: Refusal) {
        if let Some(counter) = self.rejected.get(refusal as usize) {
            counter.increment(1);
        }
    }
}

/// What became of a request that was answered with `status`.
pub(crate) fn outcome(status: StatusCode) -> Option<&'static str> {
    OUTCOMES.iter().find(|(known, _)| *known == status).map(|(_, outcome)| *outcome)
}

/// How long the store takes to answer, or to fail.
pub(crate) fn redis_duration() -> Histogram {
    histogram!("forwardauth_redis_duration_seconds")
}

/// A session's client looks different.
pub(crate) fn binding_failed(signal: &'static str, grade: Grade) {
    let action = grade.as_str();
    counter!("bff_session_binding_failures_total", "signal" => signal, "action" => action)
        .increment(1);
}

/// A session was ended because its client looks different.
pub(crate) fn session_ended() {
    counter!("bff_sessions_ended_total", "reason" => "binding").increment(1);
}

/// An idle deadline was moved, or not.
pub(crate) fn slid(result: &Result<Swap, StoreError>) {
    let result = match result {
        Ok(Swap::Done) => "done",
        Ok(Swap::Stale) => "stale",
        Ok(Swap::Gone) => "gone",
        Err(error) => error.reason(),
    };
    counter!("forwardauth_slides_total", "result" => result).increment(1);
}

/// Work off the response path was dropped because too much of it was under way.
pub(crate) fn background_dropped(task: &'static str) {
    counter!("forwardauth_background_dropped_total", "task" => task).increment(1);
}

/// The BFF was asked for something, or ought to have been.
pub(crate) fn bff_asked(kind: &'static str, outcome: &'static str) {
    counter!("forwardauth_bff_requests_total", "kind" => kind, "outcome" => outcome).increment(1);
}

/// How long requests wait for the token that is handed on.
pub(crate) fn refresh_wait() -> Histogram {
    histogram!("forwardauth_refresh_wait_seconds")
}

/// What is known when the program starts.
pub(crate) fn program_started() {
    gauge!("build_info", "program" => "forwardauth", "version" => env!("CARGO_PKG_VERSION"))
        .set(1.0);
    gauge!("config_last_reload_successful").set(1.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_that_is_answered_has_an_outcome() {
        for refusal in Refusal::ALL {
            let status = refusal.row().status;
            assert!(OUTCOMES.iter().any(|(known, _)| *known == status), "{refusal:?}");
        }
    }

    #[test]
    fn dashboards_find_their_names() {
        let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&recorder, || {
            let metrics = Metrics::new();
            metrics.answered(StatusCode::UNAUTHORIZED, Duration::from_micros(80));
            redis_duration().record(Duration::from_micros(60));
            metrics.rejected(Refusal::CookieMissing);
            binding_failed("ip", Grade::Reauth);
            bff_asked("nudge", "ok");
            refresh_wait().record(Duration::from_millis(4));
            program_started();
        });
        let text = recorder.handle().render();
        for line in [
            r#"forwardauth_requests_total{outcome="unauthenticated"} 1"#,
            r#"forwardauth_requests_total{outcome="allowed"} 0"#,
            r#"traefik_forwardauth_rejected_total{reason="no_cookie"} 1"#,
            r#"bff_session_binding_failures_total{signal="ip",action="reauth"} 1"#,
            "forwardauth_request_duration_seconds",
            "forwardauth_redis_duration_seconds",
            r#"forwardauth_bff_requests_total{kind="nudge",outcome="ok"} 1"#,
            "forwardauth_refresh_wait_seconds",
            "config_last_reload_successful 1",
            r#"build_info{program="forwardauth",version=""#,
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }
}
