//! Owns: an immutable set of verifying keys and the choice of the ones that may check a given token
//! (RFC 7517 section 5, RFC 8725 section 3.1: one algorithm for each key).

mod known;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::algorithm::Algorithm;
use crate::header::Header;
use crate::json;
use crate::jwk::{Jwk, JwkError, VerifyingKey};
use crate::jws::JwsError;
use known::{Known, KnownHeaders};

/// The longest JWKS document that is read, in bytes.
pub const MAX_JWKS_BYTES: usize = 512 * 1024;
const MAX_KEYS: usize = 100;
const MAX_CANDIDATES_WITHOUT_KID: usize = 4;

/// The id of the next set.
static SETS: AtomicU64 = AtomicU64::new(1);

/// Why a JWKS document gives no set at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// Longer than [`MAX_JWKS_BYTES`].
    #[error("the key set is too large")]
    TooLarge,
    /// Not a JSON object with an array `keys`.
    #[error("the document is not a JSON Web Key Set")]
    Malformed,
    /// More than a hundred keys.
    #[error("the key set has too many keys")]
    TooManyKeys,
    /// Not one key is fit for use. An issuer that publishes such a set is more likely broken than
    /// out of keys, so the set that was there before should stay.
    #[error("the key set has no usable key")]
    NoUsableKey,
}

impl KeySetError {
    /// A short stable code for metrics and logs.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::TooLarge => "jwks_too_large",
            Self::Malformed => "jwks_malformed",
            Self::TooManyKeys => "jwks_too_many_keys",
            Self::NoUsableKey => "jwks_no_usable_key",
        }
    }
}

/// The public keys of one issuer.
#[derive(Debug, Clone)]
pub struct KeySet {
    /// Tells this set from every other one of this process.
    id: u64,
    keys: Vec<Arc<VerifyingKey>>,
    skipped: Vec<JwkError>,
    known: Arc<KnownHeaders>,
}

/// The keys that may have signed a token: one, or a few where it does not say which.
pub(crate) type Candidates<'a> = [Option<&'a Arc<VerifyingKey>>; MAX_CANDIDATES_WITHOUT_KID];

impl KeySet {
    /// Reads a JWKS document. A key that cannot be used is left out by itself.
    ///
    /// # Errors
    /// [`KeySetError`] where the document as a whole cannot be used.
    pub fn from_jwks_json(document: &[u8]) -> Result<Self, KeySetError> {
        if document.len() > MAX_JWKS_BYTES {
            return Err(KeySetError::TooLarge);
        }
        let wire: Wire<'_> =
            serde_json::from_slice(document).map_err(|_| KeySetError::Malformed)?;
        if wire.keys.len() > MAX_KEYS {
            return Err(KeySetError::TooManyKeys);
        }
        let mut keys = Vec::with_capacity(wire.keys.len());
        let mut skipped = Vec::new();
        for text in wire.keys {
            let read = json::object::<Jwk>(text.get().as_bytes())
                .map_err(|_| JwkError::Malformed)
                .and_then(VerifyingKey::try_from);
            match read {
                Ok(key) => keys.push(key),
                Err(why) => skipped.push(why),
            }
        }
        let (keys, ambiguous) = without_ambiguous(keys);
        skipped.extend(std::iter::repeat_n(JwkError::Ambiguous, ambiguous));
        if keys.is_empty() {
            return Err(KeySetError::NoUsableKey);
        }
        let id = SETS.fetch_add(1, Ordering::Relaxed);
        let keys = keys.into_iter().map(Arc::new).collect();
        Ok(Self { id, keys, skipped, known: Arc::default() })
    }

    /// How many keys can be used.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether the set is empty; one read from a document never is.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Why each of the keys that were left out cannot be used.
    pub fn skipped(&self) -> &[JwkError] {
        &self.skipped
    }

    /// Whether a key goes by this name.
    pub(crate) fn has(&self, kid: Option<&str>) -> bool {
        kid.is_some() && self.keys.iter().any(|key| key.kid.as_deref() == kid)
    }

