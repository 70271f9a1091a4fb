//! Owns: the list of what `forwardauth` counts (docs/METRICS.md).

use shell::metrics::{
    BUILD_INFO, CONFIG_LAST_RELOAD_SUCCESSFUL, CONFIG_RELOADS, FAST, Label, Metric,
    OTEL_SPANS_DROPPED, OTEL_SPANS_EXPORTED, TLS_CERTIFICATE_EXPIRY, TLS_CERTIFICATE_RELOADS,
};

use super::OUTCOME_NAMES;
use crate::refusal::Refusal;

const PROTOCOL: Label = Label::all("protocol", &["h1", "h2"]);
const THREAD: Label = Label::configured("thread", "`main`, `verify-1`, …");
const WITH_CACHE: &str = "with `FORWARDAUTH_CACHE=tracking`, told once a second";
const WITH_BFF: &str = "with `FORWARDAUTH_BFF_URL`";

/// Everything.
pub const METRICS: &[Metric] = &[
    Metric::counter(
        "forwardauth_requests_total",
        "Requests about which verify was asked, by what it answered.",
        &[Label::all("outcome", &OUTCOME_NAMES)],
    ),
    Metric::histogram(
        "forwardauth_request_duration_seconds",
        FAST,
        "Time from a request's header to its answer.",
        &[],
    ),
    Metric::histogram(
        "forwardauth_redis_duration_seconds",
        FAST,
        "Time of reads that went to Redis.",
        &[],
    ),
    Metric::counter(
        "traefik_forwardauth_rejected_total",
        "Requests that were turned away, by reason.",
        &[Label::all("reason", &Refusal::REASONS)],
    ),
    Metric::counter(
        "forwardauth_slides_total",
        "Idle deadlines that were to be moved, by what became of it.",
        &[Label::all(
            "result",
            &["done", "stale", "gone", "store_unavailable", "store_timeout", "store_refused"],
        )],
    ),
    Metric::counter(
        "forwardauth_background_dropped_total",
        "Work off the response path that was dropped, because too much of it was under way.",
        &[Label::all("task", &["slide", "end", "nudge", "keys"])],
    ),
    Metric::counter(
        "bff_session_binding_failures_total",
        "Requests of a session from another client than its own.",
        &[
            Label::all("signal", &["user_agent", "ip"]),
            Label::all("action", &["audit", "reauth", "deny"]),
        ],
    ),
    Metric::counter(
        "bff_sessions_ended_total",
        "Sessions that this program ended. Verify does for `binding` alone.",
        &[Label::all("reason", &["binding"])],
    ),
    Metric::counter(
        "forwardauth_bff_requests_total",
        "What the BFF was asked, or ought to have been, about access tokens.",
        &[
            Label::all("kind", &["nudge", "token"]),
            Label::all(
                "outcome",
                &[
                    "ok",
                    "ended",
                    "token_bound",
                    "unavailable",
                    "refused",
                    "connect",
                    "interrupted",
                    "timeout",
                    "unreadable",
                    "busy",
                ],
            ),
        ],
    )
    .when(WITH_BFF),
    Metric::histogram(
        "forwardauth_refresh_wait_seconds",
        FAST,
        "Time that requests waited for the access token that they hand on.",
        &[],
    )
    .when(WITH_BFF),
    Metric::counter(
        "forwardauth_cache_requests_total",
        "Sessions that were looked up in the cache.",
        &[Label::all("result", &["hit", "miss"])],
    )
    .when(WITH_CACHE),
    Metric::counter(
        "forwardauth_cache_invalidations_total",
        "Sessions that Redis said were changed, kept or not.",
        &[],
    )
    .when(WITH_CACHE),
    Metric::counter(
        "forwardauth_cache_flushes_total",
        "Times that a thread dropped all it kept.",
        &[],
    )
    .when(WITH_CACHE),
    Metric::gauge("forwardauth_cache_entries", "Sessions that are kept.", &[THREAD])
        .when(WITH_CACHE),
    Metric::gauge("forwardauth_cache_live", "1 while Redis vouches for what is kept.", &[THREAD])
        .when(WITH_CACHE),
    Metric::gauge(
        "forwardauth_cache_max_staleness_seconds",
        "Age of the oldest word of Redis that an answer was given on, in the last second; at most 0.5.",
        &[THREAD],
    )
    .when(WITH_CACHE),
    Metric::gauge(
        "forwardauth_connections",
        "Connections that are open now, on the traffic listener.",
        &[PROTOCOL],
    ),
    Metric::counter(
        "forwardauth_connections_total",
        "Connections that were accepted. For 500 requests of Traefik a handful: traefik/README.md.",
        &[PROTOCOL],
    ),
    Metric::counter(
        "forwardauth_connections_refused_total",
        "Connections that were closed at once because of `FORWARDAUTH_MAX_CONNECTIONS`.",
        &[],
    ),
    Metric::counter(
        "forwardauth_tls_handshakes_total",
        "TLS handshakes, by how they ended.",
        &[Label::all("result", &["full", "resumed", "failed"])],
    ),
    TLS_CERTIFICATE_RELOADS,
    TLS_CERTIFICATE_EXPIRY,
    CONFIG_RELOADS,
    CONFIG_LAST_RELOAD_SUCCESSFUL,
    OTEL_SPANS_EXPORTED,
    OTEL_SPANS_DROPPED,
    BUILD_INFO,
];

/// Those that are there only where the BFF is asked.
pub(crate) fn appear_with_bff() {
    METRICS.iter().filter(|metric| metric.when == Some(WITH_BFF)).for_each(Metric::appear);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_documented_is_what_is_counted() {
        let (document, table) =
            (include_str!("../../../docs/METRICS.md"), shell::metrics::table(METRICS));
        assert!(document.contains(&table), "docs/METRICS.md has another table than\n{table}");
    }
}
