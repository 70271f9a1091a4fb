//! Owns: options about pages, logs and probes.

use super::Known;

const PAGE: &str = "there is no page with a button; the login begins at the provider";
const ERRORS: &str = "pages for errors have one form; Traefik's errors middleware can show others";
const LOG: &str = "logs are JSON lines on standard output, whose keeper turns and compresses them";
const FORMAT: &str =
    "logs are JSON lines whose fields LOGGING.md lists: teach the reader of the log those";
const PROBE: &str = "probes ask /health/live and /health/ready of the admin listener";

pub(super) const OPTIONS: &[Known] = &[
    Known::gone("banner", PAGE),
    Known::gone("footer", PAGE),
    Known::gone("custom_sign_in_logo", PAGE),
    Known::missing("custom_templates_dir", ERRORS),
    Known::gone("display_htpasswd_form", PAGE).switch(),
    Known::gone("skip_provider_button", PAGE).switch(),
    Known::off("show_debug_on_error", "a page shows a request id, and the log says why"),
    Known::gone("auth_logging", "audit events are always written").switch(),
    Known::missing("auth_logging_format", FORMAT),
    Known::gone(
        "request_logging",
        "what is refused is logged, and all is counted; traces (OTEL_*) show single requests",
    )
    .switch(),
    Known::missing("request_logging_format", FORMAT),
    Known::gone("standard_logging", LOG).switch(),
    Known::missing("standard_logging_format", FORMAT),
    Known::gone("errors_to_info_log", LOG).switch(),
    Known::gone("exclude_logging_paths", "what is allowed is not logged")
        .flag("exclude-logging-path"),
    Known::missing("logging_filename", LOG),
    Known::gone("logging_compress", LOG).switch(),
    Known::gone("logging_local_time", "times are UTC").switch(),
    Known::gone("logging_max_age", LOG),
    Known::gone("logging_max_backups", LOG),
    Known::gone("logging_max_size", LOG),
    Known::gone("silence_ping_logging", "what is allowed is not logged").switch(),
    Known::while_is(
        "request_id_header",
        &["X-Request-Id"],
        "it is X-Request-Id",
        "it is X-Request-Id: let Traefik write that",
    ),
    Known::gone("ping_path", PROBE),
    Known::gone("ping_user_agent", PROBE),
    Known::gone("ready_path", PROBE),
    Known::gone("gcp_healthchecks", PROBE).switch(),
];
