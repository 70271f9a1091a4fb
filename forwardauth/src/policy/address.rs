//! Owns: reading the query of a middleware's address: the name of a policy, and the keys that only narrow
//! and may stand in the query itself (`FORWARDAUTH_INLINE_POLICY`).

use std::borrow::Cow;

use session::header_text;

use super::query;
use super::{Demands, Policies, Requirements};

/// Why a query cannot be applied. Holds no text of the query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PolicyError {
    #[error("gives the key {0} twice")]
    Repeated(&'static str),
    #[error("gives the key {0} a value that cannot be read")]
    Malformed(&'static str),
    #[error("names a policy that is not defined")]
    Unknown,
    #[error("asks by the key {0} for what its policy excludes")]
    Contradictory(&'static str),
}

impl Demands {
    /// Reads the `query` of an address. `inline`: whether keys beside `policy` count.
    ///
    /// Allocates nothing where no inline key stands in it.
    ///
    /// # Errors
    /// [`PolicyError`] if a policy key is repeated, malformed or of an unknown value.
    pub(crate) fn read(
        query: &str,
        policies: &Policies,
        inline: bool,
    ) -> Result<Self, PolicyError> {
        let named = match query::single(query, "policy")? {
            None => None,
            Some(name) => Some(policies.get(&name).ok_or(PolicyError::Unknown)?),
        };
        let own = if inline { narrowed(query)? } else { None };
        let demands = Self { named, own };
        match demands.contradiction() {
            None => Ok(demands),
            Some(key) => Err(PolicyError::Contradictory(key)),
        }
    }
}

/// The name of the policy in `query`, for people.
pub(crate) fn name(query: &str) -> Option<Cow<'_, str>> {
    query::single(query, "policy").ok().flatten()
}

/// What the keys of the query itself ask; `None` where there are none.
fn narrowed(query: &str) -> Result<Option<Box<Requirements>>, PolicyError> {
    let encoded = |entries: Vec<String>| {
        entries.iter().map(|entry| header_text::encode_list([entry.as_str()])).collect()
    };
    let asked = Requirements {
        scopes: query::tokens(query, "scope")?,
        any_scope: query::tokens(query, "scope_any")?,
        roles: encoded(query::list(query, "role")?),
        any_role: encoded(query::list(query, "role_any")?),
        tenant: query::one_token(query, "tenant")?,
        acr: query::tokens(query, "acr")?,
        max_age: query::seconds(query, "max_age")?,
        ..Requirements::default()
    };
    Ok((asked != Requirements::default()).then(|| Box::new(asked)))
}
