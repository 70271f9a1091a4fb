//! Owns: the claims that only the context tokens of Wicketgate's edge have.

use serde::Deserialize;

/// What a context token says besides what every token does. Read it with
/// [`Token::claims`](crate::Token::claims):
///
/// ```
/// # fn example(token: &validator_lib::Token) -> Result<(), validator_lib::jws::JwsError> {
/// use validator_lib::ContextClaims;
///
/// let context: ContextClaims = token.claims()?;
/// println!("session {} of tenant {:?}", context.sid, context.tenant);
/// # Ok(())
/// # }
/// ```
///
/// Subject, roles, scopes, strength and time of the login stand in the token itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct ContextClaims {
    /// The reference of the session, the same as in `X-Session-ID`. It is no secret.
    pub sid: String,
    /// The tenant, where the deployment has tenants.
    #[serde(default)]
    pub tenant: Option<String>,
}
