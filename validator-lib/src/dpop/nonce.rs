//! Owns: the nonces that this service gives out for DPoP proofs (RFC 9449 sections 8 and 9). Nothing is
//! remembered: a nonce says in which span of time it was made, under a MAC.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};

/// Seconds in which one nonce is given out. It is taken for as long again.
pub const SPAN_SECS: u64 = 120;
const MAC_BYTES: usize = 16;

/// Makes nonces and knows them again.
pub struct Nonces {
    key: hmac::Key,
}

/// How a nonce stands in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Current,
    /// Still taken, and about to end: the client should be told the next one.
    Ending,
    Refused,
}

impl Nonces {
    /// Nonces of this process alone. `None` where the machine has no randomness to give.
    pub fn random() -> Option<Self> {
        let mut key = [0; 32];
        SystemRandom::new().fill(&mut key).ok()?;
        Some(Self::shared(&key))
    }

    /// Nonces that every process with the same `key` takes, 32 random bytes.
    pub fn shared(key: &[u8; 32]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, key) }
    }

    /// The nonce to give out. `now` is in seconds since the epoch.
    pub fn current(&self, now: u64) -> String {
        self.of(now / SPAN_SECS)
    }

    pub(crate) fn standing(&self, nonce: &str, now: u64) -> Standing {
        let span = now / SPAN_SECS;
        if same(nonce, &self.of(span)) {
            Standing::Current
        } else if span.checked_sub(1).is_some_and(|last| same(nonce, &self.of(last))) {
            Standing::Ending
        } else {
            Standing::Refused
        }
    }

    fn of(&self, span: u64) -> String {
        let tag = hmac::sign(&self.key, &span.to_be_bytes());
        URL_SAFE_NO_PAD.encode(tag.as_ref().get(..MAC_BYTES).unwrap_or_default())
    }
}

impl fmt::Debug for Nonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nonces").finish_non_exhaustive()
    }
}

fn same(one: &str, other: &str) -> bool {
    subtle::ConstantTimeEq::ct_eq(one.as_bytes(), other.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::{Nonces, SPAN_SECS, Standing};

    #[test]
    fn t19_a_nonce_is_taken_for_its_span_and_the_next() {
        let (nonces, start) = (Nonces::shared(&[1; 32]), 1_000 * SPAN_SECS);
        let nonce = nonces.current(start);
        assert_eq!(nonce.len(), 22);
        assert_eq!(nonces.standing(&nonce, start), Standing::Current);
        assert_eq!(nonces.standing(&nonce, start + SPAN_SECS - 1), Standing::Current);
        assert_eq!(nonces.standing(&nonce, start + SPAN_SECS), Standing::Ending);
        assert_eq!(nonces.standing(&nonce, start + 2 * SPAN_SECS), Standing::Refused);
        assert_eq!(nonces.standing(&nonce, start - 1), Standing::Refused);
    }

    #[test]
    fn t19_a_nonce_of_another_key_or_of_nobody_is_refused() {
        let nonces = Nonces::shared(&[1; 32]);
        let other = Nonces::random().unwrap();
        for nonce in [other.current(0), String::new(), "A".repeat(22), "A".repeat(10_000)] {
            assert_eq!(nonces.standing(&nonce, 0), Standing::Refused, "{nonce}");
        }
        assert_eq!(Nonces::shared(&[1; 32]).standing(&nonces.current(7), 7), Standing::Current);
    }
}
