//! Owns: checking the signature of a request that this service received.

use std::fmt;

use ring::hmac;

use super::{
    Content, Covered, DEFAULT_WINDOW_SECS, MAX_WINDOW_SECS, NotCoverable, SettingsError, Version,
    canonical, key,
};
use crate::seen::{Name, Seen, SeenError};

/// Checks signatures. Unless told otherwise it accepts version 1 with the body signed, and does not
/// remember what it saw.
pub struct Verifier {
    keys: Vec<hmac::Key>,
    window: u64,
    v0: bool,
    bare_v0: bool,
    unsigned_body: bool,
    capacity: Option<usize>,
    seen: Option<Seen>,
}

/// The two headers of a signature, as they came.
#[derive(Clone, Copy)]
pub struct Presented<'a> {
    /// The value of `<prefix>-Signature`.
    pub signature: &'a [u8],
    /// The value of `<prefix>-Timestamp`.
    pub timestamp: &'a [u8],
}

impl<'a> Presented<'a> {
    /// The values of both headers.
    pub fn new<V: AsRef<[u8]> + ?Sized>(signature: &'a V, timestamp: &'a V) -> Self {
        Self { signature: signature.as_ref(), timestamp: timestamp.as_ref() }
    }
}

impl fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presented").finish_non_exhaustive()
    }
}

/// What a good signature vouches for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// With [`Version::V0`], neither the query nor the headers that say whose the request is.
    pub version: Version,
    /// Whether the body is what was signed.
    pub body: bool,
}

/// Why a signature is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// A header that has to be there is not.
    #[error("the request is not signed")]
    Missing,
    /// A header that may be there once is there twice.
    #[error("a header of the signed request is there twice")]
    Doubled,
    /// The signature is no `v1=` and 64 digits, or the timestamp is no number.
    #[error("the signature is malformed")]
    Malformed,
    /// Of a version that is not accepted here.
    #[error("the version of the signature is not accepted")]
    Version,
    /// The request is one that no signature can cover.
    #[error(transparent)]
    Request(#[from] NotCoverable),
    /// From too long ago, or from the future.
    #[error("the signature is too old or not valid yet")]
    Time,
    /// Of another request, or under another secret.
    #[error("the signature does not match the request")]
    Mismatch,
    /// Seen before.
    #[error("the signature was used before")]
    Replayed,
    /// No room to remember it. Not the sender's fault: answer 503.
    #[error("the memory of used signatures is full")]
    MemoryFull,
}

impl SignatureError {
    /// A short stable code for metrics and logs.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Missing => "signature_missing",
            Self::Doubled => "signature_doubled",
            Self::Malformed => "signature_malformed",
            Self::Version => "signature_version",
            Self::Request(_) => "signature_request",
            Self::Time => "signature_time",
            Self::Mismatch => "signature_mismatch",
            Self::Replayed => "signature_replayed",
            Self::MemoryFull => "signature_memory_full",
        }
    }

    /// The HTTP status to answer with.
    pub const fn status(self) -> u16 {
        match self {
            Self::MemoryFull => 503,
            _ => 401,
        }
    }
}

