//! Owns: the access token as a service sees it once everything about it has been checked.

use std::fmt;
use std::sync::{Arc, OnceLock};

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::claims::{Confirmation, strings_at};
use crate::json;
use crate::jws::JwsError;
use crate::policy::{Accepted, InvalidToken};
use crate::refusal::{Cause, Context, Refusal};

/// An access token that was accepted. Only a [`Validator`](crate::Validator) makes one.
pub struct Token {
    accepted: Accepted,
    scopes: Vec<String>,
    role_claims: Arc<[String]>,
    roles: OnceLock<Vec<String>>,
    context: Context,
}

impl Token {
    pub(crate) fn new(accepted: Accepted, role_claims: Arc<[String]>, context: Context) -> Self {
        let scopes = accepted.claims.scopes();
        Self { accepted, scopes, role_claims, roles: OnceLock::new(), context }
    }

    /// Whom the token speaks for; never empty. Unique within [`issuer`](Self::issuer) only.
    pub fn subject(&self) -> &str {
        &self.accepted.subject
    }

    /// Who issued it.
    pub fn issuer(&self) -> &str {
        &self.accepted.claims.iss
    }

    /// The client it was issued to: `client_id`, else `azp`.
    pub fn client_id(&self) -> Option<&str> {
        let claims = &self.accepted.claims;
        claims.client_id.as_deref().or(claims.azp.as_deref())
    }

    /// Its identifier, `jti`.
    pub fn id(&self) -> Option<&str> {
        self.accepted.claims.jti.as_deref()
    }

    /// When it expires, in seconds since the epoch.
    pub fn expires_at(&self) -> u64 {
        self.accepted.expires_at
    }

    /// The thumbprint of the DPoP key it is bound to, and whose proof came with it.
    pub fn jkt(&self) -> Option<&str> {
        self.accepted.claims.cnf.as_ref()?.jkt.as_deref()
    }

    /// The scopes it was granted.
    pub fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// Whether it was granted `scope`.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| granted == scope)
    }

    /// Requires one scope.
    ///
    /// # Errors
    /// A 403 [`Refusal`] that names the scope.
    pub fn require_scope(&self, scope: &str) -> Result<(), Refusal> {
        self.require_all(&[scope])
    }

    /// Requires every one of `scopes`.
    ///
    /// # Errors
    /// A 403 [`Refusal`] that names them.
    pub fn require_all(&self, scopes: &[&str]) -> Result<(), Refusal> {
        self.require(scopes, scopes.iter().all(|scope| self.has_scope(scope)))
    }

    /// Requires at least one of `scopes`; none of no scopes is granted.
    ///
    /// # Errors
    /// A 403 [`Refusal`] that names them.
    pub fn require_any(&self, scopes: &[&str]) -> Result<(), Refusal> {
        self.require(scopes, scopes.iter().any(|scope| self.has_scope(scope)))
    }

    /// The roles it gives, from the claims that the profile or the builder names.
    pub fn roles(&self) -> &[String] {
        self.roles.get_or_init(|| {
            let claims: Value = json::object(&self.accepted.payload).unwrap_or_default();
            self.role_claims.iter().flat_map(|path| strings_at(&claims, path)).collect()
        })
    }

    /// Whether it gives `role`.
    pub fn has_role(&self, role: &str) -> bool {
        self.roles().iter().any(|given| given == role)
    }

    /// Requires one role.
    ///
    /// # Errors
    /// A 403 [`Refusal`].
    pub fn require_role(&self, role: &str) -> Result<(), Refusal> {
        if self.has_role(role) { Ok(()) } else { Err(Refusal::new(Cause::Role, self.context)) }
    }

    /// Reads the claims as a type of the service's own.
    ///
    /// # Errors
    /// [`JwsError::Claims`] where they do not read as `T`.
    pub fn claims<T: DeserializeOwned>(&self) -> Result<T, JwsError> {
        json::object(&self.accepted.payload).map_err(|_| JwsError::Claims)
    }

    /// The key it is bound to. A binding of another kind is an error: not to check it would be to
    /// take a stolen token.
    pub(crate) fn binding(&self) -> Result<Option<&str>, InvalidToken> {
        match &self.accepted.claims.cnf {
            None => Ok(None),
            Some(Confirmation { jkt: Some(jkt), other }) if other.is_empty() => Ok(Some(jkt)),
            Some(_) => Err(InvalidToken::UnsupportedBinding),
        }
    }

    fn require(&self, scopes: &[&str], granted: bool) -> Result<(), Refusal> {
        if granted {
            return Ok(());
        }
        let needed = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        Err(Refusal::new(Cause::Scope { needed }, self.context))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("issuer", &self.issuer())
            .field("expires_at", &self.expires_at())
            .finish_non_exhaustive()
    }
}
