//! Owns: signatures under a shared secret on requests from one service to another, made with [`Signer`]
//! and checked with [`Verifier`]. Both take the time as an argument. `docs/SIGNATURES.md` describes the
//! format for other languages.
//!
//! ```
//! use validator_lib::signature::{Content, Covered, Presented, Signer, Verifier};
//!
//! # fn example() -> Result<(), Box<dyn std::error::Error>> {
//! # let (secret, now) = (b"32 random bytes, from openssl rand", 1_800_000_000);
//! let request = Covered { user_id: Some(b"alice"), ..Covered::new("POST", "orders:8000", "/orders", b"r-1") };
//! let signed = Signer::new(secret)?.sign(&request, &Content::of(b"{}"), now)?;
//!
//! let verifier = Verifier::new([secret])?.remember(100_000);
//! let presented = Presented::new(&signed.signature, &signed.timestamp);
//! verifier.verify(&request, &Content::of(b"{}"), &presented, now)?;
//! # Ok(())
//! # }
//! # example().unwrap();
//! ```

mod canonical;
#[cfg(feature = "http")]
mod parts;
mod signer;
mod verifier;

use std::fmt;

use crate::sha256::sha256;

#[cfg(feature = "http")]
pub use parts::{HeaderNames, read};
pub use signer::{Signed, Signer};
pub use verifier::{Presented, SignatureError, Verified, Verifier};

/// What the names of the two headers begin with unless configured otherwise.
pub const DEFAULT_PREFIX: &str = "X-Wicket";
/// By how many seconds the clocks of both sides may differ unless configured otherwise, either way.
pub const DEFAULT_WINDOW_SECS: u64 = 300;
/// The widest window.
pub const MAX_WINDOW_SECS: u64 = 3_600;
/// The shortest secret: one that can be guessed can be tried against any request that was seen.
pub const MIN_SECRET_BYTES: usize = 16;

/// The forms of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Version {
    /// Covers method, path, body, request id and time: neither the query nor who the user is.
    V0,
    /// Covers query, host, user, tenant and flags, too.
    V1,
}

/// What a signature covers, apart from body and time.
///
/// The values of headers are bytes, as they are sent. An absent header and an empty one are different
/// requests.
#[derive(Clone, Copy)]
pub struct Covered<'a> {
    /// The method, as sent.
    pub method: &'a str,
    /// The host and perhaps the port, as in `Host` or `:authority`.
    pub host: &'a str,
    /// The path, as sent: it begins with a slash.
    pub path: &'a str,
    /// The query, as sent, without the question mark.
    pub query: Option<&'a str>,
    /// `X-Request-Id`; never empty.
    pub request_id: &'a [u8],
    /// `X-User-Id`.
    pub user_id: Option<&'a [u8]>,
    /// `X-Tenant-Id`.
    pub tenant_id: Option<&'a [u8]>,
    /// `X-Master-Flags`.
    pub master_flags: Option<&'a [u8]>,
}

impl<'a> Covered<'a> {
    /// A request without query and without the headers that say whose it is.
    pub fn new(method: &'a str, host: &'a str, path: &'a str, request_id: &'a [u8]) -> Self {
        let (query, user_id, tenant_id, master_flags) = (None, None, None, None);
        Self { method, host, path, query, request_id, user_id, tenant_id, master_flags }
    }
}

impl fmt::Debug for Covered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Covered").field("method", &self.method).finish_non_exhaustive()
    }
}

/// The body of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Its SHA-256. A request without a body has an empty one.
    Hash([u8; 32]),
    /// Not covered: whoever stands between the two services can change it. A verifier accepts this only
    /// where it is told to.
    Unsigned,
}

impl Content {
    /// The hash of a whole body.
    pub fn of(body: &[u8]) -> Self {
        Self::Hash(sha256(body))
    }
}

/// A mistake in the settings of a [`Signer`] or a [`Verifier`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// No secret, so that nothing could be accepted.
    #[error("there is no secret")]
    NoSecret,
    /// A secret is shorter than [`MIN_SECRET_BYTES`].
    #[error("a secret is shorter than 16 bytes")]
    ShortSecret,
    /// The window is wider than [`MAX_WINDOW_SECS`].
    #[error("the window is wider than an hour")]
    Window,
}

/// A request that no signature can cover, because it would be read as another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum NotCoverable {
    /// The method is not the name of one.
    #[error("the method cannot be signed")]
    Method,
    /// The host is empty, or has spaces, control or non-ASCII characters.
    #[error("the host cannot be signed")]
    Host,
    /// The path does not begin with a slash, or has a query, a fragment, spaces or control characters.
    #[error("the path cannot be signed")]
    Path,
    /// The query has a fragment, spaces or control characters.
    #[error("the query cannot be signed")]
    Query,
    /// The value of a header has control characters, or spaces around it; or the request id is empty.
    #[error("the value of a header cannot be signed")]
    Header,
    /// Version 0 knows no body that is not covered.
    #[error("the body has to be signed in this version")]
    UnsignedBody,
}

fn key(secret: &[u8]) -> Result<ring::hmac::Key, SettingsError> {
    if secret.len() < MIN_SECRET_BYTES {
        return Err(SettingsError::ShortSecret);
    }
    Ok(ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret))
}

#[cfg(test)]
mod tests;
