//! Owns: what a service asks of a good token before it does something: scopes, roles, permissions, and
//! how fresh and how strong the login was (RFC 6750 section 3.1, RFC 9470 section 3).

use crate::access_token::Token;
use crate::refusal::Cause;

/// What a token has to allow. All of it has to hold; an empty policy asks for nothing.
///
/// ```
/// use validator_lib::Policy;
///
/// let policy = Policy::any(["orders:read", "orders:write"]).role("ADMIN").max_age(300);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct Policy {
    pub(crate) scopes: Vec<Needed>,
    pub(crate) roles: Vec<Needed>,
    pub(crate) permissions: Vec<Needed>,
    pub(crate) acr: Vec<String>,
    pub(crate) max_age: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Needed {
    All(Vec<String>),
    Any(Vec<String>),
}

impl Policy {
    /// Asks for nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for every one of `scopes`.
    pub fn all<S: Into<String>>(scopes: impl IntoIterator<Item = S>) -> Self {
        Self { scopes: vec![Needed::All(owned(scopes))], ..Self::default() }
    }

    /// Asks for at least one of `scopes`; one of none is never given.
    pub fn any<S: Into<String>>(scopes: impl IntoIterator<Item = S>) -> Self {
        Self { scopes: vec![Needed::Any(owned(scopes))], ..Self::default() }
    }

    /// Asks for every one of `scopes`, too.
    pub fn and_all<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes.push(Needed::All(owned(scopes)));
        self
    }

    /// Asks for at least one of `scopes`, too.
    pub fn and_any<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes.push(Needed::Any(owned(scopes)));
        self
    }

    /// Asks for a role.
    pub fn role(self, role: impl Into<String>) -> Self {
        self.all_roles([role])
    }

    /// Asks for every one of `roles`.
    pub fn all_roles<S: Into<String>>(mut self, roles: impl IntoIterator<Item = S>) -> Self {
        self.roles.push(Needed::All(owned(roles)));
        self
    }

    /// Asks for at least one of `roles`; one of none is never given.
    pub fn any_role<S: Into<String>>(mut self, roles: impl IntoIterator<Item = S>) -> Self {
        self.roles.push(Needed::Any(owned(roles)));
        self
    }

    /// Asks for a permission.
    pub fn permission(mut self, permission: impl Into<String>) -> Self {
        self.permissions.push(Needed::All(vec![permission.into()]));
        self
    }

    /// Asks for a login of one of these strengths, the one preferred most first.
    pub fn acr<S: Into<String>>(mut self, values: impl IntoIterator<Item = S>) -> Self {
        self.acr = owned(values);
        self
    }

    /// Asks for a login at most so many seconds ago. A token that does not say when is too old.
    pub fn max_age(mut self, seconds: u64) -> Self {
        self.max_age = Some(seconds);
        self
    }

    /// What cannot be cured by another login comes first: nobody should be sent to log in for nothing.
    pub(crate) fn judge(&self, token: &Token, now: u64) -> Result<(), Cause> {
        if let Some(needed) =
            self.scopes.iter().find(|needed| !needed.met(|scope| token.has_scope(scope)))
        {
            return Err(Cause::Scope { needed: needed.names().to_vec() });
        }
        if !(token.knows_rights() || self.roles.is_empty() && self.permissions.is_empty()) {
            return Err(Cause::RightsUnknown);
        }
        if !self.roles.iter().all(|needed| needed.met(|role| token.has_role(role))) {
            return Err(Cause::Role);
        }
        if !self.permissions.iter().all(|needed| needed.met(|name| token.has_permission(name))) {
            return Err(Cause::Permission);
        }
        let strong = self.acr.is_empty()
            || token.acr().is_some_and(|acr| self.acr.iter().any(|wanted| wanted == acr));
        let fresh = self.max_age.is_none_or(|seconds| {
            token.authenticated_at().is_some_and(|at| now.saturating_sub(at) <= seconds)
        });
        if strong && fresh {
            return Ok(());
        }
        Err(Cause::StepUp { acr: self.acr.clone(), max_age: self.max_age })
    }
}

impl Needed {
    pub(crate) fn names(&self) -> &[String] {
        let (Self::All(names) | Self::Any(names)) = self;
        names
    }

    fn met(&self, given: impl Fn(&str) -> bool) -> bool {
        match self {
            Self::All(names) => names.iter().all(|name| given(name)),
            Self::Any(names) => names.iter().any(|name| given(name)),
        }
    }
}

fn owned<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Vec<String> {
    names.into_iter().map(Into::into).collect()
}
