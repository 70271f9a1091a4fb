//! Owns: making access tokens, good ones and ones with a fault.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Map, Value, json};

use super::{AUDIENCE, DpopKey, Issuer, SigningKey};
use crate::algorithm::Algorithm;
use crate::certificate::thumbprint;

/// Tells one token or proof of this process from the others.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// An access token in the making, from [`Issuer::mint`]. Until told otherwise it is a good one (RFC 9068)
/// for [`AUDIENCE`], of the user `alice`, without scope, that lives for five minutes.
#[derive(Debug, Clone)]
#[must_use]
pub struct Mint {
    issuer: Issuer,
    algorithm: Algorithm,
    header: Map<String, Value>,
    claims: Map<String, Value>,
}

impl Mint {
    pub(super) fn new(issuer: Issuer) -> Self {
        let now = issuer.now();
        let claims = json!({
            "iss": issuer.url(), "aud": AUDIENCE, "sub": "alice", "client_id": "client",
            "jti": unique("token"), "iat": now, "exp": now + 300,
        });
        let mint =
            Self { issuer, algorithm: Algorithm::ES256, header: Map::new(), claims: map(claims) };
        mint.algorithm(Algorithm::ES256).header("typ", "at+jwt")
    }

    /// Signed with this algorithm, by the issuer's key for it; `ES256` unless set.
    pub fn algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = algorithm;
        let kid = self.issuer.kid(algorithm);
        self.header("alg", algorithm.name()).header("kid", kid)
    }

    /// With these scopes, divided by spaces.
    pub fn scope(self, scopes: &str) -> Self {
        self.claim("scope", scopes)
    }

    /// For this audience and no other.
    pub fn audience(self, audience: &str) -> Self {
        self.claim("aud", audience)
    }

    /// Of this user.
    pub fn subject(self, subject: &str) -> Self {
        self.claim("sub", subject)
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

    /// Issued two hours ago, and expired one hour ago.
    pub fn expired(self) -> Self {
        let now = self.issuer.now();
        self.claim("iat", now.saturating_sub(7_200)).claim("exp", now.saturating_sub(3_600))
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

    /// Bound to a DPoP key (RFC 9449 section 6.1).
    pub fn dpop(self, key: &DpopKey) -> Self {
        self.confirmed("jkt", key.thumbprint())
    }

    /// Bound to a certificate in DER (RFC 8705 section 3.1).
    pub fn certificate(self, der: &[u8]) -> Self {
        self.confirmed("x5t#S256", thumbprint(der))
    }

    /// The token, in the compact serialisation.
    ///
    /// # Panics
    /// Where the machine has no randomness to give.
    pub fn sign(&self) -> String {
        self.sign_with(&self.issuer.key(self.algorithm))
    }

    /// The token as a key of somebody else would sign it. The header does not change with the key.
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

    fn confirmed(mut self, kind: &str, thumbprint: String) -> Self {
        let cnf = self.claims.entry("cnf").or_insert_with(|| json!({}));
        if let Some(members) = cnf.as_object_mut() {
            members.insert(kind.to_owned(), thumbprint.into());
        }
        self
    }
}

/// `base` with another member.
#[cfg(feature = "http")]
pub(super) fn with(mut base: Value, name: &str, value: impl Into<Value>) -> Value {
    if let Some(members) = base.as_object_mut() {
        members.insert(name.to_owned(), value.into());
    }
    base
}

pub(super) fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

pub(super) fn unique(kind: &str) -> String {
    format!("{kind}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}
