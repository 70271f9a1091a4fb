//! Owns: what an edge view says, and the body that it is written as.

use bytes::{BufMut as _, Bytes};

use crate::binding::{Bindings, IpMark};
use crate::wire::{FieldTooLong, put_field};

/// Of views without claims.
pub(super) const PLAIN: u8 = 1;
/// Of views with claims.
pub(super) const WITH_CLAIMS: u8 = 2;

/// What verify knows of a session. Text fields are ready to stand in a header.
///
/// All times are seconds since the Unix epoch. `T` is the form of the text fields.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EdgeView<T = Bytes> {
    /// When the session began.
    pub created_at: u64,
    /// When the user authenticated at the IdP (`auth_time`); zero if it did not say.
    pub auth_time: u64,
    /// When the session ends, whatever happens.
    pub expires_at: u64,
    /// When the session was last used, to within a minute.
    pub last_seen: u64,
    /// Seconds without use after which the session ends.
    pub idle_ttl: u32,
    /// When the access token expires; zero if unknown.
    pub access_expires_at: u64,
    /// Counts the changes of the token part.
    pub token_version: u64,
    /// The client the session was made for.
    pub bindings: Bindings,
    /// Tenant id; empty without tenants.
    pub tenant_id: T,
    /// Tenant slug; empty without tenants.
    pub tenant_slug: T,
    /// Issuer that vouched for the user.
    pub issuer: T,
    /// User id, encoded by [`crate::header_text::encode`].
    pub user_id: T,
    /// Roles, encoded by [`crate::header_text::encode_list`].
    pub roles: T,
    /// Master flags: a JSON object in ASCII, or empty.
    pub master_flags: T,
    /// Granted scopes, space-separated.
    pub scopes: T,
    /// Groups, encoded as `roles` are.
    pub groups: T,
    /// Authentication context class.
    pub acr: T,
    /// Claims, as [`super::claims::encode`] writes them; empty where none are told.
    pub claims: T,
}

impl<T> EdgeView<T> {
    /// When the session ends if it is not used again.
    pub const fn idle_deadline(&self) -> u64 {
        let idle = self.last_seen.saturating_add(self.idle_ttl as u64);
        if idle < self.expires_at { idle } else { self.expires_at }
    }
}

impl EdgeView {
    pub(super) fn encode(&self, out: &mut Vec<u8>) -> Result<(), FieldTooLong> {
        for number in [self.created_at, self.auth_time, self.expires_at, self.last_seen] {
            out.put_u64(number);
        }
        out.put_u32(self.idle_ttl);
        out.put_u64(self.access_expires_at);
        out.put_u64(self.token_version);
        let (family, ip) = match self.bindings.ip {
            None => (0, [0; 16]),
            Some(IpMark::V4(mark)) => (4, mark),
            Some(IpMark::V6(mark)) => (6, mark),
        };
        out.put_u8(u8::from(self.bindings.user_agent.is_some()));
        out.put_slice(&self.bindings.user_agent.unwrap_or_default());
        out.put_u8(family);
        out.put_slice(&ip);
        for field in self.fields() {
            put_field(out, field)?;
        }
        if self.version() == WITH_CLAIMS {
            put_field(out, &self.claims)?;
        }
        Ok(())
    }

    pub(super) const fn version(&self) -> u8 {
        if self.claims.is_empty() { PLAIN } else { WITH_CLAIMS }
    }

    /// Those that every version has.
    const fn fields(&self) -> [&Bytes; 9] {
        [
            &self.tenant_id,
            &self.tenant_slug,
            &self.issuer,
            &self.user_id,
            &self.roles,
            &self.master_flags,
            &self.scopes,
            &self.groups,
            &self.acr,
        ]
    }
}
