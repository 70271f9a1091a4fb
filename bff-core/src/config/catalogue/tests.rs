use std::path::Path;

use shell::config::held::{Program, documented};

use super::super::Config;
use super::*;
use crate::testing::CONTEXT_KEY;

const KEY: &str = "k1:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";
const EDGE_KEY: &str = "e1:ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";

/// With a `routes.yaml` and an `idps.yaml`.
const FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/first_design");

fn program() -> Program<'static, Config> {
    Program {
        good: &[
            ("REDIS_URL", "redis://127.0.0.1:6379"),
            ("BFF_SESSION_KEYS", KEY),
            ("BFF_EDGE_KEYS", EDGE_KEY),
            ("BFF_TRUSTED_PROXIES", "127.0.0.1"),
            ("BFF_ALLOWED_REDIRECT_HOSTS", "app.localhost"),
            ("BFF_DEFAULT_HOST", "app.localhost"),
            ("OIDC_ISSUER", "https://idp.example"),
            ("OIDC_CLIENT_ID", "bff"),
            ("OIDC_CLIENT_SECRET", "secret"),
        ],
        more: &[
            &[
                ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318"),
                ("OTEL_TRACES_SAMPLER", "traceidratio"),
            ],
            &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")],
            &[("OIDC_CLIENT_AUTH", "private_key_jwt")],
            &[("OIDC_CLIENT_AUTH", "tls_client_auth")],
            &[("OIDC_PROFILE", "fapi2"), ("OIDC_CLIENT_AUTH", "private_key_jwt")],
            &[("BFF_CONTEXT_KEYS", CONTEXT_KEY), ("BFF_CONTEXT_ISSUER", "https://app.example")],
            &[("BFF_CONFIG_DIR", FILES), ("BFF_INTERNAL_HMAC_SECRET", "0123456789abcdef")],
            &[("BFF_AUDIT_CHAIN", "true")],
            &[
                ("BFF_LISTEN", "[::1]:1"),
                ("BFF_ADMIN_LISTEN", "[::1]:2"),
                ("OIDC_ISSUER", "http://localhost:3"),
            ],
        ],
        catalogue: &ALL,
        unwanted: &[
            "HTTPS_PROXY",
            "OTEL_EXPORTER_OTLP_COMPRESSION",
            "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
            "OTEL_EXPORTER_OTLP_CLIENT_KEY",
            "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY",
            "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
            "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
        ],
        read: |settings| Config::read(settings, false),
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
    documented(document, "bff", &SETTINGS);
    documented(document, "oidc", &OIDC);
}
