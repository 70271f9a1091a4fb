//! Owns: the names and labels of what `bff` counts (DESIGN section 9). Label values are bounded:
//! they come from our own tables, never from a request.

mod list;
mod spa;

use std::time::Duration;

use http::StatusCode;
use metrics::{Histogram, counter, gauge, histogram};
use session::durable::Counted;

pub use list::METRICS;
pub use spa::{SpaEvent, spa_event};

/// What is known when the program starts.
pub fn program_started() {
    gauge!("config_last_reload_successful").set(1.0);
    gauge!("build_info", "program" => "bff", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
}

/// About how many sessions the store holds.
pub fn active_sessions(sessions: u64) {
    // Exact up to 2^53.
    #[expect(clippy::cast_precision_loss, reason = "an estimate, and gauges are floats")]
    gauge!("bff_active_sessions_total").set(sessions as f64);
}

/// What became of sessions in Redis and PostgreSQL so far.
pub fn durable(counted: &Counted) {
    gauge!("bff_database_up").set(if counted.is_up { 1.0 } else { 0.0 });
    let waiting = u32::try_from(counted.waiting_writes).unwrap_or(u32::MAX);
    gauge!("bff_database_writes_waiting").set(f64::from(waiting));
    counter!("bff_database_writes_missed_total").absolute(counted.missed_writes);
    counter!("bff_database_writes_lost_total").absolute(counted.lost_writes);
    counter!("bff_sessions_read_from_database_total").absolute(counted.fallback_reads);
    counter!("bff_sessions_restored_total").absolute(counted.restored);
    counter!("bff_sessions_ended_again_total").absolute(counted.ended_again);
}

/// A refresh that gave new tokens.
pub fn refreshed() {
    counter!("bff_token_refresh_success_total").increment(1);
}

/// A refresh that did not.
pub fn refresh_failed(reason: &'static str) {
    counter!("bff_token_refresh_failed_total", "reason" => reason).increment(1);
}

/// How long a request waited for a refresh.
pub fn refresh_waited(time: Duration) {
    histogram!("bff_refresh_wait_seconds").record(time);
}

/// A request that waits for a refresh which another request began.
pub fn refresh_joined() {
    counter!("bff_token_refresh_joins_total").increment(1);
}

/// A refresh token that is sent a second time, after an unknown outcome.
pub fn refresh_sent_again() {
    counter!("bff_token_refresh_sent_again_total").increment(1);
}

/// How long a refresh waited for another replica: `acquired`, `settled`, `gave_up`.
pub fn refresh_lease_waited(result: &'static str, time: Duration) {
    histogram!("bff_refresh_lease_wait_seconds", "result" => result).record(time);
}

/// A lease that ran out under the refresh that held it.
pub fn refresh_lease_lost() {
    counter!("bff_refresh_lease_lost_total").increment(1);
}

/// A request from another client than the session's.
pub fn binding_failed(signal: &'static str, action: &'static str) {
    counter!("bff_session_binding_failures_total", "signal" => signal, "action" => action)
        .increment(1);
}

/// A request refused as cross-site.
pub fn csrf_rejected(reason: &'static str) {
    counter!("bff_csrf_rejected_total", "reason" => reason).increment(1);
}

/// A request too many, by the name of its rule.
pub fn rate_limited(rule: &str) {
    counter!("bff_rate_limited_total", "rule" => rule.to_owned()).increment(1);
}

/// A request that this process counted alone, because the store was away.
pub fn rate_limited_alone(reason: &'static str) {
    counter!("bff_rate_limit_local_total", "reason" => reason).increment(1);
}

/// A session that ended.
pub fn session_ended(reason: &'static str) {
    counter!("bff_sessions_ended_total", "reason" => reason).increment(1);
}

/// A stage of the login: `begin`, `callback`.
pub fn login_stage(stage: &'static str, time: Duration) {
    histogram!("bff_oauth_flow_duration_seconds", "stage" => stage).record(time);
}

/// A login that led to no session, by its reason of [`ApiError::login_failure`](crate::error::ApiError::login_failure).
pub fn login_failed(reason: &'static str) {
    counter!("bff_logins_failed_total", "reason" => reason).increment(1);
}

/// A call to an identity provider.
pub fn idp_asked(operation: &'static str, outcome: &'static str) {
    counter!("bff_idp_requests_total", "operation" => operation, "outcome" => outcome).increment(1);
}

/// A record of the audit log that was not written: `queue_full`, `ended`, `stdout`, `file`.
pub fn audit_write_failed(reason: &'static str) {
    counter!("bff_audit_write_failures_total", "reason" => reason).increment(1);
}

/// How long the requests of one route take. Handles are made once: to look one up by its labels costs more
/// than to record.
#[derive(Debug)]
pub struct Proxied([Histogram; 5]);

impl Proxied {
    /// Of the route with this id.
    pub fn of(route: &str) -> Self {
        Self(["1xx", "2xx", "3xx", "4xx", "5xx"].map(|class| {
            histogram!(
                "bff_proxy_request_duration_seconds",
                "route" => route.to_owned(), "status_class" => class
            )
        }))
    }

    /// A request was answered with `status`.
    pub fn record(&self, status: StatusCode, time: Duration) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(1).min(4);
        if let Some(histogram) = self.0.get(class) {
            histogram.record(time);
        }
    }
}

/// A logout token: `done`, `repeated`, `refused`, `unavailable`, `limited`.
pub fn backchannel_logout(outcome: &'static str) {
    counter!("bff_backchannel_logouts_total", "outcome" => outcome).increment(1);
}

/// A source of a user context was asked: `ok`, `failed`.
pub fn context_read(outcome: &'static str) {
    counter!("bff_user_context_reads_total", "outcome" => outcome).increment(1);
}

/// A stream of `/api/auth/events` began.
pub fn event_stream_opened() {
    gauge!("bff_event_streams").increment(1.0);
}

/// A stream of `/api/auth/events` ended.
pub fn event_stream_closed() {
    gauge!("bff_event_streams").decrement(1.0);
}

/// A stream of the proxy began: `answer`, `upload`, `websocket`.
pub fn stream_opened(kind: &'static str) {
    gauge!("bff_proxy_streams", "kind" => kind).increment(1.0);
}

/// A stream of the proxy ended.
pub fn stream_closed(kind: &'static str) {
    gauge!("bff_proxy_streams", "kind" => kind).decrement(1.0);
}

/// A stream of the proxy that we ended: `session_over`, `silent`, `unread`, `no_room`, `process_ends`.
pub fn stream_cut(reason: &'static str) {
    counter!("bff_proxy_streams_cut_total", "reason" => reason).increment(1);
}
