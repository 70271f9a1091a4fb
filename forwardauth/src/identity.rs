//! Owns: the headers that tell a service who the user is. All of them always, empty where unknown,
//! so that a proxy replaces whatever the client sent under these names (class T4).

use bytes::BufMut as _;
use http::HeaderMap;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue, InvalidHeaderValue};
use session::edge::EdgeFrame;
use session::header_text;
use session::id::{COOKIE_LEN, StoreKey};

use crate::decide::{Admitted, AdmittedToken};
use crate::policy::{MappedHeader, TokenClaims, Value};
use crate::refusal::Refusal;
use crate::scratch::Scratch;

const USER_ID: HeaderName = HeaderName::from_static("x-user-id");
const SESSION_ID: HeaderName = HeaderName::from_static("x-session-id");
const AUTH_TIME: HeaderName = HeaderName::from_static("x-auth-time");
const TENANT_ID: HeaderName = HeaderName::from_static("x-tenant-id");
const TENANT_SLUG: HeaderName = HeaderName::from_static("x-tenant-slug");
const USER_ROLES: HeaderName = HeaderName::from_static("x-user-roles");
const MASTER_FLAGS: HeaderName = HeaderName::from_static("x-master-flags");

/// The values, ready to be sent. Only what was [`Admitted`], or an [`AdmittedToken`], gives them.
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
    /// What the route's policy tells besides. A list of its own, so that routes without one carry a word.
    mapped: Option<Box<Mapped>>,
}

/// Headers that a policy maps.
type Mapped = Vec<(HeaderName, HeaderValue)>;

impl Identity {
    /// The user whose request was admitted, to a route that maps these `headers` besides.
    ///
    /// Copies no text: the values share the edge view's buffer.
    ///
    /// # Errors
    /// [`Refusal::EdgeMalformed`] if a field holds what no header may; its writer is at fault.
    pub(crate) fn of(
        admitted: Admitted<'_>,
        headers: &[MappedHeader],
        scratch: &Scratch,
    ) -> Result<Self, Refusal> {
        let (key, edge) = (admitted.key(), admitted.edge());
        let identity = Self::read(key, edge, scratch).and_then(|identity| match headers {
            [] => Ok(identity),
            headers => identity.with_mapped(headers, edge),
        });
        identity.map_err(|_| Refusal::EdgeMalformed)
    }

    fn with_mapped(
        self,
        headers: &[MappedHeader],
        edge: &EdgeFrame,
    ) -> Result<Self, InvalidHeaderValue> {
        let value = |header: &MappedHeader| match header.value(edge) {
            Value::Text(field) => text(edge, field),
            Value::SessionId => Ok(self.session_id.clone()),
            Value::AuthTime => Ok(self.auth_time.clone()),
        };
        let pairs = headers.iter().map(|header| Ok((header.name.clone(), value(header)?)));
        let mapped = pairs.collect::<Result<Mapped, _>>()?;
        Ok(Self { mapped: Some(Box::new(mapped)), ..self })
    }

    fn read(
        key: &StoreKey,
        edge: &EdgeFrame,
        scratch: &Scratch,
    ) -> Result<Self, InvalidHeaderValue> {
        let text = |field| text(edge, field);
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
            mapped: None,
        })
    }

    /// The user of the token that was admitted, by the claim `user_id_claim`, to a route that maps these
    /// `headers` besides. What only a session has is empty.
    ///
    /// # Errors
    /// [`Refusal::BearerUser`] if the token does not say who that is.
    pub(crate) fn of_token(
        admitted: &AdmittedToken,
        user_id_claim: &str,
        headers: &[MappedHeader],
    ) -> Result<Self, Refusal> {
        let token = admitted.token();
        let claims = TokenClaims::of(token);
        let user = claims.user(user_id_claim).ok_or(Refusal::BearerUser)?;
        let text = |text: String| HeaderValue::try_from(text).map_err(|_| Refusal::BearerUser);
        let empty = || HeaderValue::from_static("");
        let pairs = headers
            .iter()
            .map(|header| Ok((header.name.clone(), text(header.value_of_token(user, &claims))?)));
        let mapped = pairs.collect::<Result<Mapped, Refusal>>()?;
        Ok(Self {
            user_id: text(header_text::encode(user))?,
            session_id: empty(),
            auth_time: token.authenticated_at().map_or_else(empty, HeaderValue::from),
            tenant_id: empty(),
            tenant_slug: empty(),
            roles: text(header_text::encode_list(token.roles().iter().map(String::as_str)))?,
            master_flags: empty(),
            authorization: None,
            mapped: (!mapped.is_empty()).then(|| Box::new(mapped)),
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
        for (name, value) in self.mapped.into_iter().flat_map(|mapped| *mapped) {
            headers.insert(name, value);
        }
    }
}

fn text(edge: &EdgeFrame, field: &[u8]) -> Result<HeaderValue, InvalidHeaderValue> {
    match field {
        b"" => Ok(HeaderValue::from_static("")),
        field => HeaderValue::from_maybe_shared(edge.share(field)),
    }
}
