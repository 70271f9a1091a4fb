//! Owns: the settings that both programs read, so that they cannot read them differently:
//! Redis, edge keys, the cookie's name and domain, client binding, trusted proxies.

use std::time::Duration;

use secrecy::ExposeSecret as _;
use shell::config::{Settings, parse};
use shell::forwarded::TrustedProxies;

use crate::any::AnyStore;
use crate::binding::{BindingPolicy, Grade};
use crate::edge::EdgeKeys;
use crate::keys::KeyRing;
use crate::memory::MemoryStore;
use crate::redis::{RedisOptions, RedisSetupError, RedisStore, RedisTls};

const KEYS_HINT: &str =
    "Give kid:base64 of 32 random bytes, for example k1:$(openssl rand -base64 32).";

/// Which store to use. Reading it connects to nothing.
#[derive(Debug, Clone)]
pub enum StoreSettings {
    /// `memory://`.
    Memory,
    /// Anything else.
    Redis(Box<RedisOptions>),
}

impl StoreSettings {
    /// `REDIS_URL`, `REDIS_TLS_*` and `BFF_REDIS_PREFIX`. `command_timeout` bounds every command.
    pub fn read(settings: &mut Settings, command_timeout: Duration) -> Option<Self> {
        let hint = "For example redis://user:password@redis:6379, or rediss:// for TLS.";
        let url = settings.required_secret("REDIS_URL", hint)?;
        if url.expose_secret() == "memory://" {
            return Some(Self::Memory);
        }
        let options = RedisOptions {
            url,
            prefix: settings.text("BFF_REDIS_PREFIX").unwrap_or_else(|| "bff:".to_owned()),
            command_timeout,
            tls: RedisTls {
                ca: settings.pem("REDIS_TLS_CA"),
                cert: settings.pem("REDIS_TLS_CERT"),
                key: settings
                    .pem("REDIS_TLS_KEY")
                    .and_then(|pem| String::from_utf8(pem).ok())
                    .map(Into::into),
            },
        };
        match options.check() {
            Ok(()) => Some(Self::Redis(Box::new(options))),
            Err(error @ RedisSetupError::Tls(_)) => {
                settings.problem("REDIS_TLS_CA", &error.to_string(), "Give PEM files that fit.");
                None
            }
            Err(error) => {
                settings.problem("REDIS_URL", &error.to_string(), hint);
                None
            }
        }
    }

    /// The store, connecting in the background.
    ///
    /// # Errors
    /// [`RedisSetupError`] if the options cannot be used at all.
    pub async fn open(self) -> Result<AnyStore, RedisSetupError> {
        match self {
            Self::Memory => Ok(AnyStore::Memory(MemoryStore::new())),
            Self::Redis(options) => RedisStore::connect(*options).await.map(AnyStore::Redis),
        }
    }
}

/// A key ring from a secret setting.
pub fn key_ring(settings: &mut Settings, name: &str) -> Option<KeyRing> {
    let list = settings.required_secret(name, KEYS_HINT)?;
    match KeyRing::parse(list.expose_secret()) {
        Ok(ring) => Some(ring),
        Err(error) => {
            settings.problem(name, &error.to_string(), KEYS_HINT);
            None
        }
    }
}

/// The session cookie, as both programs must know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CookieBasics {
    /// `BFF_COOKIE_NAME`.
    pub name: String,
    /// `BFF_COOKIE_DOMAIN`, without a leading dot; `None` for a host-only cookie.
    pub domain: Option<String>,
    /// `BFF_COOKIE_SECURE`.
    pub secure: bool,
}

impl CookieBasics {
    /// Reads them and checks them against each other.
    pub fn read(settings: &mut Settings) -> Self {
        let name = settings.parsed(
            "BFF_COOKIE_NAME",
            "Use letters, digits, '-' and '_', for example __Host-bff_session.",
            cookie_name,
        );
        let domain = settings.parsed("BFF_COOKIE_DOMAIN", "For example .example.com", domain);
        let secure = settings.parsed("BFF_COOKIE_SECURE", "Use true or false.", parse::switch);
        let basics = Self {
            name: name.unwrap_or_else(|| "bff_session".to_owned()),
            domain,
            secure: secure.unwrap_or(true),
        };
        basics.check_prefix(settings);
        basics
    }

    /// Browsers drop a prefixed cookie that breaks its promise, and then nobody can log in.
    fn check_prefix(&self, settings: &mut Settings) {
        let name = self.name.to_ascii_lowercase();
        let host_only = name.starts_with("__host-");
        let secure = host_only || name.starts_with("__http-") || name.starts_with("__secure-");
        if host_only && self.domain.is_some() {
            settings.problem(
                "BFF_COOKIE_DOMAIN",
                "is set while the cookie's name promises a host-only cookie",
                "Unset it, or choose a name without the __Host- prefix.",
            );
        }
        if secure && !self.secure {
            settings.problem(
                "BFF_COOKIE_SECURE",
                "is false while the cookie's name promises a Secure cookie",
                "Set it to true, or choose a name without the prefix.",
            );
        }
    }
}

