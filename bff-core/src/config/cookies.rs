//! Owns: refusing session cookies in clear text beyond this machine.

use session::settings::CookieSettings;
use shell::config::Settings;

/// `is_loopback`: whether everything the outside sees of us is this machine.
pub(super) fn check(settings: &mut Settings, cookies: &CookieSettings, is_loopback: bool) {
    if cookies.secure {
        return;
    }
    if is_loopback {
        let warning = "is false: the session cookie travels in clear text";
        settings.warn("BFF_COOKIE_SECURE", warning, "Serve over TLS, and remove it.");
    } else {
        settings.problem(
            "BFF_COOKIE_SECURE",
            "is false on a host that is not loopback",
            "Serve over TLS; without Secure anyone on the way reads the session cookie.",
        );
    }
}
