//! Owns: the list of the settings of verify (docs/CONFIGURATION.md).

use session::settings::catalogue::{BOTH, CONTEXT};
use shell::config::Settings;
use shell::config::catalogue::Unset::{Is, Means};
use shell::config::catalogue::{self, Setting};
use shell::traces::TRACES;

/// What verify reads beside what both programs do.
pub const SETTINGS: [Setting; 22] = [
    Setting::text("FORWARDAUTH_LISTEN", Is("0.0.0.0:8001"), "for Traefik"),
    Setting::text(
        "FORWARDAUTH_ADMIN_LISTEN",
        Is("0.0.0.0:9001"),
        "`/metrics`, `/health`, `/health/live`, `/health/ready`; never for the internet",
    ),
    Setting::pem(
        "FORWARDAUTH_TLS_CERT",
        Means("plain HTTP/1.1"),
        "with its key TLS 1.2 and 1.3, HTTP/2 before HTTP/1.1, sessions resumed by tickets. What Traefik should use (`traefik/README.md`). Files are reloaded, see [Certificates](#certificates)",
    ),
    Setting::secret_pem("FORWARDAUTH_TLS_KEY", Means("plain HTTP/1.1"), "both or neither"),
    Setting::text(
        "FORWARDAUTH_MAX_CONNECTIONS",
        Is("50000"),
        "1 to 1000000, on all threads together. One more is closed at once and counted. Each needs a file descriptor",
    ),
    Setting::text(
        "FORWARDAUTH_THREADS",
        Means("one a core"),
        "1 to 256. Each has a listener, and two connections to Redis: one for reads, one for the rest (Sentinel, Cluster: one for both)",
    ),
    Setting::text(
        "FORWARDAUTH_DEADLINE_MS",
        Is("250"),
        "10 to 20000. Verify answers 503 rather than wait longer for Redis",
    ),
    Setting::text(
        "FORWARDAUTH_DURABLE_SESSIONS",
        Is("false"),
        "`true` where `bff` has `DATABASE_URL`: while Redis may have lost its data, a session that it does not know is 503 and not 401, see [Sessions that outlive Redis](#sessions-that-outlive-redis)",
    ),
    Setting::text("FORWARDAUTH_CACHE", Is("off"), "or `tracking`, see [The cache](#the-cache)"),
    Setting::text(
        "FORWARDAUTH_CACHE_MAX_AGE_MS",
        Is("5000"),
        "100 to 60000. Longest use of what was read once",
    ),
    Setting::text(
        "FORWARDAUTH_CACHE_ENTRIES",
        Is("20000"),
        "1 to 10000000. Most sessions kept, shared out evenly among the threads. A session that several threads are asked about takes a place in each",
    ),
    Setting::text(
        "FORWARDAUTH_LOGIN_URL",
        Is("/auth/login"),
        "a path on the same host, or an absolute URL of a central login, which is then given an absolute `return_to`. Visible ASCII without `#` and ``\"<>\\^`{\\|}``",
    ),
    Setting::text(
        "FORWARDAUTH_INLINE_POLICY",
        Is("false"),
        "lets the query of the middleware's address narrow who passes",
    ),
    Setting::text(
        "FORWARDAUTH_BFF_URL",
        Means("asks nobody"),
        "the BFF's admin listener, such as `https://bff:9000`, without a path. See [What verify asks of the BFF](#what-verify-asks-of-the-bff). Plain `http` is warned of unless on loopback",
    ),
    Setting::secret(
        "BFF_INTERNAL_TOKEN",
        Means("required with the URL"),
        "the same as in `bff`; `openssl rand -base64 32` makes one",
    ),
    Setting::pem(
        "FORWARDAUTH_BFF_CA",
        Means("the system's authorities"),
        "then trusted alone for the BFF",
    ),
    Setting::text(
        "FORWARDAUTH_AUTHORIZATION",
        Is("none"),
        "what `Authorization` a 200 carries where no policy says so. `access`: `Bearer <access token>`; needs the URL. `context`: `Bearer <`[context token](#context-tokens)`>`; needs `BFF_CONTEXT_KEYS` and the next one",
    ),
    Setting::text(
        "FORWARDAUTH_CONTEXT_AUD",
        Means("required with `context`"),
        "`aud` of context tokens where a policy names none",
    ),
    Setting::text(
        "FORWARDAUTH_REFRESH_WAIT_MS",
        Is("5000"),
        "10 to 20000. Longest wait for an access token, beyond `FORWARDAUTH_DEADLINE_MS`; then 503",
    ),
    Setting::text(
        "OIDC_ISSUER",
        Means("none"),
        "as in `bff`; only compared with `BFF_CONTEXT_ISSUER`, which must be another",
    ),
    Setting::pem(
        "OIDC_TLS_CA",
        Means("none"),
        "as in `bff`, for the keys of [bearer tokens](#bearer-tokens-at-verify)",
    ),
    Setting::text(
        "OIDC_USER_ID_CLAIM",
        Is("sub"),
        "as in `bff`, for [bearer tokens](#bearer-tokens-at-verify)",
    ),
];

