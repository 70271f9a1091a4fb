//! Owns: turning configuration into a fred client with limits on everything that can wait.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use fred::types::Builder;
use fred::types::config::{Config, ReconnectPolicy, ServerConfig, TlsConnector};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use secrecy::{ExposeSecret as _, SecretString};

use crate::tracking::Limits;

/// How long a start waits for Redis before it goes on without.
pub(super) const PATIENCE: Duration = Duration::from_millis(500);

/// What a read may take beyond the command time-out.
pub(super) const GRACE: Duration = Duration::from_millis(10);

/// How to reach Redis.
#[derive(Debug, Clone)]
pub struct RedisOptions {
    /// `redis://`, `rediss://`, `redis-sentinel://`, `redis-cluster://`, with credentials.
    pub url: SecretString,
    /// Put before every key; separates deployments that share a Redis.
    pub prefix: String,
    /// Longest wait for one command.
    pub command_timeout: Duration,
    /// How edge views, and whole sessions, are read.
    pub reads: Reads,
    /// Whether lists keep the order of sessions that were made within one second. Costs 16 bytes or more
    /// an entry, and is needed where the oldest have to make room.
    pub exact_lists: bool,
    /// Certificates, where `rediss://` is not enough.
    pub tls: RedisTls,
}

/// How edge views, and whole sessions, are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// As everything else, through fred.
    Client,
    /// Over a connection of their own that can do nothing else and costs least; through fred for
    /// Sentinel and Cluster, where a server has to be found first.
    Pipe,
    /// As `Pipe`, and kept for as long as Redis vouches for them. A single server only.
    Tracking(Limits),
}

/// Certificates as PEM.
#[derive(Debug, Clone, Default)]
pub struct RedisTls {
    /// Private certificate authority, instead of the system's.
    pub ca: Option<Vec<u8>>,
    /// Client certificate chain.
    pub cert: Option<Vec<u8>>,
    /// Its key.
    pub key: Option<SecretString>,
}

/// Why Redis cannot even be tried. Never holds the URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RedisSetupError {
    /// The URL cannot be read.
    #[error("is not a Redis URL")]
    Url,
    /// A PEM cannot be read, or certificate and key do not belong together.
    #[error("TLS certificates cannot be used: {0}")]
    Tls(&'static str),
    /// Edge views can be tracked on one connection only, which has to be to the one server.
    #[error("names more than one server, and FORWARDAUTH_CACHE=tracking needs a single one")]
    Tracking,
    /// fred refused the whole.
    #[error("is not a usable combination of settings")]
    Client,
}

/// How sessions travel to Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way {
    /// All of its servers are on this machine.
    pub is_loopback: bool,
    /// TLS.
    pub is_encrypted: bool,
    /// The URL has one.
    pub has_password: bool,
}

/// Checks what can be checked without connecting.
impl RedisOptions {
    /// How sessions travel; `None` for what [`RedisOptions::check`] refuses.
    pub fn way(&self) -> Option<Way> {
        let config = config(self).ok()?;
        Some(Way {
            is_loopback: config.server.hosts().iter().all(|server| is_loopback(&server.host)),
            is_encrypted: config.tls.is_some(),
            has_password: config.password.is_some(),
        })
    }

    /// # Errors
    /// As [`super::RedisStore::connect`].
    pub fn check(&self) -> Result<(), RedisSetupError> {
        let config = config(self)?;
        let single = matches!(config.server, ServerConfig::Centralized { .. });
        match self.reads {
            Reads::Tracking(_) if !single => Err(RedisSetupError::Tracking),
            _ => Ok(()),
        }
    }
}

/// A socket of the file system has an empty host.
fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let name = bare.is_empty() || bare == "localhost" || bare.ends_with(".localhost");
    name || bare.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// fred takes any scheme for `redis`.
const SCHEMES: [&str; 7] = [
    "redis",
    "rediss",
    "redis-sentinel",
    "rediss-sentinel",
    "redis-cluster",
    "rediss-cluster",
    "redis+unix",
];

pub(super) fn config(options: &RedisOptions) -> Result<Config, RedisSetupError> {
    let scheme = options.url.expose_secret().split_once("://").map(|(scheme, _)| scheme);
    if !scheme.is_some_and(|scheme| SCHEMES.contains(&scheme)) {
        return Err(RedisSetupError::Url);
    }
    let mut config =
        Config::from_url(options.url.expose_secret()).map_err(|_| RedisSetupError::Url)?;
    config.fail_fast = false;
    if config.tls.is_some() {
        config.tls = Some(TlsConnector::from(tls(&options.tls)?).into());
    }
    Ok(config)
}

