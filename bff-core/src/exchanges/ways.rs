//! Owns: the two ways to a token for one service: token exchange (RFC 8693), or the session's refresh token
//! with a resource indicator (RFC 8707). The settings of the issuer say which.

use std::sync::Arc;

use secrecy::SecretString;

use super::{Broad, LONG_REST, NoToken, REST, Target, hash};
use crate::app::App;
use crate::oidc::{DpopKey, Exchange, ExchangeRequest, Exchanged, OidcError, RelyingParty};
use crate::refresh::Failure;
use crate::sessions::ActiveSession;

/// How a token for a service is asked for.
pub(super) enum Way {
    Exchange { party: Arc<RelyingParty>, token: SecretString, dpop_key: Option<DpopKey> },
    Refresh { app: Arc<App>, party: Arc<RelyingParty>, session: Option<Box<ActiveSession>> },
}

/// A token for one service, and the hash of the broad one in whose place it is.
type Found = (Exchanged, [u8; 32]);

impl Way {
    pub(super) fn new(app: &Arc<App>, broad: Broad<'_>, party: &Arc<RelyingParty>) -> Self {
        let party = Arc::clone(party);
        match party.config().exchange {
            Exchange::Auto | Exchange::Always => {
                Self::Exchange { party, token: broad.token, dpop_key: broad.dpop_key }
            }
            Exchange::Resource => Self::Refresh {
                app: Arc::clone(app),
                party,
                session: broad.session.cloned().map(Box::new),
            },
        }
    }

    /// The token for `target`.
    ///
    /// # Cancel safety
    /// Not cancel safe: a dropped call may have spent the refresh token.
    pub(super) async fn go(&self, target: &Target, now: u64) -> Result<Found, NoToken> {
        match self {
            Self::Exchange { party, token, dpop_key } => {
                let request = ExchangeRequest {
                    subject_token: token,
                    dpop_key: dpop_key.as_ref(),
                    audience: &target.audience,
                    scope: target.scope.as_deref(),
                };
                let exchanged = party.exchange_token(request, now).await;
                exchanged.map(|exchanged| (exchanged, hash(token))).map_err(|error| {
                    tell(error.reason(), target);
                    why(&error)
                })
            }
            Self::Refresh { app, party, session } => {
                // A caller with a token of their own has shown us no other.
                let session = session.as_ref().ok_or(NoToken::Refused("no_refresh_token"))?;
                let (audience, scope) = (&target.audience, target.scope.as_ref());
                let token = app.service_token(session, party, audience, scope).await;
                token.map(|token| (token.exchanged, hash(&token.broad))).map_err(|failure| {
                    let why = why_not(failure);
                    tell(why.reason(), target);
                    why
                })
            }
        }
    }

    /// Seconds until the same is asked for again.
    pub(super) const fn rest(&self, why: NoToken) -> u64 {
        match (self, why) {
            (Self::Refresh { .. }, NoToken::Refused(_)) => LONG_REST,
            _ => REST,
        }
    }
}

fn tell(reason: &'static str, target: &Target) {
    tracing::warn!(reason, audience = &*target.audience, "no token for a service");
}

fn why(error: &OidcError) -> NoToken {
    if error.is_unavailable() {
        NoToken::Later(error.reason())
    } else {
        NoToken::Refused(error.reason())
    }
}

fn why_not(failure: Failure) -> NoToken {
    match failure {
        Failure::Ended(reason) => NoToken::Ended(reason),
        Failure::Later(reason) => NoToken::Later(reason),
        Failure::Refused(reason) => NoToken::Refused(reason),
    }
}

impl NoToken {
    const fn reason(self) -> &'static str {
        match self {
            Self::Later(reason) | Self::Refused(reason) | Self::Ended(reason) => reason,
        }
    }
}
