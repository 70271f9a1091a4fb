//! Owns: what can be set on a validator, and refusing settings that would leave a check out.

use std::sync::Arc;

use super::binding::{Binding, Dpop, Mtls, Used};
use super::{Clock, ConfigError, Inner, Shadow, TrustedIssuer, Validator, origin};
use crate::algorithm::Algorithm;
use crate::cache::{self, TokenCache};
use crate::certificate::CertSource;
use crate::dpop::nonce::Nonces;
use crate::dpop::replay::{self, ReplayStore, SharedReplay};
use crate::keyset::KeySet;
use crate::keysource::{Fetch, RemoteKeys};
use crate::profile::Profile;
use crate::revocation::{Denylist, WhenUnknown};

/// A validator in the making.
#[must_use]
pub struct Builder {
    pub(crate) first: TrustedIssuer,
    pub(crate) more: Vec<TrustedIssuer>,
    origin: Option<String>,
    path_prefix: String,
    dpop_required: bool,
    replay_capacity: usize,
    shared_replay: Option<Box<dyn SharedReplay>>,
    nonces: Option<Nonces>,
    certificates: Option<CertSource>,
    certificate_required: bool,
    denylist: Option<(Box<dyn Denylist>, WhenUnknown)>,
    shadow: Option<Shadow>,
    #[cfg(feature = "permissions")]
    permissions: Option<crate::permissions::PermissionCache>,
    cache_bytes: u64,
    clock: Option<Clock>,
}

impl Builder {
    pub(crate) fn new(first: TrustedIssuer) -> Self {
        Self {
            first,
            more: Vec::new(),
            origin: None,
            path_prefix: String::new(),
            dpop_required: false,
            replay_capacity: replay::DEFAULT_CAPACITY,
            shared_replay: None,
            nonces: None,
            certificates: None,
            certificate_required: false,
            denylist: None,
            shadow: None,
            #[cfg(feature = "permissions")]
            permissions: None,
            cache_bytes: cache::DEFAULT_BYTES,
            clock: None,
        }
    }

    /// Accepts the tokens of a further issuer.
    pub fn trust(mut self, issuer: TrustedIssuer) -> Self {
        self.more.push(issuer);
        self
    }

    /// See [`TrustedIssuer::audience`].
    pub fn audience(self, audience: impl Into<String>) -> Self {
        self.first(|issuer| issuer.audience(audience))
    }

    /// See [`TrustedIssuer::profile`].
    pub fn profile(self, profile: Profile) -> Self {
        self.first(|issuer| issuer.profile(profile))
    }

    /// See [`TrustedIssuer::algorithms`].
    pub fn algorithms(self, algorithms: &[Algorithm]) -> Self {
        self.first(|issuer| issuer.algorithms(algorithms))
    }

    /// See [`TrustedIssuer::leeway`].
    pub fn leeway(self, seconds: u64) -> Self {
        self.first(|issuer| issuer.leeway(seconds))
    }

    /// See [`TrustedIssuer::scope_claims`].
    pub fn scope_claims<S: Into<String>>(self, names: impl IntoIterator<Item = S>) -> Self {
        self.first(|issuer| issuer.scope_claims(names))
    }

    /// See [`TrustedIssuer::role_claims`].
    pub fn role_claims<S: Into<String>>(self, names: impl IntoIterator<Item = S>) -> Self {
        self.first(|issuer| issuer.role_claims(names))
    }

    /// See [`TrustedIssuer::permission_claims`].
    pub fn permission_claims<S: Into<String>>(self, names: impl IntoIterator<Item = S>) -> Self {
        self.first(|issuer| issuer.permission_claims(names))
    }

    /// See [`TrustedIssuer::keys_at`].
    pub fn keys_at(self, url: impl Into<String>) -> Self {
        self.first(|issuer| issuer.keys_at(url))
    }

    /// The origin under which clients reach the service, as in `https://api.example.com`. With it,
    /// DPoP-bound tokens are accepted; without it they are refused, because the URL that a proof is
    /// for cannot be known.
    pub fn origin(mut self, origin: impl Into<String>) -> Self {
        self.origin = Some(origin.into());
        self
    }

