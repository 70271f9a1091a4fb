//! Owns: tokens that were withdrawn before they expire. A list is asked on every request, also where the
//! token itself was checked a moment ago, so it answers from memory and never waits.
//!
//! Tokens are named by `(iss, jti)` and `(iss, sub)`, never by their bytes: an ECDSA signature can be
//! rewritten by anybody, and the same claims then come in other bytes.

mod local;
#[cfg(feature = "redis")]
pub mod redis;

pub use local::{DEFAULT_CAPACITY, LocalDenylist};

/// The token that a list is asked about.
#[derive(Debug, Clone, Copy)]
pub struct TokenName<'a> {
    /// `iss`.
    pub issuer: &'a str,
    /// `jti`, where it has one.
    pub id: Option<&'a str>,
    /// `sub`.
    pub subject: &'a str,
    /// `iat` in seconds since the epoch, where it has one. A token without is as old as can be.
    pub issued_at: Option<u64>,
}

/// What a list knows of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It was not withdrawn.
    Clear,
    /// It was.
    Denied,
    /// The list has not heard from its source for too long to say.
    Unknown,
}

/// Says which tokens were withdrawn. It is asked on every request and must not block.
pub trait Denylist: Send + Sync + 'static {
    /// What is known of `token`. `now` is in seconds since the epoch.
    fn verdict(&self, token: &TokenName<'_>, now: u64) -> Verdict;
}

impl<L: Denylist> Denylist for std::sync::Arc<L> {
    fn verdict(&self, token: &TokenName<'_>, now: u64) -> Verdict {
        L::verdict(self, token, now)
    }
}

/// What becomes of a request while the list cannot say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenUnknown {
    /// It is let in: the service stays up, and withdrawn tokens live on until the list is back.
    Accept,
    /// It is answered with 503: no withdrawn token passes, and the service rests on the list's source.
    Refuse,
}
