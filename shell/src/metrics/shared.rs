//! Owns: the metrics of what every program wears.

use super::{Label, Metric};

const TAKEN: Label = Label::all("result", &["ok", "refused"]);

/// Which program this is.
pub const BUILD_INFO: Metric = Metric::gauge(
    "build_info",
    "1, with the program and its version as labels.",
    &[
        Label::configured("program", "`forwardauth` or `bff`"),
        Label::configured("version", "of the program"),
    ],
);

/// Whether what is in the files is in use.
pub const CONFIG_LAST_RELOAD_SUCCESSFUL: Metric = Metric::gauge(
    "config_last_reload_successful",
    "0 while something old is in use because a new certificate or file is broken, else 1.",
    &[],
);

/// New files.
pub const CONFIG_RELOADS: Metric = Metric::counter(
    "config_reloads_total",
    "New contents of configuration files, taken or refused.",
    &[
        Label::configured(
            "file",
            "`forwardauth.yaml`, `tenants.yaml`, `routes.yaml`, `idps.yaml`, `bff.yaml`, `files of providers`, and the variables of secrets that are read again, such as `BFF_EDGE_KEYS_FILE`",
        ),
        TAKEN,
    ],
)
.when("from the start, for the files that are watched");

/// New certificates.
pub const TLS_CERTIFICATE_RELOADS: Metric = Metric::counter(
    "tls_certificate_reloads_total",
    "New certificates, taken or refused.",
    &[Label::configured("listener", "`traffic`, in `bff` also `admin`"), TAKEN],
)
.when("from the start, for listeners with TLS");

/// Until when the certificate is good.
pub const TLS_CERTIFICATE_EXPIRY: Metric = Metric::gauge(
    "tls_certificate_expiry_timestamp_seconds",
    "When the certificate that is shown expires, in Unix time.",
    &[Label::configured("listener", "`traffic`, in `bff` also `admin`")],
)
.when("from the start, for listeners with TLS");

const WITH_TRACES: &str = "with `OTEL_EXPORTER_OTLP_ENDPOINT`";

/// Spans that were sent.
pub const OTEL_SPANS_EXPORTED: Metric =
    Metric::counter("otel_spans_exported_total", "Spans that the collector has taken.", &[])
        .when(WITH_TRACES);

/// Spans that were not.
pub const OTEL_SPANS_DROPPED: Metric = Metric::counter(
    "otel_spans_dropped_total",
    "Spans that nobody will see: no place to wait, given up, not taken by the collector, left at the end.",
    &[Label::all("reason", &["queue_full", "failed", "rejected", "shutdown"])],
)
.when(WITH_TRACES);
