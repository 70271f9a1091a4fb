//! Owns: the scopes there are, and sets of them (RFC 6749 section 3.3).

use std::fmt;

use crate::idp::users::User;

/// Every scope there is.
pub(super) const SCOPES: [&str; 7] =
    ["openid", "profile", "email", "roles", "offline_access", "orders:read", "orders:write"];

/// A set of scopes out of [`SCOPES`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scope(Vec<&'static str>);

impl Scope {
    /// The known ones among those in `text`; unknown ones are ignored (Core section 3.1.2.1).
    pub(super) fn parse(text: &str) -> Self {
        let asked = |scope: &&str| text.split(' ').any(|word| word == *scope);
        Self(SCOPES.into_iter().filter(asked).collect())
    }

    pub(super) fn contains(&self, scope: &str) -> bool {
        self.0.contains(&scope)
    }

    pub(super) fn is_within(&self, other: &Self) -> bool {
        self.0.iter().all(|scope| other.contains(scope))
    }

    /// What of it `user` may be granted.
    pub(super) fn for_user(&self, user: &User) -> Self {
        Self(self.0.iter().copied().filter(|scope| user.may_have(scope)).collect())
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_scopes_are_left_out_and_repeated_ones_count_once() {
        let scope = Scope::parse("orders:read  admin openid openid OPENID");
        assert_eq!(scope.to_string(), "openid orders:read");
        assert!(Scope::parse("openid").is_within(&scope));
        assert!(!Scope::parse("email").is_within(&scope));
    }
}
