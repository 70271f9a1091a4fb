//! Owns: refusing settings that the product knows and this version does not implement. To ignore one would
//! be to fail open (class T9).

use std::path::Path;

use shell::config::Settings;

const PROBLEM: &str = "is not available in this version";

/// Settings that must not be set.
const UNSET: [&str; 1] = ["FORWARDAUTH_TLS_CLIENT_CA"];

/// Files that must not exist in `BFF_CONFIG_DIR`.
const FILES: [&str; 1] = ["tenants.yaml"];

/// Notes a problem for each.
pub(super) fn refuse(settings: &mut Settings) {
    for name in UNSET {
        if settings.text(name).is_some() {
            settings.problem(name, PROBLEM, "Remove it.");
        }
    }
    if settings.text("OTEL_EXPORTER_OTLP_ENDPOINT").is_some() {
        settings.warn("OTEL_EXPORTER_OTLP_ENDPOINT is set: this version exports no traces");
    }
    let directory = settings.text("BFF_CONFIG_DIR").unwrap_or_else(|| "/app/config".to_owned());
    for file in FILES {
        // A file that cannot be looked at may well be there.
        if Path::new(&directory).join(file).try_exists().unwrap_or(true) {
            settings.problem(file, PROBLEM, "Remove it from BFF_CONFIG_DIR.");
        }
    }
}
