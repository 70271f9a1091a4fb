//! Owns: fresh access tokens for sessions (DESIGN section 7, protocols: refresh rotation).
//!
//! One refresh at a time for a session: in this process by single flight, between replicas by a
//! lease in the store. It runs as a task of its own; re-reads the session under the lease; stores
//! by compare-and-set; and shares its result, so that no waiter ever spends a refresh token. Only
//! `invalid_grant`, after another look, ends a session. A token that still lives is served while
//! the IdP is away.

mod failures;
mod flight;

use std::sync::Arc;
use std::time::{Duration, Instant};

use session::id::StoreKey;
use session::record::TokenPart;

use crate::app::App;
use crate::error::ApiError;
use crate::metrics;
use crate::sessions::ActiveSession;
use crate::single_flight::SingleFlight;

pub use failures::Failures;
use flight::Flight;

/// Refreshes under way, by session and the version of the tokens they replace.
pub type Flights = SingleFlight<(StoreKey, u64), Result<Arc<TokenPart>, Failure>>;

/// Longest time a request waits for a refresh.
const PATIENCE: Duration = Duration::from_secs(15);

/// Seconds before its expiry from which a token is not sent any more: it would die on the way.
const DYING: u64 = 2;

/// Why there are no fresh tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The session has ended, by this or meanwhile.
    Ended(&'static str),
    /// Not now; the session is as it was.
    Later(&'static str),
}

/// How urgent a refresh is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    None,
    Soon,
    Now,
}

impl App {
    /// Tokens that are good to send. Refreshes a dead token and waits for it; renews one that
    /// nears its end in the background.
    ///
    /// # Errors
    /// [`ApiError::Unauthenticated`] if the session ended, [`ApiError::IdpUnavailable`] if there is
    /// no living token and none can be had now.
    pub async fn fresh_tokens(
        self: &Arc<Self>,
        session: &ActiveSession,
    ) -> Result<Arc<TokenPart>, ApiError> {
        let tokens = Arc::new(self.tokens(session)?);
        if tokens.refresh_token.is_none() {
            return match self.need(session, &tokens) {
                Need::Now => Err(ApiError::Unauthenticated("access_token_expired")),
                Need::Soon | Need::None => Ok(tokens),
            };
        }
        match self.need(session, &tokens) {
            Need::None => Ok(tokens),
            Need::Soon => {
                self.refresh_in_background(session);
                Ok(tokens)
            }
            Need::Now => {
                let begun = Instant::now();
                let waited = tokio::time::timeout(PATIENCE, self.refreshed(session)).await;
                metrics::refresh_waited(begun.elapsed());
                match waited {
                    Ok(Some(Ok(fresh))) => Ok(fresh),
                    Ok(Some(Err(Failure::Ended(reason)))) => Err(ApiError::Unauthenticated(reason)),
                    Ok(Some(Err(Failure::Later(reason)))) => self.still_alive(tokens, reason),
                    Ok(None) => Err(ApiError::Internal("refresh_died")),
                    Err(_) => self.still_alive(tokens, "refresh_slow"),
                }
            }
        }
    }

    /// The old tokens while they live: the IdP's trouble is not yet the user's.
    fn still_alive(
        &self,
        tokens: Arc<TokenPart>,
        reason: &'static str,
    ) -> Result<Arc<TokenPart>, ApiError> {
        match tokens.access_expires_at {
            Some(expires_at) if self.now() >= expires_at => Err(ApiError::IdpUnavailable(reason)),
            _ => Ok(tokens),
        }
    }

    /// Refreshes now, joining a refresh under way, unless one failed a moment ago. `None` if it died.
    async fn refreshed(
        self: &Arc<Self>,
        session: &ActiveSession,
    ) -> Option<Result<Arc<TokenPart>, Failure>> {
        let key = (session.key, session.stored.version);
        if let Some(reason) = self.failures.recent(&key, self.now()) {
            return Some(Err(Failure::Later(reason)));
        }
        let flight = Flight::new(self, session);
        self.flights.run(key, &self.shutdown, || flight.run()).await
    }

    /// Begins a refresh without waiting for it.
    fn refresh_in_background(self: &Arc<Self>, session: &ActiveSession) {
        let (app, session) = (Arc::clone(self), session.clone());
        self.shutdown.spawn(async move { drop(app.refreshed(&session).await) });
    }

    /// A token of short life is renewed in its last fifth, so that the threshold never exceeds the
    /// life. The jitter comes from the session's key: sessions made in one second do not refresh in
    /// one second (bff-checklist 58).
    fn need(&self, session: &ActiveSession, tokens: &TokenPart) -> Need {
        let Some(expires_at) = tokens.access_expires_at else { return Need::None };
        let now = self.now();
        if now.saturating_add(DYING) >= expires_at {
            return Need::Now;
        }
        let lifetime = expires_at.saturating_sub(tokens.obtained_at);
        let before = self.config.lifetimes.refresh_before.min(lifetime / 5);
        let spread = u64::from(session.key.as_bytes().first().copied().unwrap_or_default());
        let before = before.saturating_sub(before.saturating_mul(spread) / (255 * 4));
        if now.saturating_add(before) >= expires_at { Need::Soon } else { Need::None }
    }
}
