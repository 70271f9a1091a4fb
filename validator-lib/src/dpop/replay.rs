//! Owns: remembering which proofs were used, for as long as each could be used again (RFC 9449
//! section 11.1).

#[cfg(feature = "redis")]
pub mod redis;

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::dpop::{MAX_AGE_SECS, MAX_AHEAD_SECS, Proof};
use crate::seen::{Seen, SeenError};

/// Proofs remembered unless configured otherwise: about 2,900 requests a second.
pub const DEFAULT_CAPACITY: usize = 1 << 18;
const LIFETIME_SECS: u64 = MAX_AGE_SECS + MAX_AHEAD_SECS + 1;

/// For how long a used proof has to be remembered.
pub const LIFETIME: Duration = Duration::from_secs(LIFETIME_SECS);

/// Why a proof could not be entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// It was used before.
    #[error("the proof was used before")]
    Replayed,
    /// There is no room.
    #[error("the replay store is full")]
    Full,
    /// The memory that is shared with others cannot be asked.
    #[error("the replay store cannot be reached")]
    Away,
}

/// The name of a proof: half a SHA-256 of its key and its `jti`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProofName([u8; 16]);

impl ProofName {
    /// The name of `proof`.
    pub fn of(proof: &Proof) -> Self {
        // A thumbprint has a fixed length, so the two cannot run together.
        let mut hash = ring::digest::Context::new(&ring::digest::SHA256);
        hash.update(proof.thumbprint.as_bytes());
        hash.update(proof.jti.as_bytes());
        let mut name = [0; 16];
        name.iter_mut().zip(hash.finish().as_ref()).for_each(|(to, from)| *to = *from);
        Self(name)
    }
}

impl fmt::Display for ProofName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

/// What [`SharedReplay::enter`] gives.
pub type Entering<'a> = Pin<Box<dyn Future<Output = Result<(), ReplayError>> + Send + 'a>>;

/// A memory of used proofs that several processes share.
pub trait SharedReplay: Send + Sync + 'static {
    /// Enters a proof if it is not there, and keeps it for `keep`, in one step: of two requests with the
    /// same proof at most one may get `Ok`.
    fn enter(&self, name: ProofName, keep: Duration) -> Entering<'_>;
}

/// The proofs used lately.
#[derive(Debug)]
pub struct ReplayStore {
    used: Seen,
}

impl ReplayStore {
    /// A store of at most `capacity` proofs.
    pub fn new(capacity: usize) -> Self {
        Self { used: Seen::new(capacity, LIFETIME_SECS) }
    }

    /// Enters a proof. `now` is in seconds since the epoch.
    ///
    /// # Errors
    /// [`ReplayError`].
    pub fn enter(&self, proof: &Proof, now: u64) -> Result<(), ReplayError> {
        let ProofName(name) = ProofName::of(proof);
        self.used.enter(name, now).map_err(|error| match error {
            SeenError::Again => ReplayError::Replayed,
            SeenError::Full => ReplayError::Full,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{LIFETIME_SECS, ReplayError, ReplayStore};
    use crate::dpop::Proof;

    fn proof(thumbprint: &str, jti: &str) -> Proof {
        Proof { thumbprint: thumbprint.into(), jti: jti.to_owned(), nonce: None }
    }

    #[test]
    fn t19_a_proof_is_good_once_for_as_long_as_it_could_be_used() {
        let store = ReplayStore::new(10);
        assert_eq!(store.enter(&proof("k", "1"), 100), Ok(()));
        assert_eq!(store.enter(&proof("k", "1"), 100), Err(ReplayError::Replayed));
        assert_eq!(store.enter(&proof("k", "1"), 99 + LIFETIME_SECS), Err(ReplayError::Replayed));
        assert_eq!(store.enter(&proof("k", "1"), 100 + LIFETIME_SECS), Ok(()));
    }

    #[test]
    fn the_same_jti_of_another_key_is_another_proof() {
        let store = ReplayStore::new(10);
        assert_eq!(store.enter(&proof("k", "1"), 100), Ok(()));
        assert_eq!(store.enter(&proof("l", "1"), 100), Ok(()));
    }

    #[test]
    fn a_full_store_forgets_nothing_and_recovers_with_time() {
        let store = ReplayStore::new(2);
        assert_eq!(store.enter(&proof("k", "1"), 100), Ok(()));
        assert_eq!(store.enter(&proof("k", "2"), 101), Ok(()));
        assert_eq!(store.enter(&proof("k", "3"), 102), Err(ReplayError::Full));
        assert_eq!(store.enter(&proof("k", "1"), 102), Err(ReplayError::Replayed));
        assert_eq!(store.enter(&proof("k", "3"), 100 + LIFETIME_SECS), Ok(()));
    }
}