    /// How many keys a signature by `alg` may be checked with where its token names none.
    pub fn fitting(&self, alg: Algorithm, allowed: &[Algorithm]) -> usize {
        self.keys.iter().filter(|key| algorithm_of(key, allowed) == Some(alg)).count()
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Whether `key` is still published, under the same name and for the same use.
    pub(crate) fn holds(&self, key: &VerifyingKey) -> bool {
        self.keys.iter().any(|ours| **ours == *key)
    }

    /// What `encoded` says as the header of a token, where such a token was good before. Whether its
    /// algorithm is allowed is asked anew.
    pub(crate) fn known_header(&self, encoded: &str, allowed: &[Algorithm]) -> Option<Known> {
        let known = self.known.get(encoded)?;
        let usable = allowed.contains(&known.header.alg)
            && algorithm_of(&known.key, allowed) == Some(known.header.alg);
        usable.then_some(known)
    }

    /// Remembers the header of a token whose signature is good. Without a `kid` several keys could have
    /// signed the next one.
    pub(crate) fn remember_header(
        &self,
        encoded: &str,
        header: &Arc<Header>,
        key: &Arc<VerifyingKey>,
    ) {
        if header.kid.is_some() {
            let (header, key) = (Arc::clone(header), Arc::clone(key));
            self.known.enter(encoded, Known { header, key });
        }
    }

    /// The keys that may have signed a token with this header.
    pub(crate) fn candidates(
        &self,
        header: &Header,
        allowed: &[Algorithm],
    ) -> Result<Candidates<'_>, JwsError> {
        let usable = |key: &VerifyingKey| algorithm_of(key, allowed) == Some(header.alg);
        let mut candidates = Candidates::default();
        if let Some(kid) = header.kid.as_deref() {
            let mut named =
                self.keys.iter().filter(|key| key.kid.as_deref() == Some(kid)).peekable();
            if named.peek().is_none() {
                return Err(JwsError::UnknownKey);
            }
            // No two keys of a set share a name and an algorithm.
            let key = named.find(|key| usable(key)).ok_or(JwsError::KeyMismatch)?;
            candidates.iter_mut().take(1).for_each(|place| *place = Some(key));
            return Ok(candidates);
        }
        let mut keys = self.keys.iter().filter(|key| usable(key));
        candidates.iter_mut().zip(&mut keys).for_each(|(place, key)| *place = Some(key));
        match (candidates.first(), keys.next()) {
            (Some(Some(_)), None) => Ok(candidates),
            (_, None) => Err(JwsError::UnknownKey),
            (_, Some(_)) => Err(JwsError::TooManyCandidates),
        }
    }
}

/// The one algorithm a key is used with. Where its publisher did not say, the caller's allow-list
/// does: the first algorithm in it that the key can do.
fn algorithm_of(key: &VerifyingKey, allowed: &[Algorithm]) -> Option<Algorithm> {
    key.alg.or_else(|| allowed.iter().copied().find(|alg| key.key.fits(*alg)))
}

fn without_ambiguous(keys: Vec<VerifyingKey>) -> (Vec<VerifyingKey>, usize) {
    let before = keys.len();
    let ambiguous: Vec<bool> = keys
        .iter()
        .map(|key| keys.iter().filter(|other| overlap(key, other)).count() > 1)
        .collect();
    let kept: Vec<_> = keys
        .into_iter()
        .zip(ambiguous)
        .filter_map(|(key, ambiguous)| (!ambiguous).then_some(key))
        .collect();
    let dropped = before - kept.len();
    (kept, dropped)
}

/// Whether some token could be checked with either key. A key overlaps itself.
fn overlap(one: &VerifyingKey, other: &VerifyingKey) -> bool {
    let same_name = one.kid == other.kid && (one.kid.is_some() || std::ptr::eq(one, other));
    same_name
        && match (one.alg, other.alg) {
            (Some(one), Some(other)) => one == other,
            (Some(alg), None) => other.key.fits(alg),
            (None, Some(alg)) => one.key.fits(alg),
            (None, None) => {
                Algorithm::ALL.iter().any(|alg| one.key.fits(*alg) && other.key.fits(*alg))
            }
        }
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    keys: Vec<&'a RawValue>,
}

#[cfg(test)]
mod tests;
