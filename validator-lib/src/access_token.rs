//! Owns: the access token as a service sees it once everything about it has been checked.

use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::accepted::Accepted;
use crate::json;
use crate::jws::JwsError;
#[cfg(feature = "permissions")]
use crate::permissions::{Held, Rights};
use crate::policy::Policy;
use crate::refusal::{Context, Refusal};

/// An access token that was accepted with the request it came with. Only a
/// [`Validator`](crate::Validator) makes one. A clone is the same token.
#[derive(Clone)]
pub struct Token {
    accepted: Arc<Accepted>,
    context: Context,
    checked_at: u64,
    next_nonce: Option<Arc<str>>,
    /// What its user may do, where others than its claims say.
    #[cfg(feature = "permissions")]
    held: Option<Held>,
}

impl Token {
    pub(crate) fn new(
        accepted: Arc<Accepted>,
        context: Context,
        checked_at: u64,
        next_nonce: Option<Arc<str>>,
    ) -> Self {
        Self {
            accepted,
            context,
            checked_at,
            next_nonce,
            #[cfg(feature = "permissions")]
            held: None,
        }
    }

    #[cfg(feature = "permissions")]
    pub(crate) fn holding(self, held: Option<Held>) -> Self {
        Self { held, ..self }
    }

    /// Whom the token speaks for; never empty. Unique within [`issuer`](Self::issuer) only.
    pub fn subject(&self) -> &str {
        &self.accepted.facts.subject
    }

    /// Who issued it.
    pub fn issuer(&self) -> &str {
        &self.accepted.trust.issuer
    }

    /// The client it was issued to: `client_id`, else `azp`.
    pub fn client_id(&self) -> Option<&str> {
        self.accepted.facts.client.as_deref()
    }

    /// Its identifier, `jti`.
    pub fn id(&self) -> Option<&str> {
        self.accepted.facts.id.as_deref()
    }

    /// When it was issued, `iat`, in seconds since the epoch.
    pub fn issued_at(&self) -> Option<u64> {
        self.accepted.facts.issued_at
    }

    /// When it expires, in seconds since the epoch.
    pub fn expires_at(&self) -> u64 {
        self.accepted.facts.expires_at
    }

    /// When its user last proved who they are, `auth_time`, in seconds since the epoch.
    pub fn authenticated_at(&self) -> Option<u64> {
        self.accepted.facts.authenticated_at
    }

    /// How they proved it, `acr`.
    pub fn acr(&self) -> Option<&str> {
        self.accepted.facts.acr.as_deref()
    }

    /// The thumbprint of the DPoP key it is bound to, and whose proof came with it.
    pub fn jkt(&self) -> Option<&str> {
        self.accepted.facts.bound_to.as_ref()?.jkt.as_deref()
    }

    /// The nonce to send as `DPoP-Nonce` with the response, where the client's is about to end
    /// (RFC 9449 section 8.2).
    pub fn next_nonce(&self) -> Option<&str> {
        self.next_nonce.as_deref()
    }

    /// The scopes it was granted.
    pub fn scopes(&self) -> &[String] {
        self.accepted.scopes()
    }

    /// Whether it was granted `scope`.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.accepted.has_scope(scope)
    }

    /// Requires one scope.
    ///
    /// # Errors
    /// A 403 [`Refusal`] that names the scope.
    pub fn require_scope(&self, scope: &str) -> Result<(), Refusal> {
        self.require(&Policy::all([scope]))
    }

    /// Requires every one of `scopes`.
    ///
    /// # Errors
    /// A 403 [`Refusal`] that names them.
    pub fn require_all(&self, scopes: &[&str]) -> Result<(), Refusal> {
        self.require(&Policy::all(scopes.iter().copied()))
    }

    /// Requires at least one of `scopes`; none of no scopes is granted.
    ///
    /// # Errors
    /// A 403 [`Refusal`] that names them.
    pub fn require_any(&self, scopes: &[&str]) -> Result<(), Refusal> {
        self.require(&Policy::any(scopes.iter().copied()))
    }

    /// The roles it gives, from the claims that the profile or the builder names, or else those that a
    /// permission cache has of its user.
    pub fn roles(&self) -> &[String] {
        #[cfg(feature = "permissions")]
        if let Some(held) = &self.held {
            return held.rights().map_or(&[], Rights::roles);
        }
        &self.accepted.rights().roles
    }

    /// Whether it gives `role`.
    pub fn has_role(&self, role: &str) -> bool {
        self.roles().iter().any(|given| given == role)
    }

    /// Requires one role.
    ///
    /// # Errors
    /// A 403 [`Refusal`]; 503 where a permission cache cannot say.
    pub fn require_role(&self, role: &str) -> Result<(), Refusal> {
        self.require(&Policy::new().role(role))
    }

    /// The permissions it gives, from the claims that the profile or the builder names, or else those that a
    /// permission cache has of its user.
    pub fn permissions(&self) -> &[String] {
        #[cfg(feature = "permissions")]
        if let Some(held) = &self.held {
            return held.rights().map_or(&[], Rights::permissions);
        }
        &self.accepted.rights().permissions
    }

    /// Whether it gives `permission`.
    pub fn has_permission(&self, permission: &str) -> bool {
        self.permissions().iter().any(|given| given == permission)
    }

    /// Requires one permission.
    ///
    /// # Errors
    /// A 403 [`Refusal`]; 503 where a permission cache cannot say.
    pub fn require_permission(&self, permission: &str) -> Result<(), Refusal> {
        self.require(&Policy::new().permission(permission))
    }

    /// Whether roles and permissions are known; where they are not, it seems to give none.
    #[cfg_attr(
        not(feature = "permissions"),
        expect(clippy::unused_self, reason = "its claims always say")
    )]
    pub(crate) const fn knows_rights(&self) -> bool {
        #[cfg(feature = "permissions")]
        let known = !matches!(self.held, Some(Held::Unavailable));
        #[cfg(not(feature = "permissions"))]
        let known = true;
        known
    }

    /// Requires all that `policy` asks for. A `max_age` is judged by the time of the request.
    ///
    /// # Errors
    /// A [`Refusal`]: 401 where another login may help, 403 where it does not.
    pub fn require(&self, policy: &Policy) -> Result<(), Refusal> {
        policy.judge(self, self.checked_at).map_err(|cause| Refusal::new(cause, self.context))
    }

    /// Reads the claims as a type of the service's own.
    ///
    /// # Errors
    /// [`JwsError::Claims`] where they do not read as `T`.
    pub fn claims<T: DeserializeOwned>(&self) -> Result<T, JwsError> {
        json::object(&self.accepted.payload).map_err(|_| JwsError::Claims)
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
