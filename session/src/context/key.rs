//! Owns: the keys that sign context tokens. The first of the list signs, all of them are published, so that a
//! new key is known everywhere before it signs, and an old one for as long as its tokens live.

use std::fmt;
use std::sync::Arc;

use ring::rand::SystemRandom;
use ring::signature::{EcdsaKeyPair, Ed25519KeyPair};
use serde_json::Value;

use super::jwk::{self, ContextKeyError};

/// A non-empty list of private keys with distinct names. Clones share it; it is never printed.
#[derive(Clone)]
pub struct ContextKeys {
    signing: Arc<ContextKey>,
    others: Arc<[ContextKey]>,
}

pub(super) struct ContextKey {
    pub(super) kid: String,
    /// With `kid`, `alg` and `use`.
    pub(super) public: Value,
    pub(super) pair: Pair,
}

pub(super) enum Pair {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl ContextKeys {
    /// Reads one private JWK, a JSON list of them, or a JWK Set.
    ///
    /// # Errors
    /// [`ContextKeyError`], which repeats nothing of the text.
    pub fn parse(text: &str) -> Result<Self, ContextKeyError> {
        let mut keys = jwk::parse(text)?.into_iter();
        let signing = Arc::new(keys.next().ok_or(ContextKeyError::Empty)?);
        Ok(Self { signing, others: keys.collect() })
    }

    pub(super) fn signing(&self) -> &ContextKey {
        &self.signing
    }

    pub(super) fn public(&self) -> Vec<Value> {
        self.all().map(|key| key.public.clone()).collect()
    }

    fn all(&self) -> impl Iterator<Item = &ContextKey> {
        std::iter::once(&*self.signing).chain(self.others.iter())
    }
}

impl fmt::Debug for ContextKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kids: Vec<_> = self.all().map(|key| &key.kid).collect();
        write!(f, "ContextKeys({kids:?}, redacted)")
    }
}

impl ContextKey {
    pub(super) fn kid(&self) -> &str {
        &self.kid
    }

    pub(super) const fn algorithm(&self) -> &'static str {
        self.pair.algorithm()
    }

    /// `None` where the crypto library fails.
    pub(super) fn sign(&self, message: &[u8]) -> Option<ring::signature::Signature> {
        match &self.pair {
            Pair::P256(pair) => pair.sign(&SystemRandom::new(), message).ok(),
            Pair::Ed25519(pair) => Some(pair.sign(message)),
        }
    }
}

impl Pair {
    pub(super) const fn algorithm(&self) -> &'static str {
        match self {
            Self::P256(_) => "ES256",
            Self::Ed25519(_) => "EdDSA",
        }
    }
}