    /// What stands before the path that reaches the service, as in `/api` where an edge takes that off.
    /// It counts for the URL of DPoP proofs alone, and is put before every path, that of an
    /// [`Incoming`](crate::Incoming) too.
    pub fn path_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.path_prefix = prefix.into();
        self
    }

    /// Refuses tokens that are not bound to a DPoP key.
    pub fn require_dpop(mut self) -> Self {
        self.dpop_required = true;
        self
    }

    /// How many proofs are remembered, [`replay::DEFAULT_CAPACITY`] unless set. Take ninety times
    /// the requests of a second; with the store full, requests are answered with 503.
    pub fn replay_capacity(mut self, proofs: usize) -> Self {
        self.replay_capacity = proofs;
        self
    }

    /// Remembers used proofs where other replicas of the service see them, in place of this process.
    pub fn shared_replay(mut self, memory: impl SharedReplay) -> Self {
        self.shared_replay = Some(Box::new(memory));
        self
    }

    /// Demands a nonce of this service in each proof (RFC 9449 section 9). Send [`Token::next_nonce`] and
    /// [`Refusal::dpop_nonce`] as `DPoP-Nonce`.
    ///
    /// [`Token::next_nonce`]: crate::Token::next_nonce
    /// [`Refusal::dpop_nonce`]: crate::Refusal::dpop_nonce
    pub fn dpop_nonces(mut self, nonces: Nonces) -> Self {
        self.nonces = Some(nonces);
        self
    }

    /// Accepts tokens that are bound to a certificate, and says where the client's is seen.
    pub fn mtls(mut self, source: CertSource) -> Self {
        self.certificates = Some(source);
        self
    }

    /// Refuses tokens that are not bound to a certificate.
    pub fn require_mtls(mut self) -> Self {
        self.certificate_required = true;
        self
    }

    /// Asks `list` on every request whether the token was revoked.
    pub fn denylist(mut self, list: impl Denylist, when_unknown: WhenUnknown) -> Self {
        self.denylist = Some((Box::new(list), when_unknown));
        self
    }

    /// Counts what stricter rules would refuse of the requests that are let in. Nobody is refused for it.
    pub fn shadow(mut self, shadow: Shadow) -> Self {
        self.shadow = Some(shadow);
        self
    }

    /// Gives each token the roles and permissions that `cache` has of its user, in place of those in its claims.
    /// A request that asks for any is 503 while nobody can say.
    #[cfg(feature = "permissions")]
    pub fn permissions(mut self, cache: crate::permissions::PermissionCache) -> Self {
        self.permissions = Some(cache);
        self
    }

    /// What the cache of checked tokens may take in memory, in bytes; [`cache::DEFAULT_BYTES`] unless
    /// set, and no cache where it is 0.
    pub fn cache_bytes(mut self, bytes: u64) -> Self {
        self.cache_bytes = bytes;
        self
    }

    /// Where the time comes from, in seconds since the epoch.
    pub fn clock(mut self, clock: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        self.clock = Some(Box::new(clock));
        self
    }

    /// A validator with keys that never change.
    ///
    /// # Errors
    /// [`ConfigError`] for the first setting that is wrong.
    pub fn with_keys(self, keys: KeySet) -> Result<Validator, ConfigError> {
        self.first(|issuer| issuer.keys(keys)).build()
    }

    /// A validator with keys from a known URL, by a fetcher of the caller's own.
    ///
    /// # Errors
    /// [`ConfigError`] for the first setting that is wrong.
    pub fn with_remote_keys<F: Fetch>(self, keys: RemoteKeys<F>) -> Result<Validator, ConfigError> {
        self.first(|issuer| issuer.remote_keys(keys)).build()
    }

    /// Whether nobody has to be asked where keys are.
    #[cfg(feature = "http")]
    pub(crate) fn knows_all_keys(&self) -> bool {
        std::iter::once(&self.first).chain(&self.more).all(|issuer| issuer.keys.is_some())
    }

    fn first(self, change: impl FnOnce(TrustedIssuer) -> TrustedIssuer) -> Self {
        Self { first: change(self.first), ..self }
    }

    /// A validator of issuers that all have their keys, or know where they are.
    ///
    /// # Errors
    /// [`ConfigError`] for the first setting that is wrong.
    pub fn build(self) -> Result<Validator, ConfigError> {
        let issuers = std::iter::once(self.first).chain(self.more);
        let trusts = issuers
            .map(|issuer| issuer.finish().map(Arc::new))
            .collect::<Result<Vec<_>, ConfigError>>()?;
        let binding = Binding {
            dpop: match self.origin {
                Some(origin) => Some(Dpop {
                    base: origin::base(&origin, &self.path_prefix)?,
                    required: self.dpop_required,
                    used: match self.shared_replay {
                        Some(memory) => Used::Shared(memory),
                        None => Used::Here(ReplayStore::new(self.replay_capacity)),
                    },
                    nonces: self.nonces,
                }),
                None if self.dpop_required
                    || !self.path_prefix.is_empty()
                    || self.nonces.is_some()
                    || self.shared_replay.is_some() =>
                {
                    return Err(ConfigError::DpopWithoutOrigin);
                }
                None => None,
            },
            mtls: match self.certificates {
                Some(CertSource::Header(name)) if !is_header_name(&name) => {
                    return Err(ConfigError::CertificateHeader);
                }
                Some(source) => Some(Mtls { source, required: self.certificate_required }),
                None if self.certificate_required => return Err(ConfigError::MtlsWithoutSource),
                None => None,
            },
        };
        #[cfg(feature = "http")]
        let clock = self.clock.unwrap_or_else(|| Box::new(crate::clock::unix_seconds));
        #[cfg(not(feature = "http"))]
        let clock = self.clock.ok_or(ConfigError::NoClock)?;
        let cache = (self.cache_bytes > 0).then(|| TokenCache::new(self.cache_bytes)).flatten();
        let inner = Inner {
            trusts,
            cache,
            binding,
            denylist: self.denylist,
            shadow: self.shadow,
            #[cfg(feature = "permissions")]
            permissions: self.permissions,
            clock,
        };
        Ok(Validator { inner: Arc::new(inner) })
    }
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder").field("first", &self.first).finish_non_exhaustive()
    }
}

fn is_header_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}
