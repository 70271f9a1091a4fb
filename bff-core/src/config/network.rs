//! Owns: listeners, TLS, public address, allowed origins and hosts.

use std::net::SocketAddr;

use http::HeaderName;
use shell::config::{Settings, parse};
use shell::origin::Origin;
use shell::tls::Tls;

/// Where `bff` listens and how the outside sees it.
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
    /// `BFF_DEFAULT_SCHEME` and `BFF_DEFAULT_HOST`: the origin that redirect URIs are built on.
    pub default_origin: Option<Origin>,
    /// `BFF_DYNAMIC_CALLBACK`: build them on the request's host where that is allowed.
    pub dynamic_callback: bool,
    /// `BFF_ALLOWED_REDIRECT_HOSTS`, each with its port where it is not the default.
    pub allowed_hosts: Vec<String>,
    /// `BFF_CORS_ORIGINS`.
    pub cors_origins: Vec<Origin>,
    /// `BFF_CSRF_HEADER`.
    pub csrf_header: HeaderName,
    /// Where the IdP sends the browser after logout; `None` for the login page of its host.
    pub post_logout_redirect_uri: Option<String>,
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
        let default_origin = default_origin(settings);
        let dynamic_callback =
            settings.parsed("BFF_DYNAMIC_CALLBACK", "Use true or false.", parse::switch);
        let allowed_hosts = settings.parsed(
            "BFF_ALLOWED_REDIRECT_HOSTS",
            "List hosts, for example app.example.com,admin.example.com:8443.",
            parse::list(host),
        );
        let cors_origins = settings.parsed(
            "BFF_CORS_ORIGINS",
            "List exact origins, for example https://app.example.com; never *.",
            parse::list(|text| Origin::parse(text).ok_or_else(|| "is not an origin".to_owned())),
        );
        let csrf_header = settings.parsed(
            "BFF_CSRF_HEADER",
            "For example X-CSRF-Token.",
            parse::any("a header name"),
        );
        let allowed_hosts = allowed_hosts.unwrap_or_default();
        if dynamic_callback == Some(true) && allowed_hosts.is_empty() {
            settings.problem(
                "BFF_ALLOWED_REDIRECT_HOSTS",
                "is empty while redirect URIs are built on the request's host",
                "List the hosts you serve.",
            );
        }
        Self {
            listen,
            admin_listen,
            tls,
            admin_tls,
            default_origin,
            dynamic_callback: dynamic_callback.unwrap_or(false),
            allowed_hosts,
            cors_origins: cors_origins.unwrap_or_default(),
            csrf_header: csrf_header.unwrap_or(HeaderName::from_static("x-csrf-token")),
            post_logout_redirect_uri: settings.parsed(
                "BFF_POST_LOGOUT_REDIRECT_URI",
                "Give the URI that is registered at the IdP.",
                |text| {
                    url::Url::parse(text)
                        .map(|_| text.to_owned())
                        .map_err(|_| "is not a URL".to_owned())
                },
            ),
        }
    }

    /// The origin that the IdP sends browsers back to: the configured one, or with
    /// `BFF_DYNAMIC_CALLBACK` that of the request where its host is listed.
    pub fn public_origin<'a>(&'a self, request: Option<&'a Origin>) -> Option<&'a Origin> {
        let listed = |origin: &&Origin| {
            let host = origin.as_str().split_once("://").map_or("", |(_, host)| host);
            self.allowed_hosts.iter().any(|allowed| allowed == host)
        };
        let dynamic = request.filter(|_| self.dynamic_callback).filter(listed);
        let own = request.filter(|_| !self.dynamic_callback);
        dynamic.or(self.default_origin.as_ref()).or(own)
    }

    /// Whether everything the outside sees of us is this machine.
    pub fn is_loopback(&self) -> bool {
        match &self.default_origin {
            Some(origin) => origin.is_loopback(),
            None => self.listen.ip().is_loopback(),
        }
    }
}

fn default_origin(settings: &mut Settings) -> Option<Origin> {
    let scheme = settings.parsed("BFF_DEFAULT_SCHEME", "Use https or http.", |text| match text {
        "https" | "http" => Ok(text.to_owned()),
        _ => Err("is not a scheme".to_owned()),
    });
    let scheme = scheme.unwrap_or_else(|| "https".to_owned());
    settings.parsed("BFF_DEFAULT_HOST", "For example app.example.com.", |host| {
        Origin::of_request(&scheme, host).ok_or_else(|| "is not a host".to_owned())
    })
}

fn host(text: &str) -> Result<String, String> {
    let origin = Origin::of_request("https", text).ok_or_else(|| "is not a host".to_owned())?;
    Ok(origin.as_str().trim_start_matches("https://").to_owned())
}
