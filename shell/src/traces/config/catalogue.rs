//! Owns: the list of the settings of traces (docs/CONFIGURATION.md).

use crate::config::catalogue::Setting;
use crate::config::catalogue::Unset::{Is, Means};

/// What both programs read.
pub const TRACES: [Setting; 18] = [
    Setting::text(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        Means("off"),
        "the collector, such as `http://collector:4318`; `/v1/traces` is put behind it. Without one nothing else in this table is looked at",
    ),
    Setting::text("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", Means("off"), "the same, taken as it is"),
    Setting::secret(
        "OTEL_EXPORTER_OTLP_HEADERS",
        Means("none"),
        "list of `name=value`, percent-encoded, such as `authorization=Basic%20...`",
    ),
    Setting::secret("OTEL_EXPORTER_OTLP_TRACES_HEADERS", Means("the one above"), ""),
    Setting::pem(
        "OTEL_EXPORTER_OTLP_CERTIFICATE",
        Means("the system's authorities"),
        "whom an `https` collector is believed by; stands alone",
    ),
    Setting::pem("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", Means("the one above"), ""),
    Setting::text(
        "OTEL_EXPORTER_OTLP_TIMEOUT",
        Is("10000"),
        "10 to 60000, for one request to the collector",
    ),
    Setting::text("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", Means("the one above"), ""),
    Setting::text("OTEL_EXPORTER_OTLP_PROTOCOL", Means("`http/protobuf`"), "any other is refused"),
    Setting::text("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", Means("the one above"), ""),
    Setting::text(
        "OTEL_TRACES_SAMPLER",
        Is("parentbased_always_on"),
        "`always_on`, `always_off`, `traceidratio`, or one of them behind `parentbased_`: then whoever began the trace decides, and these for traces that begin here",
    ),
    Setting::text(
        "OTEL_TRACES_SAMPLER_ARG",
        Is("1.0"),
        "the share for `traceidratio`, from 0 to 1",
    ),
    Setting::text("OTEL_SERVICE_NAME", Means("`forwardauth`, `bff`"), "`service.name`"),
    Setting::text(
        "OTEL_RESOURCE_ATTRIBUTES",
        Means("none"),
        "list of `key=value`, percent-encoded, that is told with every span",
    ),
    Setting::text(
        "OTEL_BSP_SCHEDULE_DELAY",
        Is("5000"),
        "10 to 60000: longest time that a span waits for others",
    ),
    Setting::text(
        "OTEL_BSP_MAX_QUEUE_SIZE",
        Is("2048"),
        "512 to 65536 spans that wait; what comes beyond is dropped and counted",
    ),
    Setting::text("OTEL_TRACES_EXPORTER", Is("otlp"), "`none` is off"),
    Setting::text("OTEL_SDK_DISABLED", Is("false"), "`true` is off"),
];
