//! Owns: how the access tokens of each kind of issuer differ: the type they are marked with, what
//! tells them from ID tokens, and where audience and roles stand. RFC 9068 is the rule; every other
//! profile is a named departure from it.

use crate::algorithm::Algorithm;
use crate::claims::{AccessClaims, OneOrMany, Text};
use crate::header::Header;
use crate::trust::ClaimNames;

/// How long a context token may live, in seconds.
const CONTEXT_MAX_SECS: u64 = 60;

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
    /// The context token of Wicketgate's own edge: `typ` is `wicket-context+jwt`, and it lives for a
    /// minute at most. Its issuer is the edge, not an identity provider.
    WicketContext,
}

impl Profile {
    pub(crate) fn accepts_type(self, header: &Header) -> bool {
        let jwt = header.typ_is("jwt");
        match self {
            Self::Rfc9068 => header.typ_is("at+jwt"),
            Self::Entra => jwt,
            Self::Keycloak | Self::Auth0 => jwt || header.typ_is("at+jwt"),
            Self::Cognito => header.typ.is_none() || jwt,
            Self::WicketContext => header.typ_is("wicket-context+jwt"),
        }
    }

    /// Whether the claims are those of an access token. Where the header does not tell it from an ID
    /// token, the claims have to (RFC 8725 section 3.12).
    pub(crate) fn accepts_claims(self, claims: &AccessClaims<'_>) -> bool {
        let like_id_token =
            claims.nonce.is_some() || claims.at_hash.is_some() || claims.c_hash.is_some();
        match self {
            Self::Rfc9068 | Self::WicketContext => true,
            Self::Entra => !like_id_token && (claims.scp.is_some() || claims.roles.is_some()),
            Self::Keycloak => {
                matches!(claims.typ.as_ref().map(Text::as_str), Some("Bearer" | "DPoP"))
            }
            Self::Cognito => claims.token_use.as_ref().map(Text::as_str) == Some("access"),
            Self::Auth0 => !like_id_token,
        }
    }

    pub(crate) fn has_audience(self, claims: &AccessClaims<'_>, expected: &[String]) -> bool {
        let client_id = claims.client_id.as_ref().map(Text::as_str);
        self.names_audience(claims.aud.as_ref(), client_id, expected)
    }

    pub(crate) fn names_audience(
        self,
        aud: Option<&OneOrMany<'_>>,
        client_id: Option<&str>,
        expected: &[String],
    ) -> bool {
        let is_expected = |audience: &str| expected.iter().any(|ours| ours == audience);
        match self {
            Self::Cognito => client_id.is_some_and(is_expected),
            Self::Rfc9068 | Self::Entra | Self::Keycloak | Self::Auth0 | Self::WicketContext => {
                aud.is_some_and(|aud| aud.iter().any(is_expected))
            }
        }
    }

    /// What such an issuer signs with, as far as this crate knows.
    pub(crate) fn algorithms(self) -> &'static [Algorithm] {
        match self {
            Self::WicketContext => &[Algorithm::ES256, Algorithm::EdDSA],
            Self::Rfc9068 | Self::Entra | Self::Keycloak | Self::Cognito | Self::Auth0 => {
                Algorithm::ALL
            }
        }
    }

    /// Whether a token of this kind may expire so long after it was issued.
    pub(crate) fn may_live(self, issued_at: Option<u64>, expires_at: u64) -> bool {
        match self {
            Self::WicketContext => issued_at
                .is_some_and(|issued_at| expires_at.saturating_sub(issued_at) <= CONTEXT_MAX_SECS),
            Self::Rfc9068 | Self::Entra | Self::Keycloak | Self::Cognito | Self::Auth0 => true,
        }
    }

    pub(crate) fn claim_names(self, audiences: &[String]) -> ClaimNames {
        let (roles, permissions) = match self {
            Self::Rfc9068 | Self::Entra | Self::WicketContext => (vec!["roles".to_owned()], vec![]),
            Self::Keycloak => {
                let of_clients = audiences.iter().map(|aud| format!("resource_access.{aud}.roles"));
                let all = std::iter::once("realm_access.roles".to_owned()).chain(of_clients);
                (all.collect(), vec![])
            }
            Self::Cognito => (vec!["cognito:groups".to_owned()], vec![]),
            Self::Auth0 => (vec!["permissions".to_owned()], vec!["permissions".to_owned()]),
        };
        ClaimNames { scopes: Vec::new(), roles, permissions }
    }
}