pub(super) fn builder(options: &RedisOptions) -> Result<Builder, RedisSetupError> {
    let timeout = options.command_timeout;
    let mut builder = Builder::from_config(config(options)?);
    builder
        .with_performance_config(|performance| {
            performance.default_command_timeout = timeout;
        })
        .with_connection_config(|connection| {
            connection.connection_timeout = Duration::from_millis(300);
            connection.internal_command_timeout = Duration::from_millis(300);
            // One attempt: a script or GETDEL that was sent must not be replayed after a reconnect.
            connection.max_command_attempts = 1;
            // A bound here wedges the client for good once it overflows (fred 10.1.0).
            connection.max_command_buffer_len = 0;
            connection.auto_client_setname = false;
            connection.tcp.nodelay = Some(true);
            connection.tcp.user_timeout = Some(Duration::from_secs(1));
        })
        .set_policy(reconnect_policy());
    Ok(builder)
}

/// From 10 to 250 ms, and a little at random. fred waits so before the first attempt as well, and of
/// itself adds up to 100 ms.
fn reconnect_policy() -> ReconnectPolicy {
    let mut policy = ReconnectPolicy::new_exponential(0, 10, 250, 2);
    policy.set_jitter(10);
    policy
}

fn tls(pem: &RedisTls) -> Result<ClientConfig, RedisSetupError> {
    let mut roots = RootCertStore::empty();
    if let Some(ca) = &pem.ca {
        for certificate in certificates(ca)? {
            roots.add(certificate).map_err(|_| RedisSetupError::Tls("REDIS_TLS_CA"))?;
        }
    } else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| RedisSetupError::Tls("protocol versions"))?
        .with_root_certificates(roots);
    match (&pem.cert, &pem.key) {
        (None, None) => Ok(builder.with_no_client_auth()),
        (Some(cert), Some(key)) => {
            let key = PrivateKeyDer::from_pem_slice(key.expose_secret().as_bytes())
                .map_err(|_| RedisSetupError::Tls("REDIS_TLS_KEY"))?;
            builder
                .with_client_auth_cert(certificates(cert)?, key)
                .map_err(|_| RedisSetupError::Tls("REDIS_TLS_CERT and REDIS_TLS_KEY"))
        }
        _ => Err(RedisSetupError::Tls("REDIS_TLS_CERT and REDIS_TLS_KEY go together")),
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, RedisSetupError> {
    let refused = RedisSetupError::Tls("a certificate is not PEM");
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    read.ok().filter(|certificates| !certificates.is_empty()).ok_or(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(url: &str) -> RedisOptions {
        RedisOptions {
            url: url.to_owned().into(),
            prefix: "bff:".to_owned(),
            command_timeout: Duration::from_millis(250),
            reads: Reads::Client,
            exact_lists: false,
            tls: RedisTls::default(),
        }
    }

    #[test]
    fn topologies_are_told_by_the_scheme() {
        for url in [
            "redis://127.0.0.1:6379",
            "rediss://bff:pw@localhost:6380/1",
            "redis-cluster://127.0.0.1:7000?node=127.0.0.1:7001",
            "redis-sentinel://127.0.0.1:26379/0?sentinelServiceName=mymaster",
        ] {
            assert_eq!(options(url).check(), Ok(()), "{url}");
        }
        for url in ["http//nonsense", "http://redis:6379", "redis", "redis:6379"] {
            assert_eq!(options(url).check(), Err(RedisSetupError::Url), "{url}");
        }
    }

    #[test]
    fn what_leaves_the_machine_is_told_apart() {
        let way = |url| options(url).way().map(|way| (way.is_loopback, way.is_encrypted));
        for url in ["redis://127.0.0.1:6379", "redis://u:p@[::1]:1", "redis://localhost"] {
            assert_eq!(way(url), Some((true, false)), "{url}");
        }
        assert_eq!(way("rediss://redis:6380"), Some((false, true)));
        assert_eq!(way("redis-cluster://127.0.0.1:1?node=redis-2:1"), Some((false, false)));
        assert_eq!(way("http://redis"), None);
    }

    #[test]
    fn t09_what_cannot_be_tracked_is_refused_and_not_left_untracked() {
        let limits = Limits {
            entries: 1,
            max_age: Duration::from_secs(5),
            max_lag: Duration::from_millis(500),
        };
        let tracking =
            |url| RedisOptions { reads: Reads::Tracking(limits), ..options(url) }.check();
        assert_eq!(tracking("rediss://127.0.0.1:6379"), Ok(()));
        for url in [
            "redis-cluster://127.0.0.1:7000",
            "redis-sentinel://127.0.0.1:26379?sentinelServiceName=m",
        ] {
            assert_eq!(tracking(url), Err(RedisSetupError::Tracking), "{url}");
        }
    }

    #[test]
    fn t09_half_a_client_certificate_is_refused() {
        let mut half = options("rediss://localhost:6380");
        half.tls.key = Some("x".to_owned().into());
        assert!(matches!(half.check(), Err(RedisSetupError::Tls(_))));
    }
}