/// What ties sessions to clients, in both programs.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    /// `BFF_EDGE_KEYS`.
    pub edge_keys: EdgeKeys,
    /// `BFF_BINDING_UA`, `BFF_BINDING_IP`, `ENABLE_ADVANCED_SESSION_BINDING`.
    pub binding: BindingPolicy,
    /// `BFF_TRUSTED_PROXIES`.
    pub trusted: TrustedProxies,
}

impl ClientSettings {
    /// Reads and checks them against each other.
    pub fn read(settings: &mut Settings) -> Option<Self> {
        let edge_keys = key_ring(settings, "BFF_EDGE_KEYS").map(|ring| EdgeKeys::new(&ring));
        let trusted = settings.parsed(
            "BFF_TRUSTED_PROXIES",
            "List the networks of your proxies, for example 10.0.0.0/8,127.0.0.1.",
            parse::list(TrustedProxies::parse_entry),
        );
        let trusted = TrustedProxies::new(trusted.unwrap_or_default());
        let binding = read_binding(settings, &trusted);
        Some(Self { edge_keys: edge_keys?, binding, trusted })
    }
}

fn read_binding(settings: &mut Settings, trusted: &TrustedProxies) -> BindingPolicy {
    let hint = "Use off, audit, reauth or deny.";
    let advanced =
        settings.parsed("ENABLE_ADVANCED_SESSION_BINDING", "Use true or false.", parse::switch);
    let mut grade = |name: &str, default| {
        let chosen = settings.parsed(name, hint, Grade::parse);
        if advanced == Some(true) { Grade::Deny } else { chosen.unwrap_or(default) }
    };
    let policy = BindingPolicy {
        user_agent: grade("BFF_BINDING_UA", Grade::Deny),
        ip: grade("BFF_BINDING_IP", Grade::Reauth),
    };
    if policy.ip != Grade::Off && trusted.is_empty() {
        settings.problem(
            "BFF_TRUSTED_PROXIES",
            "is empty while sessions are bound to client addresses",
            "List your proxies, so that the client's address is known, or set BFF_BINDING_IP=off.",
        );
    }
    policy
}

fn cookie_name(text: &str) -> Result<String, String> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if text.len() <= 64 && text.bytes().all(token) {
        Ok(text.to_owned())
    } else {
        Err("is not a cookie name".to_owned())
    }
}

fn domain(text: &str) -> Result<String, String> {
    let bare = text.strip_prefix('.').unwrap_or(text);
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    if bare.is_empty() || !bare.bytes().all(allowed) || bare.starts_with('.') {
        return Err("is not a domain".to_owned());
    }
    Ok(bare.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &str = "k1:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";

    fn problems(pairs: &[(&str, &str)]) -> Vec<String> {
        let base = [("BFF_EDGE_KEYS", KEYS), ("BFF_TRUSTED_PROXIES", "127.0.0.1")];
        let mut settings = Settings::from_pairs(base.into_iter().chain(pairs.iter().copied()));
        CookieBasics::read(&mut settings);
        let clients = ClientSettings::read(&mut settings);
        match settings.finish(clients) {
            Ok(_) => Vec::new(),
            Err(problems) => problems.iter().map(|problem| problem.path.clone()).collect(),
        }
    }

    #[test]
    fn t09_ip_binding_without_trusted_proxies_is_refused() {
        assert!(problems(&[]).is_empty());
        assert_eq!(problems(&[("BFF_TRUSTED_PROXIES", "")]), ["BFF_TRUSTED_PROXIES"]);
        let off = [("BFF_TRUSTED_PROXIES", ""), ("BFF_BINDING_IP", "off")];
        assert!(problems(&off).is_empty());
    }

    #[test]
    fn c35_a_cookie_name_that_browsers_would_drop_is_refused() {
        let host = ("BFF_COOKIE_NAME", "__Host-bff");
        assert!(problems(&[host]).is_empty());
        assert_eq!(problems(&[host, ("BFF_COOKIE_DOMAIN", ".example.com")]), ["BFF_COOKIE_DOMAIN"]);
        assert_eq!(problems(&[host, ("BFF_COOKIE_SECURE", "false")]), ["BFF_COOKIE_SECURE"]);
        let http = ("BFF_COOKIE_NAME", "__Host-Http-bff");
        assert_eq!(problems(&[http, ("BFF_COOKIE_DOMAIN", "example.com")]), ["BFF_COOKIE_DOMAIN"]);
        assert_eq!(problems(&[("BFF_COOKIE_NAME", "a b")]), ["BFF_COOKIE_NAME"]);
    }

    #[test]
    fn t09_bad_values_are_told_by_name() {
        let bad = [("BFF_EDGE_KEYS", "canary"), ("BFF_BINDING_UA", "maybe")];
        assert_eq!(problems(&bad), ["BFF_EDGE_KEYS", "BFF_BINDING_UA"]);
    }
}
