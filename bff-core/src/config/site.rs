//! Owns: how one tenant's users see us: the address that redirect URIs are built on, and who else may send
//! browsers here or be sent them.

use shell::config::{Settings, parse};
use shell::origin::Origin;

/// The public side of a tenant, or of a deployment without tenants.
#[derive(Debug, Clone, Default)]
pub struct Site {
    /// `BFF_DEFAULT_SCHEME` and `BFF_DEFAULT_HOST`: the origin that redirect URIs are built on.
    pub default_origin: Option<Origin>,
    /// `BFF_DYNAMIC_CALLBACK`: build them on the request's host where that is allowed.
    pub dynamic_callback: bool,
    /// `BFF_ALLOWED_REDIRECT_HOSTS`, each with its port where it is not the default.
    pub allowed_hosts: Vec<String>,
    /// `BFF_CORS_ORIGINS`.
    pub cors_origins: Vec<Origin>,
    /// Where the IdP sends the browser after logout; `None` for the login page of its host.
    pub post_logout_redirect_uri: Option<String>,
}

impl Site {
    /// That of a deployment, which tenants may override.
    pub(super) fn read(settings: &mut Settings) -> Self {
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
        let allowed_hosts = allowed_hosts.unwrap_or_default();
        if dynamic_callback == Some(true) && allowed_hosts.is_empty() {
            settings.problem(
                "BFF_ALLOWED_REDIRECT_HOSTS",
                "is empty while redirect URIs are built on the request's host",
                "List the hosts you serve.",
            );
        }
        let post_logout_redirect_uri = settings.parsed(
            "BFF_POST_LOGOUT_REDIRECT_URI",
            "Give the URI that is registered at the IdP.",
            uri,
        );
        Self {
            default_origin,
            dynamic_callback: dynamic_callback.unwrap_or(false),
            allowed_hosts,
            cors_origins: cors_origins.unwrap_or_default(),
            post_logout_redirect_uri,
        }
    }

    /// The origin that the IdP sends browsers back to: the configured one, or with
    /// `BFF_DYNAMIC_CALLBACK` that of the request where its host is listed.
    pub fn public_origin<'a>(&'a self, request: Option<&'a Origin>) -> Option<&'a Origin> {
        let listed =
            |origin: &&Origin| self.allowed_hosts.iter().any(|allowed| allowed == origin.host());
        let dynamic = request.filter(|_| self.dynamic_callback).filter(listed);
        let own = request.filter(|_| !self.dynamic_callback);
        dynamic.or(self.default_origin.as_ref()).or(own)
    }
}

/// `BFF_DEFAULT_SCHEME`.
pub(super) fn default_scheme(settings: &mut Settings) -> String {
    let scheme = settings.parsed("BFF_DEFAULT_SCHEME", "Use https or http.", |text| match text {
        "https" | "http" => Ok(text.to_owned()),
        _ => Err("is not a scheme".to_owned()),
    });
    scheme.unwrap_or_else(|| "https".to_owned())
}

fn default_origin(settings: &mut Settings) -> Option<Origin> {
    let scheme = default_scheme(settings);
    settings.parsed("BFF_DEFAULT_HOST", "For example app.example.com.", |host| {
        Origin::of_request(&scheme, host).ok_or_else(|| "is not a host".to_owned())
    })
}

pub(super) fn host(text: &str) -> Result<String, String> {
    let origin = Origin::of_request("https", text).ok_or_else(|| "is not a host".to_owned())?;
    Ok(origin.host().to_owned())
}

pub(super) fn uri(text: &str) -> Result<String, String> {
    url::Url::parse(text).map(|_| text.to_owned()).map_err(|_| "is not a URL".to_owned())
}
