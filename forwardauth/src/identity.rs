//! Owns: the headers that tell a service who the user is. All of them always, empty where unknown,
//! so that a proxy replaces whatever the client sent under these names (class T4).

use http::header::{HeaderName, HeaderValue, InvalidHeaderValue};
use session::edge::EdgeView;
use session::id::{COOKIE_LEN, StoreKey};

const USER_ID: HeaderName = HeaderName::from_static("x-user-id");
const SESSION_ID: HeaderName = HeaderName::from_static("x-session-id");
const AUTH_TIME: HeaderName = HeaderName::from_static("x-auth-time");
const TENANT_ID: HeaderName = HeaderName::from_static("x-tenant-id");
const TENANT_SLUG: HeaderName = HeaderName::from_static("x-tenant-slug");
const USER_ROLES: HeaderName = HeaderName::from_static("x-user-roles");
const MASTER_FLAGS: HeaderName = HeaderName::from_static("x-master-flags");

/// Names and values, ready to be sent.
pub(crate) type Identity = [(HeaderName, HeaderValue); 7];

/// The headers for the session `view` under `key`.
///
/// Copies no text: the values share the view's buffer.
///
/// # Errors
/// If a field holds what no header may; its writer is at fault.
pub(crate) fn of(key: &StoreKey, view: &EdgeView) -> Result<Identity, InvalidHeaderValue> {
    let text = HeaderValue::from_maybe_shared::<bytes::Bytes>;
    let auth_time = match view.auth_time {
        0 => HeaderValue::from_static(""),
        seconds => HeaderValue::from(seconds),
    };
    Ok([
        (USER_ID, text(view.user_id.clone())?),
        (SESSION_ID, HeaderValue::from_str(key.encode(&mut [0; COOKIE_LEN]))?),
        (AUTH_TIME, auth_time),
        (TENANT_ID, text(view.tenant_id.clone())?),
        (TENANT_SLUG, text(view.tenant_slug.clone())?),
        (USER_ROLES, text(view.roles.clone())?),
        (MASTER_FLAGS, text(view.master_flags.clone())?),
    ])
}
