//! Owns: tokens that were checked a moment ago. What is kept is what the bytes of a token alone decide:
//! signature, issuer, audience, type. Whatever can change from one request to the next is asked anew each
//! time: lifetime, the keys that the issuer publishes, binding, revocation, policy.
//!
//! Only tokens that were accepted are kept, by the SHA-256 of their exact bytes, and each validator has a
//! cache of its own, so that no entry outlives or crosses a configuration.

use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{OptionsBuilder, Weighter};

use crate::accepted::Accepted;
use crate::dpop::TokenHash;

/// For how long a token is believed without checking its signature again, in seconds.
pub const MAX_SECS: u64 = 60;
/// What the cache may take in memory unless configured otherwise, in bytes: some ten thousand tokens.
pub const DEFAULT_BYTES: u64 = 32 << 20;
const TYPICAL_BYTES: u64 = 2_560;
const MOST_EXPECTED: usize = 1 << 16;

pub(crate) struct TokenCache {
    entries: Cache<TokenHash, Entry, ByBytes, BuildHasherDefault<FirstWord>>,
}

#[derive(Clone)]
struct Entry {
    accepted: Arc<Accepted>,
    kept_at: u64,
}

impl TokenCache {
    /// A cache of at most so many bytes, more or less.
    pub(crate) fn new(bytes: u64) -> Option<Self> {
        // Room for so many is made at once.
        let tokens = usize::try_from(bytes / TYPICAL_BYTES).unwrap_or(MOST_EXPECTED);
        let options = OptionsBuilder::new()
            .weight_capacity(bytes)
            .estimated_items_capacity(tokens.min(MOST_EXPECTED))
            .build()
            .ok()?;
        let hasher = BuildHasherDefault::default();
        let entries = Cache::with_options(options, ByBytes, hasher, DefaultLifecycle::default());
        Some(Self { entries })
    }

    /// A token that was accepted less than [`MAX_SECS`] ago and has not expired. A clock that was set back
    /// makes it forget.
    pub(crate) fn get(&self, token: &TokenHash, now: u64) -> Option<Arc<Accepted>> {
        let Entry { accepted, kept_at } = self.entries.get(token)?;
        let fresh = now.checked_sub(kept_at).is_some_and(|age| age < MAX_SECS)
            && !accepted.has_expired(now);
        fresh.then_some(accepted)
    }

    pub(crate) fn keep(&self, token: TokenHash, accepted: &Arc<Accepted>, now: u64) {
        self.entries.insert(token, Entry { accepted: Arc::clone(accepted), kept_at: now });
    }

    pub(crate) fn forget(&self, token: &TokenHash) {
        self.entries.remove(token);
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache").field("entries", &self.entries.len()).finish()
    }
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<TokenHash, Entry> for ByBytes {
    fn weight(&self, _: &TokenHash, entry: &Entry) -> u64 {
        entry.accepted.weight()
    }
}

/// The keys are hashes already, and only tokens that an issuer signed are entered: the first eight bytes
/// are hash enough.
#[derive(Default)]
struct FirstWord(u64);

impl Hasher for FirstWord {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(word) = bytes.first_chunk() {
            self.0 = u64::from_ne_bytes(*word);
        }
    }
}
