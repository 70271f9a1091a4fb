//! Owns: the headers by which a service is told who calls.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::super::admit::Identity;
use crate::caller::Requester;
use crate::error::ApiError;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const USER_ID: HeaderName = HeaderName::from_static("x-user-id");
const TENANT_ID: HeaderName = HeaderName::from_static("x-tenant-id");
const TENANT_SLUG: HeaderName = HeaderName::from_static("x-tenant-slug");
const MASTER_FLAGS: HeaderName = HeaderName::from_static("x-master-flags");

/// Says who calls. What nobody signed in for carries the request's id alone.
///
/// # Errors
/// [`ApiError::Internal`] if a value cannot stand in a header.
pub(in crate::proxy) fn put_identity(
    headers: &mut HeaderMap,
    identity: Option<&Identity<'_>>,
    caller: &Requester,
) -> Result<(), ApiError> {
    put(headers, REQUEST_ID, caller.request_id.as_str().as_bytes())?;
    let Some(identity) = identity else { return Ok(()) };
    put(headers, USER_ID, identity.user_id)?;
    put(headers, TENANT_ID, identity.tenant_id)?;
    put(headers, TENANT_SLUG, identity.tenant_slug)?;
    put(headers, MASTER_FLAGS, identity.master_flags)
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &[u8]) -> Result<(), ApiError> {
    let value =
        HeaderValue::from_bytes(value).map_err(|_| ApiError::Internal("not_a_header_value"))?;
    headers.insert(name, value);
    Ok(())
}
