//! Owns: what a refresh token is spent for: new tokens for the session, or an access token for one service
//! (RFC 8707 section 2.2). Both spend and rotate the same refresh token, and so both fly the same way.

use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};
use session::record::TokenPart;

use crate::oidc::{Exchanged, Refreshed, ServiceRequest};
use crate::sessions::token_part;

/// What the refresh token is spent for.
pub(super) enum Errand {
    /// Tokens in place of these, as far as they could be opened.
    Renew(Option<TokenPart>),
    /// An access token for one service. That of the session stays as it is.
    Service { audience: Arc<str>, scope: Option<Arc<str>> },
}

/// What a flight brings.
pub(super) struct Gain {
    /// Those of the session, as they stand now.
    pub(super) tokens: Arc<TokenPart>,
    /// That for the service, unchecked.
    pub(super) service: Option<Exchanged>,
}

impl Errand {
    pub(super) const fn is_for_service(&self) -> bool {
        matches!(self, Self::Service { .. })
    }

    pub(super) fn service(&self) -> Option<ServiceRequest<'_>> {
        match self {
            Self::Renew(_) => None,
            Self::Service { audience, scope } => {
                Some(ServiceRequest { audience, scope: scope.as_deref() })
            }
        }
    }

    /// Whether `now`, which somebody else stored, is what was wanted. Who spent the refresh token for a
    /// service has left the access token as it was.
    pub(super) fn is_done_by(&self, now: &TokenPart) -> bool {
        match self {
            Self::Renew(Some(before)) => {
                now.obtained_at != before.obtained_at
                    || !is_equal(&now.access_token, &before.access_token)
            }
            Self::Renew(None) => true,
            Self::Service { .. } => false,
        }
    }

    /// Whether `there`, which somebody else stored while the IdP was asked, stays, and what we got does not.
    pub(super) fn gives_way_to(&self, there: &TokenPart) -> bool {
        self.is_for_service() || self.is_done_by(there)
    }

    /// What the session is to hold after the IdP answered `refreshed`.
    pub(super) fn merged(&self, old: &TokenPart, refreshed: &Refreshed, now: u64) -> TokenPart {
        match self {
            Self::Renew(_) => renewed(old, refreshed, now),
            Self::Service { .. } => {
                let next = refreshed.tokens.refresh_token.clone();
                TokenPart {
                    refresh_token: next.or_else(|| old.refresh_token.clone()),
                    ..old.clone()
                }
            }
        }
    }

    /// What there is for the service in `refreshed`.
    pub(super) fn for_service(&self, refreshed: Refreshed) -> Option<Exchanged> {
        let Refreshed { mut tokens, dpop_key, .. } = refreshed;
        (tokens.refresh_token, tokens.id_token) = (None, None);
        self.is_for_service().then_some(Exchanged { tokens, dpop_key })
    }
}

impl Gain {
    pub(super) const fn of(tokens: Arc<TokenPart>) -> Self {
        Self { tokens, service: None }
    }
}

/// What a response leaves out stays as it was (RFC 6749 section 6).
fn renewed(old: &TokenPart, refreshed: &Refreshed, now: u64) -> TokenPart {
    let mut tokens = token_part(&refreshed.tokens, refreshed.dpop_key.as_ref(), now, &old.scope);
    tokens.refresh_token = tokens.refresh_token.or_else(|| old.refresh_token.clone());
    tokens.id_token = tokens.id_token.or_else(|| old.id_token.clone());
    tokens.profile = match &refreshed.claims {
        Some(claims) => {
            let mut profile = old.profile.clone();
            profile.extend(crate::sessions::profile(claims));
            profile
        }
        None => old.profile.clone(),
    };
    tokens.context = old.context.clone();
    tokens
}

/// Both tokens count: some issuers give out the same access token again.
pub(super) fn is_same(one: &TokenPart, other: &TokenPart) -> bool {
    let refresh = |tokens: &TokenPart| {
        tokens.refresh_token.as_ref().map(|token| token.expose_secret().to_owned())
    };
    is_equal(&one.access_token, &other.access_token) && refresh(one) == refresh(other)
}

fn is_equal(one: &SecretString, other: &SecretString) -> bool {
    one.expose_secret() == other.expose_secret()
}
