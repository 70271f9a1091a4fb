//! Owns: encryption of what Redis must not be able to read (`BFF_SESSION_KEYS`).
//!
//! AES-256-GCM under keys from HKDF-SHA256 (RFC 5869), associated data naming purpose, session,
//! tenant and version, so that no sealed part can stand in for another.
//!
//! ```text
//! version u8 = 1 | kid length u8 | kid | nonce (12 bytes) | ciphertext and tag
//! ```
//! The token part's key comes from the server key *and* the cookie: neither a dump of Redis nor
//! the server's keys alone open it. Each such key seals a handful of records, so random nonces are
//! safe.

mod tags;

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::{BufMut as _, Bytes};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf::{self, Salt};
use zeroize::Zeroizing;

use crate::id::{SessionId, StoreKey};
use crate::keys::{Key, KeyRing};
use crate::record::{Management, TokenPart};
use crate::wire::{Reader, put_field};

pub use tags::Purpose;
use tags::TagKeys;

const VERSION: u8 = 1;
const NONCE_LEN: usize = 12;

/// A 96-bit nonce, fresh for every call.
pub type FreshNonce = [u8; NONCE_LEN];

/// Why something was not sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Sealed under a key that the ring does not hold.
    #[error("sealed under an unknown key")]
    UnknownKey,
    /// Changed, moved, or sealed with another cookie.
    #[error("sealed part does not open")]
    Refused,
    /// Not of the sealed form, or the content is not what it should be.
    #[error("sealed part cannot be read")]
    Malformed,
}

impl SealError {
    /// Stable code for metrics and logs.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::UnknownKey => "seal_unknown_key",
            Self::Refused => "seal_refused",
            Self::Malformed => "seal_malformed",
        }
    }
}

/// The session keys, ready for use. `forwardauth` never holds one. Clones share them: what
/// [`SessionKeys::exchange`] puts in is what all of them use.
#[derive(Clone)]
pub struct SessionKeys(Arc<Shared>);

struct Shared {
    ready: ArcSwap<Ready>,
    tokens: Salt,
    management: Salt,
    login: Salt,
}

/// A ring, and what every request would derive from it anew.
struct Ready {
    ring: KeyRing,
    writer: TagKeys,
    older: Vec<TagKeys>,
}

impl Ready {
    fn new(ring: KeyRing) -> Self {
        let writer = TagKeys::of(ring.writer());
        let older = ring.iter().skip(1).map(TagKeys::of).collect();
        Self { ring, writer, older }
    }
}

impl fmt::Debug for SessionKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionKeys(redacted)")
    }
}

impl SessionKeys {
    /// Makes the ring ready.
    pub fn new(ring: KeyRing) -> Self {
        let salt = |purpose| Salt::new(hkdf::HKDF_SHA256, purpose);
        let ready = ArcSwap::from_pointee(Ready::new(ring));
        let (tokens, management, login) = (salt(TOKENS), salt(MANAGEMENT), salt(LOGIN));
        Self(Arc::new(Shared { ready, tokens, management, login }))
    }

    /// Puts `ring` in the place of what was there: its first key seals from now on, and what was sealed with
    /// a key that it does not hold opens no more.
    pub fn exchange(&self, ring: KeyRing) {
        self.0.ready.store(Arc::new(Ready::new(ring)));
    }

    /// The names of the keys, the writer's first.
    pub fn kids(&self) -> Vec<String> {
        self.0.ready.load().ring.iter().map(|key| key.kid().to_owned()).collect()
    }

    /// Seals tokens so that only this server with this cookie opens them.
    ///
    /// # Errors
    /// [`SealError::Malformed`] if the part cannot be written as JSON.
    pub fn seal_tokens(
        &self,
        id: &SessionId,
        tenant: &str,
        version: u64,
        part: &TokenPart,
        nonce: FreshNonce,
    ) -> Result<Bytes, SealError> {
        let plain = part.to_json().map_err(|_| SealError::Malformed)?;
        let aad = token_aad(&id.store_key(), tenant, version)?;
        self.seal(&self.0.tokens, id.expose().as_bytes(), &aad, &plain, nonce)
    }

    /// Opens what [`Self::seal_tokens`] sealed.
    ///
    /// # Errors
    /// [`SealError`] if it was sealed for another session, tenant, version or key.
    pub fn open_tokens(
        &self,
        id: &SessionId,
        tenant: &str,
        version: u64,
        sealed: &Bytes,
    ) -> Result<TokenPart, SealError> {
        let aad = token_aad(&id.store_key(), tenant, version)?;
        let plain = self.open(&self.0.tokens, id.expose().as_bytes(), &aad, sealed)?;
        TokenPart::from_json(&plain).map_err(|_| SealError::Malformed)
    }

