//! Owns: the page in between that `SameSite=Strict` needs.
//!
//! A browser keeps a `Strict` cookie back from a navigation that another site began, and from every
//! redirect that follows it (RFC 6265bis section 5.6.7.1): from the way back of the IdP, and from a link
//! elsewhere. A redirect would lead to a page without a session, and on to the login, for ever. A page
//! of ours that leads on begins a navigation of its own.

use axum::response::Response;
use http::HeaderMap;

use crate::caller::Caller;
use crate::csrf::fetch_site;
use crate::error::ApiError;
use crate::pages;
use crate::routes::see_other;

/// Whether the browser may have a session cookie that this navigation does not bring.
pub(crate) fn is_kept_back(caller: &Caller, headers: &HeaderMap) -> bool {
    caller.tenant.cookies.are_strict()
        && !matches!(fetch_site(headers), Some(b"same-origin" | b"same-site" | b"none"))
}

/// Sends the browser on, so that it brings its session cookie along.
///
/// # Errors
/// [`ApiError::Internal`] where `location` is no field value.
pub(crate) fn lead_on(
    caller: &Caller,
    headers: &HeaderMap,
    location: &str,
) -> Result<Response, ApiError> {
    if is_kept_back(caller, headers) { Ok(pages::onward(location)) } else { see_other(location) }
}
