//! Owns: roles and permissions of one user, and their form in JSON, which a source answers with and Redis
//! keeps.

use serde::{Deserialize, Serialize};

use crate::json;

/// The most names, and the longest, in bytes.
const MAX_NAMES: usize = 1_024;
const MAX_NAME_BYTES: usize = 256;

/// What a user may do. Names are compared byte for byte.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Rights {
    roles: Vec<String>,
    permissions: Vec<String>,
}

/// What a source said is no set of rights, or one beyond all bounds: more than 1,024 names, or one longer
/// than 256 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a set of rights, or one beyond all bounds")]
pub struct Malformed;

#[derive(Deserialize)]
struct Written {
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    permissions: Vec<String>,
}

impl Rights {
    /// These roles and permissions.
    ///
    /// # Errors
    /// [`Malformed`] for more than 1,024 names, or one longer than 256 bytes.
    pub fn new<R: Into<String>, P: Into<String>>(
        roles: impl IntoIterator<Item = R>,
        permissions: impl IntoIterator<Item = P>,
    ) -> Result<Self, Malformed> {
        let roles: Vec<_> = roles.into_iter().map(Into::into).collect();
        let permissions: Vec<_> = permissions.into_iter().map(Into::into).collect();
        Self { roles, permissions }.bounded()
    }

    /// Reads `{"roles": ["ADMIN"], "permissions": ["orders:refund"]}`. Either may be absent; other members are
    /// not looked at.
    ///
    /// # Errors
    /// [`Malformed`] for anything else, such as a member that is there twice.
    pub fn from_json(text: &[u8]) -> Result<Self, Malformed> {
        let Written { roles, permissions } = json::object(text).map_err(|_| Malformed)?;
        Self { roles, permissions }.bounded()
    }

    fn bounded(self) -> Result<Self, Malformed> {
        let mut names = self.roles.iter().chain(&self.permissions);
        let few = self.roles.len().saturating_add(self.permissions.len()) <= MAX_NAMES;
        let bounded = few && names.all(|name| name.len() <= MAX_NAME_BYTES);
        bounded.then_some(self).ok_or(Malformed)
    }

    /// The roles.
    pub fn roles(&self) -> &[String] {
        &self.roles
    }

    /// The permissions.
    pub fn permissions(&self) -> &[String] {
        &self.permissions
    }

    /// Whether the user has this role.
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|given| given == role)
    }

    /// Whether the user has this permission.
    pub fn has_permission(&self, permission: &str) -> bool {
        self.permissions.iter().any(|given| given == permission)
    }

    /// What they take in memory, more or less, in bytes.
    pub(super) fn weight(&self) -> usize {
        let names = self.roles.iter().chain(&self.permissions);
        names.map(|name| name.len().saturating_add(size_of::<String>())).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_NAME_BYTES, MAX_NAMES, Malformed, Rights};

    #[test]
    fn what_is_read_is_what_was_written() {
        let rights = Rights::new(["ADMIN"], ["orders:read", "orders:refund"]).unwrap();
        let text = serde_json::to_vec(&rights).unwrap();
        assert_eq!(Rights::from_json(&text), Ok(rights.clone()));
        assert!(rights.has_role("ADMIN") && rights.has_permission("orders:refund"));
        for other in ["admin", "ADMIN ", "", "orders:refund"] {
            assert!(!rights.has_role(other), "{other:?}");
        }
        assert!(!rights.has_permission("ADMIN") && !rights.has_permission("orders:refund:all"));
    }

    #[test]
    fn t17_what_is_no_set_of_rights_gives_none() {
        for text in [
            "",
            "null",
            "[]",
            "{",
            r#"{"roles": "ADMIN"}"#,
            r#"{"roles": [1]}"#,
            r#"{"permissions": null}"#,
            r#"{"roles": [], "roles": ["ADMIN"]}"#,
        ] {
            assert_eq!(Rights::from_json(text.as_bytes()), Err(Malformed), "{text}");
        }
        let nothing = Rights::from_json(br#"{"name": "alice"}"#);
        assert_eq!(nothing, Ok(Rights::default()), "who is known and has nothing");
    }

    #[test]
    fn t17_names_are_bounded_in_number_and_length() {
        let none: [&str; 0] = [];
        let many = |count: usize| (0..count).map(|number| number.to_string());
        assert!(Rights::new(many(MAX_NAMES), none).is_ok());
        assert_eq!(Rights::new(many(MAX_NAMES), ["one"]), Err(Malformed));
        assert!(Rights::new(none, ["a".repeat(MAX_NAME_BYTES)]).is_ok());
        assert_eq!(Rights::new(["a".repeat(MAX_NAME_BYTES + 1)], none), Err(Malformed));
    }
}
