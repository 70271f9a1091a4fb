//! Owns: how cookies are written: SameSite and Secure, checked against where we are.

use session::settings::CookieBasics;
use shell::config::Settings;

use super::Network;

/// `SameSite` of the session cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameSite {
    /// Sent with top-level navigations from elsewhere.
    Lax,
    /// Never sent from elsewhere.
    Strict,
    /// Always sent.
    None,
}

/// How the session cookie is written.
#[derive(Debug, Clone)]
pub struct CookieSettings {
    /// Its name.
    pub name: String,
    /// Its domain; `None` for host-only.
    pub domain: Option<String>,
    /// Whether it is `Secure`.
    pub secure: bool,
    /// `BFF_COOKIE_SAMESITE`.
    pub same_site: SameSite,
}

impl CookieSettings {
    pub(super) fn read(settings: &mut Settings, network: &Network) -> Self {
        let CookieBasics { name, domain, secure } = CookieBasics::read(settings);
        let same_site =
            settings.parsed("BFF_COOKIE_SAMESITE", "Use Lax, Strict or None.", SameSite::parse);
        let same_site = same_site.unwrap_or(SameSite::Lax);
        if !secure {
            if network.is_loopback() {
                settings.warn("BFF_COOKIE_SECURE=false: the session cookie travels in clear text");
            } else {
                settings.problem(
                    "BFF_COOKIE_SECURE",
                    "is false on a host that is not loopback",
                    "Serve over TLS; without Secure anyone on the way reads the session cookie.",
                );
            }
            if same_site == SameSite::None {
                settings.problem(
                    "BFF_COOKIE_SAMESITE",
                    "is None without BFF_COOKIE_SECURE",
                    "Browsers drop such a cookie; use Lax or Strict.",
                );
            }
        }
        Self { name, domain, secure, same_site }
    }
}

impl SameSite {
    fn parse(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "lax" => Ok(Self::Lax),
            "strict" => Ok(Self::Strict),
            "none" => Ok(Self::None),
            _ => Err("is not a SameSite value".to_owned()),
        }
    }
}
