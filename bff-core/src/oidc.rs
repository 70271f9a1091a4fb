//! Owns: the relying party: every conversation with the identity provider, and nothing else. It
//! knows no cookie, no session and no store; time is an argument.
//!
//! A login goes [`RelyingParty::begin_login`], the browser, [`AuthorizationResponse::parse`], the
//! caller's comparison of the state, [`RelyingParty::finish_login`].

mod authorize;
mod callback;
mod client_auth;
mod client_key;
mod code_flow;
mod config;
mod discovery;
mod dpop;
mod endpoint;
mod error;
mod exchange;
mod fapi2;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod id_claims;
mod id_token;
mod introspection;
mod jar;
mod jarm;
mod keys;
mod login;
mod logout;
mod logout_token;
mod metadata;
mod method;
mod nonces;
mod par;
mod refresh;
mod resource;
mod revoke;
mod token;
mod token_exchange;
mod userinfo;

#[cfg(test)]
pub(crate) mod mock;

use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use shell::random::Random;
use url::Url;

pub use callback::AuthorizationResponse;
pub use client_key::{ClientKey, KeyError};
pub use code_flow::LoggedIn;
pub(crate) use config::is_https_or_loopback;
pub use config::{AssertionAudience, ClientAuth, Exchange, Mode, OidcConfig, Profile};
pub use dpop::DpopKey;
pub use error::{Endpoint, OAuthCode, OAuthError, OidcError};
pub(crate) use fapi2::weaknesses as fapi2_weaknesses;
pub use id_claims::IdClaims;
#[cfg(test)]
pub(crate) use id_claims::tests::claims_with;
pub(crate) use id_claims::{at as claim_at, joined as claims_joined, scalar};
pub(crate) use introspection::Introspected;
pub use login::{Begun, LoginHints, LoginRequest, LoginSecrets, LoginSecretsWire};
pub use logout::{EndSession, LogoutRequest};
pub use logout_token::{Addressed, LogoutScope, LogoutToken, LogoutTokenError};
pub use method::LoginMethod;
pub use nonces::SharedNonces;
pub use refresh::{RefreshError, RefreshRequest, Refreshed};
pub(crate) use resource::{ServiceRequest, is_resource};
pub use revoke::TokenKind;
pub use token::{TokenSet, TokenType};
pub(crate) use token_exchange::{ExchangeRequest, Exchanged};

use crate::http_client::HttpClient;
use discovery::Discovery;
use dpop::Proof;
use endpoint::unguessable;
use keys::Keys;
use nonces::{Nonces, origin};

/// One client at one issuer. Shared behind an `Arc`.
pub struct RelyingParty {
    config: OidcConfig,
    http: HttpClient,
    random: Arc<dyn Random>,
    discovery: Discovery,
    keys: Keys,
    /// For logout tokens, which anybody may send: junk among them must not use up the one look at newer
    /// keys that a login may need.
    logout_keys: Keys,
    as_nonces: Nonces,
    resource_nonces: Nonces,
}

impl RelyingParty {
    /// A relying party that has not called anybody yet.
    ///
    /// # Errors
    /// [`OidcError::Config`] when the settings contradict themselves.
    pub fn new(
        config: OidcConfig,
        http: HttpClient,
        random: Arc<dyn Random>,
    ) -> Result<Self, OidcError> {
        config.check().map_err(OidcError::Config)?;
        let http = match config.client_auth.certificate() {
            None => http,
            Some(identity) => {
                http.presenting(identity).map_err(|_| OidcError::Config("client_certificate"))?
            }
        };
        Ok(Self {
            keys: Keys::new(http.clone()),
            logout_keys: Keys::new(http.clone()),
            config,
            http,
            random,
            discovery: Discovery::default(),
            as_nonces: Nonces::new("as"),
            resource_nonces: Nonces::new("rs"),
        })
    }

    /// Shares DPoP nonces with other replicas by way of `shared`.
    #[must_use]
    pub fn sharing_nonces(mut self, shared: &Arc<dyn SharedNonces>) -> Self {
        self.as_nonces.share(shared);
        self.resource_nonces.share(shared);
        self
    }

