//! Owns: the settings that both programs read, so that they cannot read them differently:
//! Redis, edge keys, the cookie's name and domain, client binding, trusted proxies, tenants.

pub mod catalogue;
mod cookie;
mod rings;
pub mod tenants;
mod unwise;

use std::time::Duration;

use secrecy::ExposeSecret as _;
use shell::check::Findings;
use shell::config::{Settings, parse};
use shell::forwarded::TrustedProxies;
use shell::reload::Watched;

use crate::any::AnyStore;
use crate::binding::{BindingPolicy, Grade};
use crate::edge::EdgeKeys;
use crate::memory::MemoryStore;
pub use cookie::{CookieSettings, SameSite};
pub use rings::{RingFile, key_ring};

use crate::redis::{Reads, RedisOptions, RedisSetupError, RedisStore, RedisTls, Uses};

const URL_HINT: &str = "For example redis://user:password@redis:6379, or rediss:// for TLS.";

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
        let tls = RedisTls {
            ca: settings.pem("REDIS_TLS_CA"),
            cert: settings.pem("REDIS_TLS_CERT"),
            key: settings.secret_pem("REDIS_TLS_KEY"),
        };
        let prefix = settings.text("BFF_REDIS_PREFIX").unwrap_or_else(|| "bff:".to_owned());
        let url = settings.required_secret("REDIS_URL", URL_HINT)?;
        if url.expose_secret().starts_with("memory:") {
            return Some(Self::Memory);
        }
        let options = RedisOptions {
            url,
            prefix,
            command_timeout,
            reads: Reads::Pipe,
            exact_lists: false,
            tls,
        };
        match options.check() {
            Ok(()) => {
                unwise::redis(settings, &options);
                Some(Self::Redis(Box::new(options)))
            }
            Err(error) => {
                let path = match error {
                    RedisSetupError::Tls(_) => "REDIS_TLS_CA, REDIS_TLS_CERT, REDIS_TLS_KEY",
                    RedisSetupError::Url | RedisSetupError::Tracking | RedisSetupError::Client => {
                        "REDIS_URL"
                    }
                };
                settings.problem(path, &error.to_string(), URL_HINT);
                None
            }
        }
    }

    /// Connects to every server of the store, and tells what is there (`check-config --online`). Writes nothing.
    /// `now` is in seconds since the epoch.
    pub async fn look(&self, uses: Uses, now: u64) -> Findings {
        match self {
            Self::Memory => Findings::default(),
            Self::Redis(options) => crate::redis::look(options, uses, now).await,
        }
    }

    /// Reads edge views as verify wants it, which does little else.
    ///
    /// # Errors
    /// [`RedisSetupError::Tracking`] if this store cannot tell what has changed.
    pub fn reading(mut self, reads: Reads) -> Result<Self, RedisSetupError> {
        match &mut self {
            Self::Redis(options) => {
                options.reads = reads;
                options.check()?;
            }
            Self::Memory => {}
        }
        Ok(self)
    }

    /// Keeps the order of sessions that were made within one second.
    #[must_use]
    pub fn with_exact_lists(mut self, exact: bool) -> Self {
        if let Self::Redis(options) = &mut self {
            options.exact_lists = exact;
        }
        self
    }

    /// Refuses the embedded store to a program that is to share it with another process.
    pub fn shared(self, settings: &mut Settings) -> Option<Self> {
        if matches!(self, Self::Redis(_)) {
            return Some(self);
        }
        settings.problem(
            "REDIS_URL",
            "names the memory of one process, which the other program never sees",
            "Give both programs the same Redis; memory:// serves the demo.",
        );
        None
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

/// What ties sessions to clients, in both programs.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    /// `BFF_EDGE_KEYS`.
    pub edge_keys: EdgeKeys,
    edge_file: Option<RingFile>,
    /// `BFF_BINDING_UA`, `BFF_BINDING_IP`, `ENABLE_ADVANCED_SESSION_BINDING`.
    pub binding: BindingPolicy,
    /// `BFF_TRUSTED_PROXIES`.
    pub trusted: TrustedProxies,
}

impl ClientSettings {
    /// Reads and checks them against each other.
    pub fn read(settings: &mut Settings) -> Option<Self> {
        let ring = key_ring(settings, "BFF_EDGE_KEYS");
        let trusted = trusted_proxies(settings);
        let binding = binding(settings, trusted.as_ref());
        let (ring, edge_file) = ring?;
        Some(Self { edge_keys: EdgeKeys::new(&ring), edge_file, binding, trusted: trusted? })
    }

    /// What exchanges the edge keys, for all who hold them, when `BFF_EDGE_KEYS_FILE` changes. `None` where they
    /// came in no file. Install the metrics recorder first.
    pub fn watched_keys(&self) -> Option<Box<dyn Watched>> {
        let keys = self.edge_keys.clone();
        Some(self.edge_file.as_ref()?.watched(move |ring| keys.exchange(&ring)))
    }
}

/// `None` where the list is given and cannot be read.
fn trusted_proxies(settings: &mut Settings) -> Option<TrustedProxies> {
    const NAME: &str = "BFF_TRUSTED_PROXIES";
    let Some(text) = settings.text(NAME) else {
        settings.warn(
            NAME,
            "is not set: X-Forwarded-* are ignored, so that every request counts as one to this program itself",
            "Set it to the networks of your proxies.",
        );
        return Some(TrustedProxies::default());
    };
    match parse::list(TrustedProxies::parse_entry)(&text) {
        Ok(networks) => {
            let trusted = TrustedProxies::new(networks);
            unwise::trusted(settings, NAME, &trusted);
            Some(trusted)
        }
        Err(problem) => {
            settings.problem(NAME, &problem, "A comma list such as 10.0.0.0/8,192.0.2.7");
            None
        }
    }
}

fn binding(settings: &mut Settings, trusted: Option<&TrustedProxies>) -> BindingPolicy {
    let strict =
        settings.parsed("ENABLE_ADVANCED_SESSION_BINDING", "Use true or false.", parse::switch);
    let strict = strict.unwrap_or(false);
    let policy = BindingPolicy {
        user_agent: grade(settings, "BFF_BINDING_UA", strict, Grade::Deny),
        ip: grade(settings, "BFF_BINDING_IP", strict, Grade::Reauth),
    };
    if policy.ip != Grade::Off && trusted.is_some_and(TrustedProxies::is_empty) {
        settings.problem(
            "BFF_BINDING_IP",
            "needs the client's address, which only a trusted proxy can tell",
            "Set BFF_TRUSTED_PROXIES to the networks of your proxies, or BFF_BINDING_IP=off.",
        );
    }
    unwise::binding(settings, policy);
    policy
}

fn grade(settings: &mut Settings, name: &str, strict: bool, default: Grade) -> Grade {
    let given = settings.parsed(name, "Use off, audit, reauth or deny.", Grade::parse);
    match given {
        Some(grade) if strict && grade < Grade::Deny => {
            settings.problem(
                name,
                "is weaker than ENABLE_ADVANCED_SESSION_BINDING=true asks for",
                "Remove one of the two.",
            );
            grade
        }
        Some(grade) => grade,
        None if strict => Grade::Deny,
        None => default,
    }
}

#[cfg(test)]
mod tests;
