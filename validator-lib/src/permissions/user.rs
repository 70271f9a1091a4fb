//! Owns: whose rights are asked for, and the one name under which they are kept.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::sha256::sha256;

/// A user: unique within an issuer, and within a tenant where there are tenants.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct User {
    issuer: String,
    tenant: Option<String>,
    id: String,
}

impl User {
    /// The user whom `issuer` calls `id` (`iss` and `sub` of a token), of no tenant.
    pub fn new(issuer: impl Into<String>, id: impl Into<String>) -> Self {
        Self { issuer: issuer.into(), tenant: None, id: id.into() }
    }

    /// The same in a tenant, who is somebody else than in any other or in none.
    #[must_use]
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = Some(tenant.into());
        self
    }

    /// Who says so.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The name within issuer and tenant.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The tenant, where there is one.
    pub fn tenant_id(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    pub(crate) fn key(&self) -> UserKey {
        // Each part with its length, so that no two users are spelled the same.
        let part = |text: &str| format!("{}:{text}", text.len());
        let tenant = self.tenant.as_deref().map_or_else(|| "-".to_owned(), part);
        UserKey(sha256(format!("{}{tenant}{}", part(&self.issuer), part(&self.id)).as_bytes()))
    }
}

/// A user in 32 bytes. Who reads Redis or its messages learns no user id from it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct UserKey([u8; 32]);

#[cfg(feature = "redis")]
impl UserKey {
    /// Reads what [`Display`](fmt::Display) wrote.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }
}

impl fmt::Display for UserKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for UserKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::User;

    #[test]
    fn t13_no_two_users_have_one_key_however_their_names_are_cut() {
        let names = ["", "a", "b", "ab", "-", "1:a", "1:a1:b", "a:b", ":", "0:", "\0", "a\0b"];
        let mut users = Vec::new();
        for issuer in names {
            for id in names {
                users.push(User::new(issuer, id));
                users.extend(names.map(|tenant| User::new(issuer, id).tenant(tenant)));
            }
        }
        let keys: HashSet<_> = users.iter().map(|user| user.key().to_string()).collect();
        assert_eq!(keys.len(), users.len());
    }

    #[cfg(feature = "redis")]
    #[test]
    fn a_key_reads_back_and_nothing_else_does() {
        use super::UserKey;

        let key = User::new("https://idp.example", "alice").key();
        assert_eq!(UserKey::read(key.to_string().as_bytes()), Some(key));
        let long = format!("{key}A");
        for other in ["", "*", "alice", long.as_str()] {
            assert_eq!(UserKey::read(other.as_bytes()), None, "{other}");
        }
    }
}
