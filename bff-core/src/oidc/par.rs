//! Owns: pushing an authorization request (RFC 9126 section 2). A failure is a failure: nothing
//! falls back to a plain request, because whoever could make pushing fail would gain by it.

use http::StatusCode;
use serde::Deserialize;

use super::authorize::Authorization;
use super::endpoint::{Answer, Caller};
use super::error::{Endpoint, OidcError};
use super::metadata::EndpointUrl;
use crate::json;

#[derive(Deserialize)]
struct Wire {
    request_uri: String,
    /// Parsed because its absence shows a broken endpoint. The browser follows at once, and every
    /// login pushes anew, so nothing counts down.
    #[serde(rename = "expires_in")]
    _expires_in: std::num::NonZeroU64,
}

/// The reference to send the browser with, for this one login.
pub(super) async fn push(
    caller: &Caller<'_>,
    url: &EndpointUrl,
    authorization: &Authorization,
) -> Result<String, OidcError> {
    let form = authorization.form();
    let key = authorization.secrets.dpop_key.as_ref();
    read(&caller.post(Endpoint::Par, url, &form, key).await?)
}

/// The reference that an answer gives (RFC 9126 section 2.2).
pub(super) fn read(answer: &Answer) -> Result<String, OidcError> {
    let protocol = |what| OidcError::Protocol { endpoint: Endpoint::Par, what };
    if answer.status() != StatusCode::CREATED {
        return Err(protocol("par_status"));
    }
    let Wire { request_uri, .. } =
        json::object(answer.body()).ok_or_else(|| protocol("par_malformed"))?;
    if request_uri.is_empty() {
        return Err(protocol("par_malformed"));
    }
    Ok(request_uri)
}
