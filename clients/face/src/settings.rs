//! Owns: what can be set, in words that every language has.

use serde_json::Value;
use validator_lib::discovery::DiscoveryError;
use validator_lib::validator::Builder;
use validator_lib::{KeySet, Profile, Validator};

/// What a service takes.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// `iss`, byte for byte.
    pub issuer: String,
    /// `aud`, byte for byte.
    pub audience: String,
    /// The kind of issuer: `rfc9068` unless set, `entra`, `keycloak`, `cognito`, `auth0`, `wicket-context`.
    pub profile: Option<String>,
    /// The origin that clients know, with which DPoP-bound tokens are taken.
    pub origin: Option<String>,
    /// Where the keys are; unless set, the issuer's metadata says it.
    pub jwks_uri: Option<String>,
    /// The keys themselves, as the JSON of a key set.
    pub jwks: Option<String>,
    /// The time, in seconds since the epoch, in place of the machine's. For tests.
    pub now: Option<u64>,
}

/// Settings with which nothing could ever be checked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SettingsError(String);

impl Settings {
    /// A validator, where the keys are given.
    pub(crate) fn with_given_keys(&self) -> Result<Option<Validator>, SettingsError> {
        let builder = self.builder()?;
        let Some(keys) = &self.jwks else {
            return Ok(None);
        };
        // A document that is a set of keys and more, such as a string of JSON, is none.
        let keys = serde_json::from_str::<Value>(keys).map_err(SettingsError::of)?.to_string();
        let keys = KeySet::from_jwks_json(keys.as_bytes()).map_err(SettingsError::of)?;
        builder.with_keys(keys).map(Some).map_err(SettingsError::of)
    }

    /// A validator, whose keys the issuer's metadata tells of.
    pub(crate) async fn discover(&self) -> Result<Validator, DiscoveryError> {
        // They were good when the service was made.
        self.builder().unwrap_or_else(|_| Validator::builder("", "")).await
    }

    fn builder(&self) -> Result<Builder, SettingsError> {
        let mut builder = Validator::builder(&*self.issuer, &*self.audience).profile(self.profile()?);
        if let Some(origin) = &self.origin {
            builder = builder.origin(&**origin);
        }
        if let Some(uri) = &self.jwks_uri {
            builder = builder.keys_at(&**uri);
        }
        if let Some(now) = self.now {
            builder = builder.clock(move || now);
        }
        Ok(builder)
    }

    fn profile(&self) -> Result<Profile, SettingsError> {
        Ok(match self.profile.as_deref() {
            None | Some("rfc9068") => Profile::Rfc9068,
            Some("entra") => Profile::Entra,
            Some("keycloak") => Profile::Keycloak,
            Some("cognito") => Profile::Cognito,
            Some("auth0") => Profile::Auth0,
            Some("wicket-context") => Profile::WicketContext,
            Some(other) => return Err(SettingsError(format!("no profile is called {other:?}"))),
        })
    }
}

impl SettingsError {
    fn of(why: impl std::fmt::Display) -> Self {
        Self(why.to_string())
    }
}
