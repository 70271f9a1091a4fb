//! Owns: refusing settings that the product knows and this version does not implement. To ignore one would
//! be to fail open (class T9).

use shell::config::Settings;

const PROBLEM: &str = "is not available in this version";

/// Settings that must not be set.
const UNSET: [&str; 1] = ["FORWARDAUTH_TLS_CLIENT_CA"];

/// Notes a problem for each.
pub(super) fn refuse(settings: &mut Settings) {
    for name in UNSET {
        if settings.text(name).is_some() {
            settings.problem(name, PROBLEM, "Remove it.");
        }
    }
}
