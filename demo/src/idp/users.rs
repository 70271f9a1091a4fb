//! Owns: the people who can sign in. They are made up, and the password is the name.

use ring::digest;
use subtle::ConstantTimeEq as _;

/// Somebody with an account.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct User {
    /// What is typed into the form, and the `sub` of every token.
    pub(super) name: &'static str,
    /// `name` claim.
    pub(super) full_name: &'static str,
    /// `email` claim.
    pub(super) email: &'static str,
    /// The one member of the `roles` claim.
    pub(super) role: &'static str,
}

impl User {
    /// Whether this user's role may be granted `scope`.
    pub(super) fn may_have(&self, scope: &str) -> bool {
        !(self.role == "VENDOR" && scope == "orders:write")
    }
}

/// Everybody.
pub(super) static USERS: [User; 3] = [
    User { name: "alice", full_name: "Alice Archer", email: "alice@example.com", role: "ADMIN" },
    User { name: "bob", full_name: "Bob Baker", email: "bob@example.com", role: "CUSTOMER" },
    User { name: "carol", full_name: "Carol Cooper", email: "carol@example.com", role: "VENDOR" },
];

/// The user whose name and password these are.
pub(super) fn authenticate(name: &str, password: &str) -> Option<&'static User> {
    let user = USERS.iter().find(|user| user.name == name)?;
    let [given, expected] =
        [password, user.name].map(|secret| digest::digest(&digest::SHA256, secret.as_bytes()));
    bool::from(given.as_ref().ct_eq(expected.as_ref())).then_some(user)
}

/// The user who reads the mails to `address`, however it is spelt.
pub(super) fn of_address(address: &str) -> Option<&'static User> {
    USERS.iter().find(|user| user.email.eq_ignore_ascii_case(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_password_of_a_known_name_is_let_in() {
        assert_eq!(authenticate("alice", "alice").map(|user| user.role), Some("ADMIN"));
        assert_eq!(authenticate("alice", "bob"), None);
        assert_eq!(authenticate("alice", ""), None);
        assert_eq!(authenticate("mallory", "mallory"), None);
    }

    #[test]
    fn a_vendor_may_not_write_orders() {
        let carol = authenticate("carol", "carol").unwrap();
        assert!(carol.may_have("orders:read"));
        assert!(!carol.may_have("orders:write"));
    }
}
