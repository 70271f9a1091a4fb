//! Owns: the list of what `bff` counts (docs/METRICS.md).

use shell::metrics::{
    BUILD_INFO, CONFIG_LAST_RELOAD_SUCCESSFUL, CONFIG_RELOADS, FAST, Label, Metric,
    OTEL_SPANS_DROPPED, OTEL_SPANS_EXPORTED, SCORE, SLOW, TLS_CERTIFICATE_EXPIRY,
    TLS_CERTIFICATE_RELOADS,
};

const ROUTE: Label = Label::configured("route", "ids of routes");
const SERVICE: Label = Label::configured("service", "names of services");
const PAGE: Label = Label::configured("page", "those of `bff.yaml`, `other`");
const ROUTES: &str = "from the start, for the routes that there are";
const SERVICES: &str = "from the start, for the services that routes name";
const DURABLE: &str = "with `DATABASE_URL`";
const REPORTED: &str = "once a page has reported it";

/// Everything.
pub const METRICS: &[Metric] = &[
    Metric::histogram(
        "bff_oauth_flow_duration_seconds",
        FAST,
        "Time of our part of a login, by stage.",
        &[Label::all("stage", &["begin", "callback"])],
    ),
    Metric::counter(
        "bff_logins_failed_total",
        "Logins that led to no session. `not_accepted` is the provider's refusal, or an answer of which a check failed.",
        &[Label::all(
            "reason",
            &[
                "idp_unavailable",
                "not_accepted",
                "store_unavailable",
                "context_unavailable",
                "login_loop",
                "other",
            ],
        )],
    ),
    Metric::counter(
        "bff_idp_requests_total",
        "Calls to identity providers. `rejected`: 4xx; `nonce`: 4xx, asked again with the nonce; `busy`: 429 or 5xx; \
         `nonsense`: an answer that cannot be used.",
        &[
            Label::all(
                "operation",
                &["discovery", "jwks", "par", "token", "userinfo", "revocation", "introspection"],
            ),
            Label::all(
                "outcome",
                &[
                    "ok",
                    "rejected",
                    "nonce",
                    "busy",
                    "connect",
                    "timeout",
                    "interrupted",
                    "nonsense",
                ],
            ),
        ],
    ),
    Metric::gauge(
        "bff_active_sessions_total",
        "About how many sessions the store holds. Every replica tells the same: use `max`, never `sum`.",
        &[],
    )
    .when("once the store has answered"),
    Metric::gauge("bff_database_up", "Whether PostgreSQL answers.", &[]).when(DURABLE),
    Metric::gauge(
        "bff_database_writes_waiting",
        "Writes that PostgreSQL missed and that this replica will make up for.",
        &[],
    )
    .when(DURABLE),
    Metric::counter(
        "bff_database_writes_missed_total",
        "Writes that were made in Redis alone, because PostgreSQL was away.",
        &[],
    )
    .when(DURABLE),
    Metric::counter(
        "bff_database_writes_lost_total",
        "Those among them that nobody makes up for, because there were too many.",
        &[],
    )
    .when(DURABLE),
    Metric::counter(
        "bff_sessions_read_from_database_total",
        "Sessions that were read from PostgreSQL, because Redis was away or had lost them.",
        &[],
    )
    .when(DURABLE),
    Metric::counter(
        "bff_sessions_restored_total",
        "Sessions that were given back to a Redis that had lost its data.",
        &[],
    )
    .when(DURABLE),
    Metric::counter(
        "bff_sessions_ended_again_total",
        "Sessions that had ended, came back with Redis, and were ended again.",
        &[],
    )
    .when(DURABLE),
    Metric::counter(
        "bff_sessions_ended_total",
        "Sessions that this program ended, by reason: as in `session.revoked` of the audit log.",
        &[Label::all(
            "reason",
            &[
                "logout",
                "replaced",
                "revoked",
                "admin",
                "backchannel_logout",
                "evicted",
                "signed_out_meanwhile",
                "binding",
                "invalid_grant",
                "contradiction",
                "refresh_lost",
                "identity_too_long",
            ],
        )],
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
        "bff_csrf_rejected_total",
        "Requests that were refused as cross-site.",
        &[Label::all(
            "reason",
            &[
                "csrf_origin",
                "csrf_fetch_site",
                "csrf_header_missing",
                "csrf_token_invalid",
                "csrf_origin_missing",
            ],
        )],
    ),
    Metric::counter(
        "bff_backchannel_logouts_total",
        "Logout tokens of IdPs, by what became of them. Of those refused the log has the reason.",
        &[Label::all("outcome", &["done", "repeated", "refused", "limited", "unavailable"])],
    ),
    Metric::counter(
        "bff_token_refresh_success_total",
        "Token refreshes that gave new tokens.",
        &[],
    ),
    Metric::counter(
        "bff_token_refresh_failed_total",
        "Token refreshes that did not.",
        &[Label::main(
            "reason",
            &[
                "invalid_grant",
                "contradiction",
                "rejected",
                "unavailable",
                "unknown",
                "refresh_lost",
                "session_gone",
                "identity_too_long",
                "lease_held",
                "stale",
                "store_lost",
                "store_unavailable",
                "store_timeout",
                "store_refused",
                "provider_gone",
            ],
        )],
    ),
    Metric::histogram(
        "bff_refresh_wait_seconds",
        FAST,
        "Time that requests waited for a token refresh.",
        &[],
    ),
    Metric::counter(
        "bff_token_refresh_joins_total",
        "Requests that waited for a refresh which another had begun.",
        &[],
    ),
    Metric::counter(
        "bff_token_refresh_sent_again_total",
        "Refresh tokens that were sent a second time, within `OIDC_REFRESH_GRACE`.",
        &[],
    ),
    Metric::histogram(
        "bff_refresh_lease_wait_seconds",
        FAST,
        "Time that refreshes waited for another replica, by how that ended.",
        &[Label::all("result", &["acquired", "settled", "gave_up"])],
    ),
    Metric::counter(
        "bff_refresh_lease_lost_total",
        "Leases that ran out under a refresh: Redis or the process stood still.",
        &[],
    ),
    Metric::counter(
        "bff_user_context_reads_total",
        "Sources of user contexts that were asked.",
        &[Label::all("outcome", &["ok", "failed"])],
    ),
    Metric::histogram(
        "bff_proxy_request_duration_seconds",
        FAST,
        "Time of proxied requests, from their header to that of the answer.",
        &[ROUTE, Label::all("status_class", &["1xx", "2xx", "3xx", "4xx", "5xx"])],
    )
    .when(ROUTES),
    Metric::counter(
        "bff_upstream_requests_total",
        "Attempts at services. `nonsense` is no HTTP, or our certificate refused; `refused` is the breaker's.",
        &[
            SERVICE,
            Label::all(
                "result",
                &["answered", "refused", "connect", "reset", "timeout", "nonsense"],
            ),
        ],
    )
    .when(SERVICES),
    Metric::counter(
        "bff_upstream_retries_total",
        "Attempts at services beyond the first, by why.",
        &[
            SERVICE,
            Label::all("reason", &["connect", "reset", "timeout", "status", "nonsense"]),
        ],
    )
    .when(SERVICES),
    Metric::gauge("bff_upstream_breaker_open", "1 while a service is left alone.", &[SERVICE])
        .when(SERVICES),
    Metric::gauge(
        "bff_proxy_streams",
        "Streams of the proxy that are open now.",
        &[Label::all("kind", &["answer", "upload", "websocket"])],
    ),
    Metric::counter(
        "bff_proxy_streams_cut_total",
        "Streams of the proxy that `bff` ended. `silent` was the service, `unread` the browser.",
        &[Label::all("reason", &["session_over", "silent", "unread", "no_room", "process_ends"])],
    ),
    Metric::gauge("bff_event_streams", "Streams of `/api/auth/events` that are open now.", &[]),
    Metric::counter(
        "bff_rate_limited_total",
        "Requests that were refused as too many. `route:` and its id is a route's own limit.",
        &[Label::main(
            "rule",
            &["login", "auth_post", "session", "proxy", "backchannel", "telemetry"],
        )],
    ),
    Metric::counter(
        "bff_rate_limit_local_total",
        "Requests that this process counted alone, by why the store did not.",
        &[Label::all(
            "reason",
            &["too_slow", "store_unavailable", "store_timeout", "store_refused"],
        )],
    ),
    Metric::histogram(
        "bff_spa_vital_seconds",
        SLOW,
        "Web Vitals that pages report. Anybody can: believe trends and no single number.",
        &[Label::all("vital", &["lcp", "fcp", "inp", "ttfb"]), PAGE],
    )
    .when(REPORTED),
    Metric::histogram(
        "bff_spa_layout_shift_score",
        SCORE,
        "Cumulative layout shift that pages report.",
        &[PAGE],
    )
    .when(REPORTED),
    Metric::counter("bff_spa_errors_total", "Errors of script that pages report.", &[PAGE])
        .when(REPORTED),
    Metric::counter(
        "bff_spa_events_total",
        "Events that pages report.",
        &[Label::configured("event", "those of `bff.yaml`"), PAGE],
    )
    .when(REPORTED),
    Metric::counter(
        "bff_spa_rejected_total",
        "Events of reports that do not count.",
        &[Label::all("reason", &["name", "value"])],
    ),
    Metric::counter(
        "bff_audit_write_failures_total",
        "Records of the chained audit log that were not written: `file` and `stdout` each lack theirs, \
         `queue_full` and `ended` are nowhere.",
        &[Label::all("reason", &["queue_full", "ended", "stdout", "file"])],
    ),
    TLS_CERTIFICATE_RELOADS,
    TLS_CERTIFICATE_EXPIRY,
    CONFIG_RELOADS,
    CONFIG_LAST_RELOAD_SUCCESSFUL,
    OTEL_SPANS_EXPORTED,
    OTEL_SPANS_DROPPED,
    BUILD_INFO,
];

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
