//! Owns: what a route asks of a session beyond being valid: the query of the middleware's address.
//!
//! Keys that only narrow may stand in the query itself (`FORWARDAUTH_INLINE_POLICY`); they are pure
//! functions of the edge view. What cannot be applied exactly is an error of the operator's and never
//! means "no policy" (class T9).

mod query;

use session::edge::EdgeFrame;
use session::header_text;

use crate::refusal::Refusal;

/// What a session must show. The default asks for nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Requirements {
    /// All of these scopes.
    pub(crate) scopes: Vec<String>,
    /// One of these scopes.
    pub(crate) any_scope: Vec<String>,
    /// All of these roles, as they stand in the edge view.
    pub(crate) roles: Vec<String>,
    /// One of these roles, as they stand in the edge view.
    pub(crate) any_role: Vec<String>,
    /// This tenant, by its id.
    pub(crate) tenant: Option<String>,
    /// One of these authentication context classes.
    pub(crate) acr: Vec<String>,
    /// Most seconds since the user authenticated.
    pub(crate) max_age: Option<u64>,
}

/// What a route asks whose address has no query.
pub(crate) static NOTHING: Requirements = Requirements {
    scopes: Vec::new(),
    any_scope: Vec::new(),
    roles: Vec::new(),
    any_role: Vec::new(),
    tenant: None,
    acr: Vec::new(),
    max_age: None,
};

/// Why a query cannot be applied. Holds no text of the query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PolicyError {
    #[error("the key {0} is given twice")]
    Repeated(&'static str),
    #[error("the key {0} has a value that cannot be read")]
    Malformed(&'static str),
    #[error("names a policy that is not defined")]
    Unknown,
}

impl Requirements {
    /// Reads the query of an address. `inline`: whether keys beside `policy` count.
    ///
    /// # Errors
    /// [`PolicyError`] if a policy key is repeated, malformed or of an unknown value.
    pub(crate) fn parse(query: Option<&str>, inline: bool) -> Result<Self, PolicyError> {
        let Some(query) = query.filter(|query| !query.is_empty()) else {
            return Ok(Self::default());
        };
        if query::single(query, "policy")?.is_some() {
            return Err(PolicyError::Unknown);
        }
        if !inline {
            return Ok(Self::default());
        }
        let encoded = |roles: Vec<String>| {
            roles.iter().map(|role| header_text::encode_list([role.as_str()])).collect()
        };
        Ok(Self {
            scopes: query::tokens(query, "scope")?,
            any_scope: query::tokens(query, "scope_any")?,
            roles: encoded(query::list(query, "role")?),
            any_role: encoded(query::list(query, "role_any")?),
            tenant: query::one_token(query, "tenant")?,
            acr: query::tokens(query, "acr")?,
            max_age: query::number(query, "max_age")?,
        })
    }

    /// Whether a session fulfils them at `now`.
    ///
    /// # Errors
    /// What is missing. A lack that no login can cure comes before one that it can.
    pub(crate) fn check(&self, edge: &EdgeFrame, now: u64) -> Result<(), Refusal> {
        let tenant_fits =
            self.tenant.as_ref().is_none_or(|tenant| tenant.as_bytes() == edge.tenant_id());
        if !tenant_fits {
            return Err(Refusal::OtherTenant);
        }
        if !holds(edge.scopes(), b' ', &self.scopes, &self.any_scope) {
            return Err(Refusal::MissingScope);
        }
        if !holds(edge.roles(), b',', &self.roles, &self.any_role) {
            return Err(Refusal::MissingRole);
        }
        let strong = self.acr.is_empty() || self.acr.iter().any(|acr| acr.as_bytes() == edge.acr());
        if !strong {
            return Err(Refusal::WeakLogin);
        }
        let fresh = self.max_age.is_none_or(|age| now.saturating_sub(edge.auth_time()) <= age);
        if fresh { Ok(()) } else { Err(Refusal::OldLogin) }
    }
}

/// Whether `list` holds all of `all` and, unless that is empty, one of `any`.
fn holds(list: &[u8], separator: u8, all: &[String], any: &[String]) -> bool {
    let has = |wanted: &String| {
        list.split(|byte| *byte == separator).any(|entry| entry == wanted.as_bytes())
    };
    all.iter().all(has) && (any.is_empty() || any.iter().any(has))
}

#[cfg(test)]
mod tests;