/// Everything that verify reads.
pub const ALL: [&[Setting]; 4] = [&BOTH, &TRACES, &CONTEXT, &SETTINGS];

/// Names of `bff` are its own to judge.
pub(super) fn warn_of_unknown(settings: &mut Settings) {
    catalogue::warn_of_unknown(settings, &["FORWARDAUTH_"], &ALL);
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use shell::config::held::{Program, documented};
    use shell::telemetry::LogConfig;

    use super::super::{Config, Embedding};
    use super::*;

    const KEY: &str = "e1:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";

    const CONTEXT_KEY: &str = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    /// With an `idps.yaml`.
    const FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/first_design");

    fn program() -> Program<'static, (LogConfig, Config)> {
        Program {
            good: &[
                ("REDIS_URL", "redis://127.0.0.1:6379"),
                ("BFF_EDGE_KEYS", KEY),
                ("BFF_TRUSTED_PROXIES", "127.0.0.1"),
                // So that the cache's settings count.
                ("FORWARDAUTH_THREADS", "1"),
            ],
            more: &[
                &[
                    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318"),
                    ("OTEL_TRACES_SAMPLER", "traceidratio"),
                ],
                &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")],
                &[("FORWARDAUTH_BFF_URL", "http://127.0.0.1:9000"), ("BFF_INTERNAL_TOKEN", "x")],
                &[("BFF_CONTEXT_KEYS", CONTEXT_KEY), ("BFF_CONTEXT_ISSUER", "https://app.example")],
                &[("FORWARDAUTH_CACHE", "tracking")],
                &[("BFF_CONFIG_DIR", FILES)],
                &[("FORWARDAUTH_LISTEN", "[::1]:1"), ("FORWARDAUTH_ADMIN_LISTEN", "[::1]:2")],
            ],
            catalogue: &ALL,
            unwanted: &[
                "BFF_SESSION_KEYS",
                "BFF_SESSION_KEYS_FILE",
                "FORWARDAUTH_TLS_CLIENT_CA",
                "OTEL_EXPORTER_OTLP_COMPRESSION",
                "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
                "OTEL_EXPORTER_OTLP_CLIENT_KEY",
                "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY",
                "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
                "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
            ],
            read: |settings| {
                let log = LogConfig::from_settings(settings);
                Some(log).zip(Config::from_settings(settings, Embedding::Standalone))
            },
        }
    }

    #[test]
    fn every_setting_is_listed_as_it_is_read() {
        program().reads_what_is_listed();
    }

    #[test]
    fn every_default_is_the_one_that_is_listed() {
        program().has_the_defaults_that_are_listed();
    }

    #[test]
    fn the_documentation_has_the_list() {
        let document = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/CONFIGURATION.md"));
        documented(document, "both", &BOTH);
        documented(document, "traces", &TRACES);
        documented(document, "context", &CONTEXT);
        documented(document, "forwardauth", &SETTINGS);
    }
}
