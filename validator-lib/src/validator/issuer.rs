//! Owns: what can be set for one issuer, and refusing settings that would leave a check out.

use std::fmt;

use super::ConfigError;
use crate::algorithm::Algorithm;
use crate::keys::Keys;
use crate::keyset::KeySet;
use crate::keysource::{Fetch, RemoteKeys};
use crate::profile::Profile;
use crate::trust::Trust;

const DEFAULT_LEEWAY_SECS: u64 = 30;
/// The longest leeway that can be set: for so long after its `exp` may a token be taken.
pub(crate) const MAX_LEEWAY_SECS: u64 = 300;

/// An issuer whose tokens are accepted, and what they have to claim.
///
/// Several of them may name the same issuer with different audiences. A token is judged by the first one
/// that has its issuer and one of its audiences, and by no other.
#[must_use]
pub struct TrustedIssuer {
    pub(crate) issuer: String,
    audiences: Vec<String>,
    profile: Profile,
    algorithms: Option<Vec<Algorithm>>,
    leeway: u64,
    scope_claims: Vec<String>,
    role_claims: Option<Vec<String>>,
    permission_claims: Option<Vec<String>>,
    pub(crate) keys: Option<Keys>,
    pub(crate) keys_at: Option<String>,
}

impl TrustedIssuer {
    /// Tokens from `issuer` for `audience`, both compared byte for byte.
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            audiences: vec![audience.into()],
            profile: Profile::default(),
            algorithms: None,
            leeway: DEFAULT_LEEWAY_SECS,
            scope_claims: Vec::new(),
            role_claims: None,
            permission_claims: None,
            keys: None,
            keys_at: None,
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

    /// The algorithms to accept: unless set, those of the profile, which are all that this crate knows, and
    /// for [`Profile::WicketContext`] `ES256` and `EdDSA`. An RSA key that its issuer
    /// publishes without `alg` is used with the first RSA algorithm of this list: `RS256` unless set.
    pub fn algorithms(mut self, algorithms: &[Algorithm]) -> Self {
        self.algorithms = Some(algorithms.to_vec());
        self
    }

    /// Seconds by which the clocks of issuer and service may differ; 30 unless set.
    pub fn leeway(mut self, seconds: u64) -> Self {
        self.leeway = seconds;
        self
    }

    /// The claims that hold scopes, in place of `scope` and `scp`: names, nested ones divided by dots;
    /// what they hold is a string of words or an array of strings.
    pub fn scope_claims<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.scope_claims = names.into_iter().map(Into::into).collect();
        self
    }

    /// The claims that hold roles, in place of the profile's.
    pub fn role_claims<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.role_claims = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// The claims that hold permissions, in place of the profile's.
    pub fn permission_claims<S: Into<String>>(
        mut self,
        names: impl IntoIterator<Item = S>,
    ) -> Self {
        self.permission_claims = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Keys that never change.
    pub fn keys(mut self, keys: KeySet) -> Self {
        self.keys = Some(Keys::fixed(keys));
        self
    }

    /// Keys from a known URL, with which discovery does not ask the issuer where they are. It has to be
    /// `https`, or on this machine.
    pub fn keys_at(mut self, url: impl Into<String>) -> Self {
        self.keys_at = Some(url.into());
        self
    }

    /// Keys from a known URL, by a fetcher of the caller's own.
    pub fn remote_keys<F: Fetch>(mut self, keys: RemoteKeys<F>) -> Self {
        self.keys = Some(Keys::remote(keys));
        self
    }

    pub(super) fn finish(self) -> Result<Trust, ConfigError> {
        if self.issuer.is_empty() {
            return Err(ConfigError::Issuer);
        }
        if self.audiences.iter().any(String::is_empty) {
            return Err(ConfigError::Audience);
        }
        let algorithms = self.algorithms.unwrap_or_else(|| self.profile.algorithms().to_vec());
        if algorithms.is_empty() {
            return Err(ConfigError::Algorithms);
        }
        if self.leeway > MAX_LEEWAY_SECS {
            return Err(ConfigError::Leeway);
        }
        let mut names = self.profile.claim_names(&self.audiences);
        names.scopes = self.scope_claims;
        names.roles = self.role_claims.unwrap_or(names.roles);
        names.permissions = self.permission_claims.unwrap_or(names.permissions);
        Ok(Trust {
            issuer: self.issuer,
            audiences: self.audiences,
            profile: self.profile,
            algorithms,
            leeway: self.leeway,
            names,
            keys: self.keys.ok_or(ConfigError::NoKeys)?,
        })
    }
}

impl fmt::Debug for TrustedIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrustedIssuer")
            .field("issuer", &self.issuer)
            .field("audiences", &self.audiences)
            .finish_non_exhaustive()
    }
}
