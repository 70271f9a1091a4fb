//! Owns: listeners, TLS, and the name of the CSRF header.

use std::net::SocketAddr;

use http::HeaderName;
use shell::config::{Settings, parse};
use shell::tls::Tls;

/// Where `bff` listens.
#[derive(Debug, Clone)]
pub struct Network {
    /// `BFF_LISTEN`.
    pub listen: SocketAddr,
    /// `BFF_ADMIN_LISTEN`.
    pub admin_listen: SocketAddr,
    /// `BFF_TLS_CERT`, `BFF_TLS_KEY`.
    pub tls: Option<Tls>,
    /// `BFF_ADMIN_TLS_CERT`, `BFF_ADMIN_TLS_KEY`.
    pub admin_tls: Option<Tls>,
    /// `BFF_CSRF_HEADER`.
    pub csrf_header: HeaderName,
}

impl Network {
    pub(super) fn read(settings: &mut Settings) -> Self {
        let mut address = |name: &str, default: SocketAddr| {
            settings
                .parsed(name, "For example 0.0.0.0:8000.", parse::any("an address with a port"))
                .unwrap_or(default)
        };
        let listen = address("BFF_LISTEN", SocketAddr::from(([0, 0, 0, 0], 8000)));
        let admin_listen = address("BFF_ADMIN_LISTEN", SocketAddr::from(([0, 0, 0, 0], 9000)));
        let tls = Tls::from_settings(settings, "BFF_TLS_CERT", "BFF_TLS_KEY");
        let admin_tls = Tls::from_settings(settings, "BFF_ADMIN_TLS_CERT", "BFF_ADMIN_TLS_KEY");
        let csrf_header = settings.parsed(
            "BFF_CSRF_HEADER",
            "For example X-CSRF-Token.",
            parse::any("a header name"),
        );
        Self {
            listen,
            admin_listen,
            tls,
            admin_tls,
            csrf_header: csrf_header.unwrap_or(HeaderName::from_static("x-csrf-token")),
        }
    }
}
