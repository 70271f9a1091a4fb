//! Owns: the headers that tell a service who the user is. All of them always, empty where unknown,
//! so that a proxy replaces whatever the client sent under these names (class T4).

use bytes::BufMut as _;
use http::HeaderMap;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue, InvalidHeaderValue};
use session::edge::EdgeFrame;
use session::id::{COOKIE_LEN, StoreKey};

use crate::decide::Admitted;
use crate::refusal::Refusal;
use crate::scratch::Scratch;

const USER_ID: HeaderName = HeaderName::from_static("x-user-id");
const SESSION_ID: HeaderName = HeaderName::from_static("x-session-id");
const AUTH_TIME: HeaderName = HeaderName::from_static("x-auth-time");
const TENANT_ID: HeaderName = HeaderName::from_static("x-tenant-id");
const TENANT_SLUG: HeaderName = HeaderName::from_static("x-tenant-slug");
const USER_ROLES: HeaderName = HeaderName::from_static("x-user-roles");
const MASTER_FLAGS: HeaderName = HeaderName::from_static("x-master-flags");

/// The values, ready to be sent. Only what was [`Admitted`] gives them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    user_id: HeaderValue,
    session_id: HeaderValue,
    auth_time: HeaderValue,
    tenant_id: HeaderValue,
    tenant_slug: HeaderValue,
    roles: HeaderValue,
    master_flags: HeaderValue,
    /// For services that want the session's token besides.
    authorization: Option<HeaderValue>,
}

impl Identity {
    /// The user whose request was admitted.
    ///
    /// Copies no text: the values share the edge view's buffer.
    ///
    /// # Errors
    /// [`Refusal::EdgeMalformed`] if a field holds what no header may; its writer is at fault.
    pub(crate) fn of(admitted: &Admitted, scratch: &Scratch) -> Result<Self, Refusal> {
        Self::read(admitted.key(), admitted.edge(), scratch).map_err(|_| Refusal::EdgeMalformed)
    }

    fn read(
        key: &StoreKey,
        edge: &EdgeFrame,
        scratch: &Scratch,
    ) -> Result<Self, InvalidHeaderValue> {
        let text = |field: &[u8]| match field {
            b"" => Ok(HeaderValue::from_static("")),
            field => HeaderValue::from_maybe_shared(edge.share(field)),
        };
        let auth_time = edge.auth_time();
        let numbers = scratch.write(|out| {
            out.put_slice(key.text());
            if auth_time != 0 {
                out.put_slice(itoa::Buffer::new().format(auth_time).as_bytes());
            }
        });
        Ok(Self {
            user_id: text(edge.user_id())?,
            session_id: HeaderValue::from_maybe_shared(numbers.slice(..COOKIE_LEN))?,
            auth_time: HeaderValue::from_maybe_shared(numbers.slice(COOKIE_LEN..))?,
            tenant_id: text(edge.tenant_id())?,
            tenant_slug: text(edge.tenant_slug())?,
            roles: text(edge.roles())?,
            master_flags: text(edge.master_flags())?,
            authorization: None,
        })
    }

    /// The same user, with a value of `Authorization`.
    #[must_use]
    pub(crate) fn with_authorization(self, value: HeaderValue) -> Self {
        Self { authorization: Some(value), ..self }
    }

    /// Sets all of them.
    pub(crate) fn put(self, headers: &mut HeaderMap) {
        headers.insert(USER_ID, self.user_id);
        headers.insert(SESSION_ID, self.session_id);
        headers.insert(AUTH_TIME, self.auth_time);
        headers.insert(TENANT_ID, self.tenant_id);
        headers.insert(TENANT_SLUG, self.tenant_slug);
        headers.insert(USER_ROLES, self.roles);
        headers.insert(MASTER_FLAGS, self.master_flags);
        if let Some(authorization) = self.authorization {
            headers.insert(AUTHORIZATION, authorization);
        }
    }
}
