//! Owns: how the access tokens of each kind of issuer differ: the type they are marked with, what
//! tells them from ID tokens, and where audience and roles stand. RFC 9068 is the rule; every other
//! profile is a named departure from it.

use crate::claims::AccessClaims;
use crate::header::Header;

/// The kind of issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Profile {
    /// RFC 9068: `typ` is `at+jwt`.
    #[default]
    Rfc9068,
    /// Microsoft Entra ID: `typ` is `JWT`; `scp` or `roles` is there.
    Entra,
    /// Keycloak: the claim `typ` is `Bearer` or `DPoP`. Needs the `sub` and audience mappers.
    Keycloak,
    /// Amazon Cognito: `token_use` is `access`; the audience is the claim `client_id`.
    Cognito,
    /// Auth0: `typ` is `JWT` or `at+jwt`.
    Auth0,
}

impl Profile {
    pub(crate) fn accepts_type(self, header: &Header) -> bool {
        let jwt = header.typ_is("jwt");
        match self {
            Self::Rfc9068 => header.typ_is("at+jwt"),
            Self::Entra => jwt,
            Self::Keycloak | Self::Auth0 => jwt || header.typ_is("at+jwt"),
            Self::Cognito => header.typ.is_none() || jwt,
        }
    }

    /// Whether the claims are those of an access token. Where the header does not tell it from an ID
    /// token, the claims have to (RFC 8725 section 3.12).
    pub(crate) fn accepts_claims(self, claims: &AccessClaims) -> bool {
        let like_id_token =
            claims.nonce.is_some() || claims.at_hash.is_some() || claims.c_hash.is_some();
        match self {
            Self::Rfc9068 => true,
            Self::Entra => !like_id_token && (claims.scp.is_some() || claims.roles.is_some()),
            Self::Keycloak => matches!(claims.typ.as_deref(), Some("Bearer" | "DPoP")),
            Self::Cognito => claims.token_use.as_deref() == Some("access"),
            Self::Auth0 => !like_id_token,
        }
    }

    pub(crate) fn has_audience(self, claims: &AccessClaims, expected: &[String]) -> bool {
        let is_expected = |audience: &str| expected.iter().any(|ours| ours == audience);
        match self {
            Self::Cognito => claims.client_id.as_deref().is_some_and(is_expected),
            Self::Rfc9068 | Self::Entra | Self::Keycloak | Self::Auth0 => {
                claims.aud.as_ref().is_some_and(|aud| aud.iter().any(is_expected))
            }
        }
    }

    pub(crate) fn role_claims(self, audiences: &[String]) -> Vec<String> {
        match self {
            Self::Rfc9068 | Self::Entra => vec!["roles".to_owned()],
            Self::Keycloak => std::iter::once("realm_access.roles".to_owned())
                .chain(audiences.iter().map(|aud| format!("resource_access.{aud}.roles")))
                .collect(),
            Self::Cognito => vec!["cognito:groups".to_owned()],
            Self::Auth0 => vec!["permissions".to_owned()],
        }
    }
}
