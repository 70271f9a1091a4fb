//! Owns: what can be set on a validator, and refusing settings that would leave a check out.

use std::sync::Arc;

use crate::algorithm::Algorithm;
use crate::dpop::{self, replay};
use crate::keyset::KeySet;
use crate::keysource::{Fetch, RemoteKeys};
use crate::policy::Policy;
use crate::profile::Profile;
use crate::validator::keys::Keys;
use crate::validator::{Clock, Dpop, Inner, Validator};

const DEFAULT_LEEWAY_SECS: u64 = 30;
const MAX_LEEWAY_SECS: u64 = 300;

/// A mistake in the settings of a validator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The issuer is empty.
    #[error("the issuer is empty")]
    Issuer,
    /// An audience is empty.
    #[error("an audience is empty")]
    Audience,
    /// No algorithm is allowed.
    #[error("no signature algorithm is allowed")]
    Algorithms,
    /// The leeway is longer than five minutes.
    #[error("the leeway is longer than five minutes")]
    Leeway,
    /// The origin is not `https://host[:port]` or `http://host[:port]`.
    #[error("the origin is not a scheme, a host and perhaps a port")]
    Origin,
    /// DPoP is required, but the service does not know its own origin.
    #[error("DPoP cannot be required without the origin of the service")]
    DpopWithoutOrigin,
    /// The crate was built without `http`, so a clock has to be given.
    #[error("no clock was given")]
    NoClock,
}

/// A validator in the making.
#[must_use]
pub struct Builder {
    pub(crate) issuer: String,
    audiences: Vec<String>,
    profile: Profile,
    algorithms: Vec<Algorithm>,
    leeway: u64,
    role_claims: Option<Vec<String>>,
    origin: Option<String>,
    dpop_required: bool,
    replay_capacity: usize,
    clock: Option<Clock>,
}

impl Builder {
    pub(super) fn new(issuer: String, audience: String) -> Self {
        Self {
            issuer,
            audiences: vec![audience],
            profile: Profile::default(),
            algorithms: Algorithm::ALL.to_vec(),
            leeway: DEFAULT_LEEWAY_SECS,
            role_claims: None,
            origin: None,
            dpop_required: false,
            replay_capacity: replay::DEFAULT_CAPACITY,
            clock: None,
        }
    }

    /// Accepts tokens for this audience too.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// The kind of issuer; RFC 9068 unless set.
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// The algorithms to accept, all that this crate knows unless set. An RSA key that its issuer
    /// publishes without `alg` is used with the first RSA algorithm of this list: `RS256` unless set.
    pub fn algorithms(mut self, algorithms: &[Algorithm]) -> Self {
        self.algorithms = algorithms.to_vec();
        self
    }

    /// Seconds by which the clocks of issuer and service may differ; 30 unless set.
    pub fn leeway(mut self, seconds: u64) -> Self {
        self.leeway = seconds;
        self
    }

    /// The claims that hold roles, in place of the profile's: names, nested ones divided by dots.
    pub fn role_claims<S: Into<String>>(mut self, paths: impl IntoIterator<Item = S>) -> Self {
        self.role_claims = Some(paths.into_iter().map(Into::into).collect());
        self
    }

    /// The origin under which clients reach the service, as in `https://api.example.com`. With it,
    /// DPoP-bound tokens are accepted; without it they are refused, because the URL that a proof is
    /// for cannot be known.
    pub fn origin(mut self, origin: impl Into<String>) -> Self {
        self.origin = Some(origin.into());
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
        self.finish(Keys::Fixed(keys))
    }

    /// A validator with keys from a known URL.
    ///
    /// # Errors
    /// [`ConfigError`] for the first setting that is wrong.
    pub fn with_remote_keys<F: Fetch>(self, keys: RemoteKeys<F>) -> Result<Validator, ConfigError> {
        self.finish(Keys::Remote(Arc::new(keys)))
    }

    fn finish(self, keys: Keys) -> Result<Validator, ConfigError> {
        if self.issuer.is_empty() {
            return Err(ConfigError::Issuer);
        }
        if self.audiences.iter().any(String::is_empty) {
            return Err(ConfigError::Audience);
        }
        if self.algorithms.is_empty() {
            return Err(ConfigError::Algorithms);
        }
        if self.leeway > MAX_LEEWAY_SECS {
            return Err(ConfigError::Leeway);
        }
        let dpop = match self.origin {
            Some(origin) => Some(Dpop {
                origin: bare_origin(&origin).ok_or(ConfigError::Origin)?,
                required: self.dpop_required,
                used: replay::ReplayStore::new(self.replay_capacity),
            }),
            None if self.dpop_required => return Err(ConfigError::DpopWithoutOrigin),
            None => None,
        };
        #[cfg(feature = "http")]
        let clock = self.clock.unwrap_or_else(|| Box::new(crate::clock::unix_seconds));
        #[cfg(not(feature = "http"))]
        let clock = self.clock.ok_or(ConfigError::NoClock)?;
        let role_claims =
            self.role_claims.unwrap_or_else(|| self.profile.role_claims(&self.audiences));
        let policy = Policy {
            issuer: self.issuer,
            audiences: self.audiences,
            profile: self.profile,
            algorithms: self.algorithms,
            leeway: self.leeway,
            role_claims: role_claims.into(),
        };
        Ok(Validator { inner: Arc::new(Inner { policy, keys, dpop, clock }) })
    }
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// Scheme and authority in normal form; nothing where there is more or less than that.
fn bare_origin(origin: &str) -> Option<String> {
    let normal = dpop::normalised(origin)?;
    let bare = normal.strip_suffix('/')?;
    let same_shape = bare.matches('/').count() == 2 && !origin.contains(['?', '#']);
    same_shape.then(|| bare.to_owned())
}