    /// The issuer, exactly as configured.
    pub fn issuer(&self) -> &str {
        &self.config.issuer
    }

    /// The settings.
    pub fn config(&self) -> &OidcConfig {
        &self.config
    }

    /// The public halves of our client keys, for `/.well-known/jwks.json`.
    pub fn public_jwks(&self) -> Value {
        let config = &self.config;
        let mut keys: Vec<Value> =
            config.signing_key().map(ClientKey::public_jwk).into_iter().collect();
        if let (ClientAuth::SelfSignedTls(identity), Some(Value::Object(key))) =
            (&config.client_auth, keys.first_mut())
        {
            // RFC 8705 section 2.2.2: the issuer finds the certificate with the key.
            key.insert("x5c".to_owned(), json!(identity.x5c()));
        }
        json!({ "keys": keys })
    }

    /// Asks the issuer to end a token; `false` where it offers no revocation. Bounded by the
    /// configured timeout.
    ///
    /// # Errors
    /// [`OidcError`]; a logout goes on regardless.
    pub async fn revoke(
        &self,
        token: &SecretString,
        kind: TokenKind,
        now: u64,
    ) -> Result<bool, OidcError> {
        let metadata = self.metadata(now).await?;
        revoke::revoke(&self.caller(&metadata, now), token, kind).await
    }

    /// What the issuer tells about the user beyond the ID token; `None` where it offers no
    /// userinfo endpoint.
    ///
    /// # Errors
    /// [`OidcError`], also when the answer is about somebody else.
    pub async fn userinfo(
        &self,
        tokens: &TokenSet,
        key: Option<&DpopKey>,
        subject: &str,
        now: u64,
    ) -> Result<Option<Map<String, Value>>, OidcError> {
        let metadata = self.metadata(now).await?;
        let caller = self.caller(&metadata, now);
        userinfo::userinfo(&caller, &self.resource_nonces, tokens, key, subject).await
    }

    /// The request by which the browser ends the session at the issuer; `None` where it has no endpoint
    /// for it.
    ///
    /// # Errors
    /// [`OidcError`] when the metadata was never had and cannot be had now.
    pub async fn end_session(
        &self,
        request: &EndSession<'_>,
        now: u64,
    ) -> Result<Option<LogoutRequest>, OidcError> {
        let metadata = self.metadata(now).await?;
        Ok(logout::request(&self.config, &metadata, request))
    }

    /// The `DPoP` header for one attempt of a call to a resource server. `url` is the one that
    /// server sees.
    ///
    /// # Errors
    /// [`OidcError::Config`] when signing fails.
    pub async fn resource_proof(
        &self,
        key: &DpopKey,
        method: &Method,
        url: &Url,
        access_token: &str,
        now: u64,
    ) -> Result<String, OidcError> {
        key.proof(&Proof {
            method,
            url,
            nonce: self.resource_nonces.get(&origin(url)).await.as_deref(),
            access_token: Some(access_token),
            iat: now,
            jti: &unguessable(&*self.random),
        })
    }

    /// Remembers the `DPoP-Nonce` of a resource server's answer, whatever its status.
    pub fn note_resource_nonce(&self, url: &Url, nonce: &str) {
        self.resource_nonces.put(&origin(url), nonce);
    }

    /// Asks the issuer for its metadata and checks it against the configuration. Meant for
    /// start-up and for a health check that the caller paces.
    ///
    /// # Errors
    /// [`OidcError`]
    pub async fn check_health(&self) -> Result<(), OidcError> {
        Discovery::probe(&self.config, &self.http).await
    }

    /// Asks the issuer for its metadata, which must agree with the settings, and for its keys. The metadata as
    /// they came.
    ///
    /// # Errors
    /// [`OidcError`].
    pub(crate) async fn look(&self, now: u64) -> Result<Bytes, OidcError> {
        let (document, metadata) = Discovery::look(&self.config, &self.http).await?;
        self.keys.read(metadata.jwks(), now).await?;
        Ok(document)
    }
}

impl std::fmt::Debug for RelyingParty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RelyingParty").field("issuer", &self.config.issuer).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