impl Verifier {
    /// Accepts signatures under any of `secrets`: while they are exchanged, the new one and the old.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn new<S: AsRef<[u8]>>(
        secrets: impl IntoIterator<Item = S>,
    ) -> Result<Self, SettingsError> {
        let keys: Vec<_> =
            secrets.into_iter().map(|secret| key(secret.as_ref())).collect::<Result<_, _>>()?;
        if keys.is_empty() {
            return Err(SettingsError::NoSecret);
        }
        let (v0, bare_v0, unsigned_body) = (false, false, false);
        let (window, capacity, seen) = (DEFAULT_WINDOW_SECS, None, None);
        Ok(Self { keys, window, v0, bare_v0, unsigned_body, capacity, seen })
    }

    /// Accepts signatures that are at most so many seconds old or ahead.
    ///
    /// # Errors
    /// [`SettingsError::Window`].
    pub fn window(mut self, seconds: u64) -> Result<Self, SettingsError> {
        if seconds > MAX_WINDOW_SECS {
            return Err(SettingsError::Window);
        }
        self.window = seconds;
        self.refit();
        Ok(self)
    }

    /// Accepts version 0, too. It does not vouch for the query or for whose the request is.
    #[must_use]
    pub fn accept_v0(mut self) -> Self {
        self.v0 = true;
        self
    }

    /// Accepts version 0 without `v0=` before its digits, as the first services sent it.
    #[must_use]
    pub fn accept_bare_v0(mut self) -> Self {
        self.bare_v0 = true;
        self
    }

    /// Accepts a version 1 that does not cover the body.
    #[must_use]
    pub fn accept_unsigned_body(mut self) -> Self {
        self.unsigned_body = true;
        self
    }

    /// Remembers up to `capacity` signatures and accepts each once, in this process. Take the requests of a
    /// second, times twice the window. A sender that tries again needs a new request id, or another second.
    #[must_use]
    pub fn remember(mut self, capacity: usize) -> Self {
        self.capacity = Some(capacity);
        self.refit();
        self
    }

    /// What is accepted until the end of its window is remembered past it.
    fn refit(&mut self) {
        self.seen = self.capacity.map(|capacity| Seen::new(capacity, 2 * self.window + 1));
    }

    /// Checks the signature of a request. With [`Content::Unsigned`] for a body that was not read, only a
    /// signature is good that does not cover it. `now` is in seconds since the epoch.
    ///
    /// # Errors
    /// [`SignatureError`].
    pub fn verify(
        &self,
        request: &Covered<'_>,
        content: &Content,
        presented: &Presented<'_>,
        now: u64,
    ) -> Result<Verified, SignatureError> {
        let (version, tag) = self.tag(presented.signature)?;
        let timestamp = seconds(presented.timestamp).ok_or(SignatureError::Malformed)?;
        if now.abs_diff(timestamp) > self.window {
            return Err(SignatureError::Time);
        }
        let is_for = |content: &Content| {
            let bytes = canonical::bytes(version, request, content, timestamp)?;
            Ok::<_, NotCoverable>(
                self.keys.iter().any(|key| hmac::verify(key, &bytes, &tag).is_ok()),
            )
        };
        let whole = matches!(content, Content::Hash(_)) && is_for(content)?;
        let may_be_unsigned = self.unsigned_body && version == Version::V1;
        if !(whole || may_be_unsigned && is_for(&Content::Unsigned)?) {
            return Err(SignatureError::Mismatch);
        }
        self.enter(tag, now)?;
        Ok(Verified { version, body: whole })
    }

    fn tag(&self, signature: &[u8]) -> Result<(Version, [u8; 32]), SignatureError> {
        let (version, digits, accepted) = match signature.split_at_checked(3) {
            Some((b"v1=", digits)) => (Version::V1, digits, true),
            Some((b"v0=", digits)) => (Version::V0, digits, self.v0),
            _ => (Version::V0, signature, self.bare_v0),
        };
        let tag = canonical::unhex(digits).ok_or(SignatureError::Malformed)?;
        if accepted { Ok((version, tag)) } else { Err(SignatureError::Version) }
    }

    /// The MAC covers the request id, so that it names the request and its attempt.
    fn enter(&self, tag: [u8; 32], now: u64) -> Result<(), SignatureError> {
        let Some(seen) = &self.seen else { return Ok(()) };
        let mut name = Name::default();
        name.iter_mut().zip(tag).for_each(|(to, from)| *to = from);
        seen.enter(name, now).map_err(|error| match error {
            SeenError::Again => SignatureError::Replayed,
            SeenError::Full => SignatureError::MemoryFull,
        })
    }
}

/// A number in its one spelling.
fn seconds(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?;
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("secrets", &self.keys.len())
            .field("window", &self.window)
            .finish_non_exhaustive()
    }
}