    /// Seals the management part under the server's key alone.
    ///
    /// # Errors
    /// [`SealError::Malformed`] if the part cannot be written as JSON.
    pub fn seal_management(
        &self,
        key: &StoreKey,
        part: &Management,
        nonce: FreshNonce,
    ) -> Result<Bytes, SealError> {
        let plain =
            serde_json::to_vec(part).map(Zeroizing::new).map_err(|_| SealError::Malformed)?;
        self.seal(&self.0.management, b"", &aad_of(&[key.as_bytes()])?, &plain, nonce)
    }

    /// Opens what [`Self::seal_management`] sealed.
    ///
    /// # Errors
    /// [`SealError`] if it was sealed for another session or key.
    pub fn open_management(&self, key: &StoreKey, sealed: &Bytes) -> Result<Management, SealError> {
        let plain = self.open(&self.0.management, b"", &aad_of(&[key.as_bytes()])?, sealed)?;
        serde_json::from_slice(&plain).map_err(|_| SealError::Malformed)
    }

    /// Seals the secrets of a login so that only this server with the browser that began it opens
    /// them.
    ///
    /// # Errors
    /// [`SealError::Malformed`] if `state` is over-long.
    pub fn seal_login(
        &self,
        state: &str,
        browser_secret: &[u8],
        plain: &[u8],
        nonce: FreshNonce,
    ) -> Result<Bytes, SealError> {
        self.seal(&self.0.login, browser_secret, &aad_of(&[state.as_bytes()])?, plain, nonce)
    }

    /// Opens what [`Self::seal_login`] sealed.
    ///
    /// # Errors
    /// [`SealError`] if it was sealed for another state, browser or key.
    pub fn open_login(
        &self,
        state: &str,
        browser_secret: &[u8],
        sealed: &Bytes,
    ) -> Result<Zeroizing<Vec<u8>>, SealError> {
        self.open(&self.0.login, browser_secret, &aad_of(&[state.as_bytes()])?, sealed)
    }

    fn seal(
        &self,
        purpose: &Salt,
        secret: &[u8],
        aad: &[u8],
        plain: &[u8],
        nonce: FreshNonce,
    ) -> Result<Bytes, SealError> {
        let ready = self.0.ready.load();
        let key = ready.ring.writer();
        let mut body = plain.to_vec();
        aead_key(key, purpose, secret)?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(aad),
                &mut body,
            )
            .map_err(|_| SealError::Refused)?;

        let mut out = Vec::with_capacity(2 + key.kid().len() + NONCE_LEN + body.len());
        out.put_u8(VERSION);
        out.put_u8(u8::try_from(key.kid().len()).map_err(|_| SealError::Malformed)?);
        out.put_slice(key.kid().as_bytes());
        out.put_slice(&nonce);
        out.put_slice(&body);
        Ok(out.into())
    }

    fn open(
        &self,
        purpose: &Salt,
        secret: &[u8],
        aad: &[u8],
        sealed: &Bytes,
    ) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let malformed = |_| SealError::Malformed;
        let mut reader = Reader(sealed.clone());
        if reader.u8().map_err(malformed)? != VERSION {
            return Err(SealError::Malformed);
        }
        let kid_length = reader.u8().map_err(malformed)?;
        let kid = reader.take(usize::from(kid_length)).map_err(malformed)?;
        let ready = self.0.ready.load();
        let key = ready.ring.find(&kid).ok_or(SealError::UnknownKey)?;
        let nonce: FreshNonce = reader.array().map_err(malformed)?;

        let mut body = Zeroizing::new(reader.0.to_vec());
        let length = aead_key(key, purpose, secret)?
            .open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut body)
            .map_err(|_| SealError::Refused)?
            .len();
        body.truncate(length);
        Ok(body)
    }
}

const TOKENS: &[u8] = b"wicketgate token part v1";
const MANAGEMENT: &[u8] = b"wicketgate management part v1";
const LOGIN: &[u8] = b"wicketgate login v1";

fn token_aad(key: &StoreKey, tenant: &str, version: u64) -> Result<Vec<u8>, SealError> {
    aad_of(&[key.as_bytes(), tenant.as_bytes(), &version.to_be_bytes()])
}

fn aad_of(parts: &[&[u8]]) -> Result<Vec<u8>, SealError> {
    let mut out = Vec::with_capacity(64);
    for part in parts {
        put_field(&mut out, part).map_err(|_| SealError::Malformed)?;
    }
    Ok(out)
}

/// HKDF of the server's key, salted with the purpose, over the browser's share of the secret.
fn aead_key(key: &Key, purpose: &Salt, secret: &[u8]) -> Result<LessSafeKey, SealError> {
    let mut material = Zeroizing::new(Vec::with_capacity(32 + secret.len()));
    material.extend_from_slice(key.expose());
    material.extend_from_slice(secret);
    let unbound = purpose
        .extract(&material)
        .expand(&[key.kid().as_bytes()], &AES_256_GCM)
        .map(UnboundKey::from)
        .map_err(|_| SealError::Malformed)?;
    Ok(LessSafeKey::new(unbound))
}

#[cfg(test)]
mod tests;
