//! Owns: reading a request of the `http` crate.

use http::Uri;
use http::header::HeaderValue;
use http::request::Parts;

use super::Validator;
use super::head::Head;
use crate::access_token::Token;
use crate::certificate::PeerCertificate;
use crate::refusal::Refusal;

impl Validator {
    /// Checks the token of a request.
    ///
    /// The path of `parts` has to be the one the client sent: see
    /// [`path_prefix`](super::Builder::path_prefix) for edges that shorten it. With the feature `axum`,
    /// the path that a nested router took off is known; behind another router that shortens paths, use
    /// [`check_incoming`](Self::check_incoming).
    ///
    /// # Errors
    /// A [`Refusal`], which knows the answer to send.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing, but that a DPoP proof may count as used.
    pub async fn check(&self, parts: &Parts) -> Result<Token, Refusal> {
        self.check_head(parts).await
    }
}

impl Head for Parts {
    fn method(&self) -> &str {
        self.method.as_str()
    }

    fn path(&self) -> &str {
        sent_uri(self).path()
    }

    fn lines(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.headers.get_all(name).iter().map(HeaderValue::as_bytes)
    }

    fn peer_certificate(&self) -> Option<&[u8]> {
        self.extensions.get::<PeerCertificate>().map(|peer| peer.0.as_slice())
    }
}

/// The URI as the client sent it, also where a nested router of axum has shortened it.
pub(crate) fn sent_uri(parts: &Parts) -> &Uri {
    #[cfg(feature = "axum")]
    if let Some(::axum::extract::OriginalUri(uri)) = parts.extensions.get() {
        return uri;
    }
    &parts.uri
}
