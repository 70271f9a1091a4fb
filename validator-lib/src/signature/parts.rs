//! Owns: finding a signature, and what it covers, in a request of the `http` crate.

use http::header::{HOST, HeaderMap, HeaderName, HeaderValue, InvalidHeaderName};
use http::request::Parts;

use super::{Covered, Presented, SignatureError};
use crate::validator::sent_uri;

/// The names of the two headers that carry a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderNames {
    /// `<prefix>-Signature`.
    pub signature: HeaderName,
    /// `<prefix>-Timestamp`.
    pub timestamp: HeaderName,
}

impl HeaderNames {
    /// The names that begin with `prefix`; [`DEFAULT_PREFIX`](super::DEFAULT_PREFIX) unless both sides agree on
    /// another.
    ///
    /// # Errors
    /// Where that makes no name of a header.
    pub fn new(prefix: &str) -> Result<Self, InvalidHeaderName> {
        Ok(Self {
            signature: format!("{prefix}-signature").parse()?,
            timestamp: format!("{prefix}-timestamp").parse()?,
        })
    }
}

impl Default for HeaderNames {
    fn default() -> Self {
        Self {
            signature: HeaderName::from_static("x-wicket-signature"),
            timestamp: HeaderName::from_static("x-wicket-timestamp"),
        }
    }
}

/// What the signature of a request covers, and the signature.
///
/// The path has to be the one that was sent, which is known where the feature `axum` is on and a nested
/// router has shortened it. Where something in between changes the host, put the one that was sent in its
/// place.
///
/// # Errors
/// [`SignatureError::Missing`] and [`SignatureError::Doubled`].
pub fn read<'a>(
    parts: &'a Parts,
    names: &HeaderNames,
) -> Result<(Covered<'a>, Presented<'a>), SignatureError> {
    let headers = &parts.headers;
    let uri = sent_uri(parts);
    let covered = Covered {
        method: parts.method.as_str(),
        host: host(headers, uri)?,
        path: uri.path(),
        query: uri.query(),
        request_id: one(headers, &HeaderName::from_static("x-request-id"))?
            .ok_or(SignatureError::Missing)?,
        user_id: one(headers, &HeaderName::from_static("x-user-id"))?,
        tenant_id: one(headers, &HeaderName::from_static("x-tenant-id"))?,
        master_flags: one(headers, &HeaderName::from_static("x-master-flags"))?,
    };
    let presented = Presented {
        signature: one(headers, &names.signature)?.ok_or(SignatureError::Missing)?,
        timestamp: one(headers, &names.timestamp)?.ok_or(SignatureError::Missing)?,
    };
    Ok((covered, presented))
}

/// HTTP/2 has it in the URI, HTTP/1.1 in a header. Two that differ would leave it open which one counts.
fn host<'a>(headers: &'a HeaderMap, uri: &'a http::Uri) -> Result<&'a str, SignatureError> {
    let of_header = one(headers, &HOST)?
        .map(|value| std::str::from_utf8(value).map_err(|_| SignatureError::Malformed))
        .transpose()?;
    match (uri.authority().map(http::uri::Authority::as_str), of_header) {
        (Some(one), Some(other)) if one != other => Err(SignatureError::Doubled),
        (Some(host), _) | (None, Some(host)) => Ok(host),
        (None, None) => Err(SignatureError::Missing),
    }
}

fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a [u8]>, SignatureError> {
    let mut lines = headers.get_all(name).iter().map(HeaderValue::as_bytes);
    match (lines.next(), lines.next()) {
        (only, None) => Ok(only),
        _ => Err(SignatureError::Doubled),
    }
}
