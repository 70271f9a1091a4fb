//! Owns: the settings that the demo gives to its parts: loopback, random keys, the next port for
//! the IdP.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use shell::config::Settings;
use shell::random::{Random, SystemRandom};
use url::{Host, Url};

use crate::idp;

/// `aud` of the access tokens, and what the orders service asks for.
pub(crate) const AUDIENCE: &str = "https://orders.demo.internal";

/// How the BFF is known to the IdP.
const CLIENT_ID: &str = "wicketgate-demo";

/// Short, so that a refresh can be watched.
const ACCESS_TOKEN_SECONDS: u64 = 60;

/// What the parts must agree on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Agreement {
    /// Where people open the demo.
    pub(crate) public: String,
    /// Where its IdP is.
    pub(crate) issuer: String,
    client_secret: String,
    session_keys: String,
    edge_keys: String,
    redis_url: String,
}

impl Agreement {
    /// Fresh keys for the two ports.
    pub(crate) fn fresh(port: u16, idp_port: u16, redis_url: Option<&str>) -> anyhow::Result<Self> {
        if let Some(url) = redis_url {
            ensure!(is_loopback(url), "the demo uses a Redis on loopback only");
        }
        Ok(Self {
            public: format!("http://localhost:{port}"),
            issuer: format!("http://localhost:{idp_port}"),
            client_secret: secret(),
            session_keys: format!("demo:{}", secret()),
            edge_keys: format!("demo:{}", secret()),
            redis_url: redis_url.unwrap_or("memory://").to_owned(),
        })
    }

    /// For both programs.
    pub(crate) fn settings(&self, config_dir: &Path) -> anyhow::Result<Settings> {
        let config_dir = config_dir.to_str().context("the temporary directory has an odd name")?;
        let host = self.public.trim_start_matches("http://");
        let back = format!("{}/", self.public);
        Ok(Settings::from_pairs([
            ("REDIS_URL", self.redis_url.as_str()),
            ("BFF_SESSION_KEYS", &self.session_keys),
            ("BFF_EDGE_KEYS", &self.edge_keys),
            ("BFF_CONFIG_DIR", config_dir),
            ("BFF_TRUSTED_PROXIES", "127.0.0.1"),
            ("BFF_DEFAULT_SCHEME", "http"),
            ("BFF_DEFAULT_HOST", host),
            ("BFF_COOKIE_SECURE", "false"),
            ("BFF_POST_LOGOUT_REDIRECT_URI", &back),
            ("OIDC_ISSUER", &self.issuer),
            ("OIDC_CLIENT_ID", CLIENT_ID),
            ("OIDC_CLIENT_SECRET", &self.client_secret),
            ("OIDC_SCOPES", "openid profile email roles offline_access orders:read orders:write"),
            ("OIDC_PAR", "required"),
            ("OIDC_DPOP", "required"),
        ]))
    }

    /// For the development IdP.
    pub(crate) fn idp(&self) -> idp::IdpConfig {
        idp::IdpConfig {
            issuer: self.issuer.clone(),
            clients: vec![idp::Client {
                id: CLIENT_ID.to_owned(),
                secret: self.client_secret.clone(),
                redirect_uris: vec![format!("{}/auth/callback", self.public)],
                post_logout_redirect_uris: vec![format!("{}/", self.public)],
                backchannel_logout_uri: None,
            }],
            access_token_ttl: ACCESS_TOKEN_SECONDS,
            audience: AUDIENCE.to_owned(),
            require_dpop_nonce: true,
        }
    }
}

/// The demo's `routes.yaml`.
pub(crate) fn routes(orders: SocketAddr) -> String {
    format!(
        "version: \"1.0\"\n\
         services:\n  orders: {{ base_url: \"http://{orders}\", timeout: 10s }}\n\
         routes:\n  - id: orders\n    path: /api/orders\n    target_service: orders\n    \
         upstream_path: /orders\n    methods: [GET, POST]\n    auth: session\n"
    )
}

/// The demo's `bff.yaml`: all its users have one address, its page says how it fares, and one may sign in by a
/// link in a mail.
pub(crate) const BFF_FILE: &str = "rate_limits:\n  login: { limit: 200, window: 1m }\n  \
                                   auth_post: { limit: 200, window: 1m }\n\
                                   telemetry: { pages: [home] }\n\
                                   login_methods:\n  \
                                   magic_link: { acr_values: \"urn:wicketgate:acr:link\" }\n";

fn secret() -> String {
    let bytes: [u8; 32] = (&SystemRandom as &dyn Random).bytes();
    STANDARD.encode(bytes)
}

/// Whether `url` is of one server, and that on loopback. Sentinels and clusters name others, which may be anywhere.
fn is_loopback(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    let is_there = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || is_loopback_address(name),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    matches!(url.scheme(), "redis" | "rediss") && url.query().is_none() && is_there
}

/// Hosts of `redis:` URLs are opaque to the parser, addresses among them.
fn is_loopback_address(name: &str) -> bool {
    name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_redis_on_loopback_is_taken() {
        for url in ["redis://127.0.0.1:6379", "redis://localhost", "rediss://u:p@[::1]:6379/1"] {
            assert!(Agreement::fresh(1, 2, Some(url)).is_ok(), "{url}");
        }
        for url in [
            "redis://redis.example:6379",
            "redis://10.0.0.1",
            "redis://127.0.0.1.evil.test",
            "x",
            "redis-cluster://127.0.0.1:7000?node=10.0.0.1:7001",
            "redis-sentinel://127.0.0.1:26379/0?sentinelServiceName=m",
            "redis://127.0.0.1?node=10.0.0.1",
        ] {
            assert!(Agreement::fresh(1, 2, Some(url)).is_err(), "{url}");
        }
    }
}
