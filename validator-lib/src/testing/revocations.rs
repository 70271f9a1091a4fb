//! Owns: a list of revoked tokens that a test fills, and that can lose touch with its source.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Clock;
use crate::revocation::{Denylist, LocalDenylist, TokenName, Verdict};

/// For how long an entry is kept: longer than any test moves its clock.
const KEPT_SECS: u64 = 10 * 365 * 24 * 60 * 60;

/// The list of one [`Issuer`](super::Issuer). Clones are the same list.
#[derive(Debug, Clone)]
pub struct Revocations {
    issuer: Arc<str>,
    clock: Clock,
    list: Arc<LocalDenylist>,
    silent: Arc<AtomicBool>,
}

impl Revocations {
    pub(super) fn new(issuer: &str, clock: Clock) -> Self {
        Self { issuer: issuer.into(), clock, list: Arc::default(), silent: Arc::default() }
    }

    /// Revokes the token with this `jti`.
    pub fn token(&self, jti: &str) {
        let now = self.clock.now();
        self.list.deny_token(&self.issuer, jti, now.saturating_add(KEPT_SECS), now);
    }

    /// Revokes every token that was issued for `subject` up to and in this second.
    pub fn user(&self, subject: &str) {
        let now = self.clock.now();
        self.list.deny_user(&self.issuer, subject, now, now.saturating_add(KEPT_SECS), now);
    }

    /// Whether the list says of each token that it cannot tell, as one that lost touch with its source.
    pub fn silence(&self, silent: bool) {
        self.silent.store(silent, Ordering::SeqCst);
    }
}

impl Denylist for Revocations {
    fn verdict(&self, token: &TokenName<'_>, now: u64) -> Verdict {
        if self.silent.load(Ordering::SeqCst) {
            return Verdict::Unknown;
        }
        self.list.verdict(token, now)
    }
}
