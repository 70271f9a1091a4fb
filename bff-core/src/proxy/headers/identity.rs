//! Owns: the headers by which a service is told who calls.

use http::{HeaderMap, HeaderValue};

use super::super::admit::Identity;
use crate::caller::Requester;
use crate::error::ApiError;

/// Says who calls. What nobody signed in for carries the request's id alone.
///
/// # Errors
/// [`ApiError::Internal`] if a value cannot stand in a header.
pub(in crate::proxy) fn put_identity(
    headers: &mut HeaderMap,
    identity: Option<&Identity<'_>>,
    caller: &Requester,
) -> Result<(), ApiError> {
    put(headers, "x-request-id", caller.request_id.as_str().as_bytes())?;
    let Some(identity) = identity else { return Ok(()) };
    put(headers, "x-user-id", identity.user_id)?;
    put(headers, "x-tenant-id", identity.tenant_id)?;
    put(headers, "x-tenant-slug", identity.tenant_slug)?;
    put(headers, "x-master-flags", identity.master_flags)
}

fn put(headers: &mut HeaderMap, name: &'static str, value: &[u8]) -> Result<(), ApiError> {
    let value =
        HeaderValue::from_bytes(value).map_err(|_| ApiError::Internal("not_a_header_value"))?;
    headers.insert(name, value);
    Ok(())
}
