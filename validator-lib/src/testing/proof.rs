//! Owns: making DPoP proofs (RFC 9449 section 4.2), good ones and ones with a fault.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::keys::encode;
use super::mint::{map, unique};
use super::{Clock, SigningKey};
use crate::algorithm::Algorithm;
use crate::dpop::TokenHash;
use crate::jwk::{Jwk, VerifyingKey};

/// The key of a client. Clones are the same key.
#[derive(Debug, Clone)]
pub struct DpopKey {
    key: Arc<SigningKey>,
    clock: Clock,
}

impl DpopKey {
    /// A new `ES256` key, whose proofs are made at [`START`](super::START).
    /// [`Issuer::dpop_key`](super::Issuer::dpop_key) makes one that follows the issuer's clock.
    ///
    /// # Panics
    /// Where the machine has no randomness to give.
    pub fn new() -> Self {
        Self::with(Algorithm::ES256, Clock::new())
    }

    /// A new key for `algorithm`, whose proofs are made when `clock` says.
    ///
    /// # Panics
    /// Where the machine has no randomness to give.
    pub fn with(algorithm: Algorithm, clock: Clock) -> Self {
        Self { key: Arc::new(SigningKey::new(algorithm)), clock }
    }

    /// The SHA-256 thumbprint of the public key (RFC 7638), as in the claim `cnf.jkt`.
    pub fn thumbprint(&self) -> String {
        let key = serde_json::from_value::<Jwk>(self.key.bare_jwk()).ok();
        let key = key.and_then(|jwk| VerifyingKey::try_from(jwk).ok());
        key.map(|key| key.key.thumbprint()).unwrap_or_default()
    }

    /// A proof for a request of `method` to `url`.
    pub fn proof(&self, method: &str, url: &str) -> ProofMint {
        let header = json!({
            "typ": "dpop+jwt", "alg": self.key.algorithm().name(), "jwk": self.key.bare_jwk(),
        });
        let claims = json!({
            "jti": unique("proof"), "htm": method, "htu": url, "iat": self.clock.now(),
        });
        ProofMint { key: self.clone(), header: map(header), claims: map(claims) }
    }

    pub(super) fn signing(&self) -> &SigningKey {
        &self.key
    }
}

impl Default for DpopKey {
    fn default() -> Self {
        Self::new()
    }
}

/// A proof in the making, from [`DpopKey::proof`].
#[derive(Debug, Clone)]
#[must_use]
pub struct ProofMint {
    key: DpopKey,
    header: Map<String, Value>,
    claims: Map<String, Value>,
}

impl ProofMint {
    /// To go with this access token: sets `ath`.
    pub fn token(self, token: &str) -> Self {
        let TokenHash(hash) = TokenHash::of(token.as_bytes());
        self.claim("ath", encode(&hash))
    }

    /// With the nonce that the service gave out.
    pub fn nonce(self, nonce: &str) -> Self {
        self.claim("nonce", nonce)
    }

    /// With this identifier; one of its own unless set.
    pub fn jti(self, jti: &str) -> Self {
        self.claim("jti", jti)
    }

    /// Made at this time, in seconds since the epoch.
    pub fn issued_at(self, seconds: u64) -> Self {
        self.claim("iat", seconds)
    }

    /// With any claim, in place of the one that is there.
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.to_owned(), value.into());
        self
    }

    /// Without a claim.
    pub fn without(mut self, claim: &str) -> Self {
        self.claims.remove(claim);
        self
    }

    /// With any member of the header, in place of the one that is there.
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header.insert(name.to_owned(), value.into());
        self
    }

    /// Without a member of the header.
    pub fn without_header(mut self, name: &str) -> Self {
        self.header.remove(name);
        self
    }

    /// The proof, for the `DPoP` header.
    ///
    /// # Panics
    /// Where the machine has no randomness to give.
    pub fn sign(&self) -> String {
        self.sign_with(self.key.signing())
    }

    /// The proof as another key would sign it. The header does not change with the key.
    ///
    /// # Panics
    /// Where the machine has no randomness to give.
    pub fn sign_with(&self, key: &SigningKey) -> String {
        key.sign_text(&self.header_text(), &self.claims_text())
    }

    pub(super) fn header_text(&self) -> String {
        Value::from(self.header.clone()).to_string()
    }

    pub(super) fn claims_text(&self) -> String {
        Value::from(self.claims.clone()).to_string()
    }
}
