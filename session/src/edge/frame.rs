//! Owns: an edge view where it stands in the bytes it was read from: numbers read once, text fields
//! as places in the one buffer, so that nothing is copied on the way of a request.

use std::fmt;

use bytes::Bytes;

use super::{EdgeView, claims};
use crate::binding::{Bindings, IpMark};

/// Where a text field stands in its buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Span {
    start: u32,
    length: u16,
}

/// An edge view in place. Times are seconds since the Unix epoch.
///
/// Clones share the buffer.
#[derive(Clone)]
pub struct EdgeFrame {
    pub(super) raw: Bytes,
    pub(super) layout: EdgeView<Span>,
}

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident: $kind:ty,)*) => {
        $($(#[$doc])* pub const fn $name(&self) -> $kind { self.layout.$name })*
    };
}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        $($(#[$doc])* pub fn $name(&self) -> &[u8] { self.text(self.layout.$name) })*
    };
}

impl EdgeFrame {
    numbers! {
        /// When the session began.
        created_at: u64,
        /// When the user authenticated at the IdP.
        auth_time: u64,
        /// When the session ends, whatever happens.
        expires_at: u64,
        /// When the session was last used, to within a minute.
        last_seen: u64,
        /// Seconds without use after which the session ends.
        idle_ttl: u32,
        /// When the access token expires; zero if unknown.
        access_expires_at: u64,
        /// Counts the changes of the token part.
        token_version: u64,
    }

    texts! {
        /// Tenant id; empty without tenants.
        tenant_id,
        /// Tenant slug; empty without tenants.
        tenant_slug,
        /// Issuer that vouched for the user.
        issuer,
        /// User id, as header text.
        user_id,
        /// Roles, as a header's list.
        roles,
        /// Master flags: a JSON object in ASCII, or empty.
        master_flags,
        /// Granted scopes, space-separated.
        scopes,
        /// Groups, as a header's list.
        groups,
        /// Authentication context class.
        acr,
    }

    /// The value of the claim called `name`, as header text; `None` where the session holds none.
    pub fn claim(&self, name: &str) -> Option<&[u8]> {
        claims::find(self.text(self.layout.claims), name)
    }

    /// The client the session was made for.
    pub const fn bindings(&self) -> &Bindings {
        &self.layout.bindings
    }

    /// When the session ends if it is not used again.
    pub const fn idle_deadline(&self) -> u64 {
        self.layout.idle_deadline()
    }

    /// The bytes that it was read from, as the store holds them.
    pub const fn raw(&self) -> &Bytes {
        &self.raw
    }

    /// One of this frame's text fields as a part of the shared buffer; a copy of any other text.
    pub fn share(&self, field: &[u8]) -> Bytes {
        let all = self.raw.as_ptr_range();
        let part = field.as_ptr_range();
        if all.contains(&part.start) && part.end <= all.end {
            self.raw.slice_ref(field)
        } else {
            Bytes::copy_from_slice(field)
        }
    }

    /// The view by itself, for who wants to change it.
    pub fn to_view(&self) -> EdgeView {
        let share = |span| self.share(self.text(span));
        let layout = &self.layout;
        EdgeView {
            created_at: layout.created_at,
            auth_time: layout.auth_time,
            expires_at: layout.expires_at,
            last_seen: layout.last_seen,
            idle_ttl: layout.idle_ttl,
            access_expires_at: layout.access_expires_at,
            token_version: layout.token_version,
            bindings: layout.bindings,
            tenant_id: share(layout.tenant_id),
            tenant_slug: share(layout.tenant_slug),
            issuer: share(layout.issuer),
            user_id: share(layout.user_id),
            roles: share(layout.roles),
            master_flags: share(layout.master_flags),
            scopes: share(layout.scopes),
            groups: share(layout.groups),
            acr: share(layout.acr),
            claims: share(layout.claims),
        }
    }

    fn text(&self, span: Span) -> &[u8] {
        let start = usize::try_from(span.start).unwrap_or(usize::MAX);
        let end = start.saturating_add(usize::from(span.length));
        self.raw.get(start..end).unwrap_or_default()
    }
}

impl fmt::Debug for EdgeFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_view().fmt(f)
    }
}

/// Reads `body`, which stands `offset` bytes into its buffer. `None` if it is cut short or followed by
/// more than it should be.
pub(super) fn layout(body: &[u8], offset: usize, with_claims: bool) -> Option<EdgeView<Span>> {
    let mut cursor = Cursor { rest: body, at: u32::try_from(offset).ok()? };
    let view = EdgeView {
        created_at: cursor.u64()?,
        auth_time: cursor.u64()?,
        expires_at: cursor.u64()?,
        last_seen: cursor.u64()?,
        idle_ttl: u32::from_be_bytes(cursor.take()?),
        access_expires_at: cursor.u64()?,
        token_version: cursor.u64()?,
        bindings: bindings(&mut cursor)?,
        tenant_id: cursor.field()?,
        tenant_slug: cursor.field()?,
        issuer: cursor.field()?,
        user_id: cursor.field()?,
        roles: cursor.field()?,
        master_flags: cursor.field()?,
        scopes: cursor.field()?,
        groups: cursor.field()?,
        acr: cursor.field()?,
        claims: if with_claims { cursor.field()? } else { Span::default() },
    };
    cursor.rest.is_empty().then_some(view)
}

fn bindings(cursor: &mut Cursor<'_>) -> Option<Bindings> {
    let [has_user_agent] = cursor.take()?;
    let user_agent = cursor.take()?;
    let [family] = cursor.take()?;
    let ip = cursor.take()?;
    Some(Bindings {
        user_agent: (has_user_agent == 1).then_some(user_agent),
        ip: match family {
            0 => None,
            4 => Some(IpMark::V4(ip)),
            6 => Some(IpMark::V6(ip)),
            _ => return None,
        },
    })
}

struct Cursor<'a> {
    rest: &'a [u8],
    at: u32,
}

impl Cursor<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        self.at = self.at.checked_add(u32::try_from(N).ok()?)?;
        Some(*head)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_be_bytes)
    }

    /// A field behind a 16-bit length.
    fn field(&mut self) -> Option<Span> {
        let length = u16::from_be_bytes(self.take()?);
        let span = Span { start: self.at, length };
        self.rest = self.rest.get(usize::from(length)..)?;
        self.at = self.at.checked_add(u32::from(length))?;
        Some(span)
    }
}
