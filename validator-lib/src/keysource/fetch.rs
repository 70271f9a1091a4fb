//! Owns: what a source of keys asks of whoever opens its connections.

use std::future::Future;

/// Gets a document from the issuer.
///
/// An implementation answers within [`FETCH_TIMEOUT`](super::FETCH_TIMEOUT), reads no more than
/// [`MAX_JWKS_BYTES`](crate::keyset::MAX_JWKS_BYTES), follows no redirect and takes no status but 200.
pub trait Fetch: Send + Sync + 'static {
    /// Gets the document at `url`.
    fn get(&self, url: &str) -> impl Future<Output = Result<Fetched, FetchError>> + Send;
}

impl<F: Fetch> Fetch for std::sync::Arc<F> {
    fn get(&self, url: &str) -> impl Future<Output = Result<Fetched, FetchError>> + Send {
        F::get(self, url)
    }
}

/// A document, and how long its sender says it stays fresh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The body.
    pub body: Vec<u8>,
    /// `max-age` of `Cache-Control`; see [`max_age`].
    pub max_age: Option<u64>,
}

/// Why a document could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// No connection, or it broke. The text is for the operator.
    #[error("the issuer cannot be reached: {0}")]
    Network(String),
    /// No answer in time.
    #[error("the issuer did not answer in time")]
    Timeout,
    /// An answer with another status than 200.
    #[error("the issuer answered with status {0}")]
    Status(u16),
    /// A longer document than anybody needs.
    #[error("the issuer answered with too large a document")]
    TooLarge,
}

/// `max-age` in seconds of a `Cache-Control` value (RFC 9111 section 5.2.2.1). `no-cache` and
/// `no-store` are left unread: issuers send them with key sets out of habit, and heeding them would
/// mean a fetch for every token.
pub fn max_age(cache_control: &str) -> Option<u64> {
    cache_control.split(',').find_map(|directive| {
        let (name, value) = directive.split_once('=')?;
        let value = value.trim().trim_matches('"');
        name.trim().eq_ignore_ascii_case("max-age").then(|| value.parse().ok())?
    })
}
