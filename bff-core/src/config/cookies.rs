//! Owns: checking the cookie's settings against where we are.

use session::settings::CookieSettings;
use shell::config::Settings;

use super::Network;
use crate::cookies::Cookies;

/// Reads the settings that verify reads too, and refuses clear text beyond this machine.
pub(super) fn read(settings: &mut Settings, network: &Network) -> Cookies {
    let cookies = CookieSettings::read(settings);
    if !cookies.secure {
        if network.is_loopback() {
            settings.warn("BFF_COOKIE_SECURE=false: the session cookie travels in clear text");
        } else {
            settings.problem(
                "BFF_COOKIE_SECURE",
                "is false on a host that is not loopback",
                "Serve over TLS; without Secure anyone on the way reads the session cookie.",
            );
        }
    }
    Cookies::new(cookies)
}
