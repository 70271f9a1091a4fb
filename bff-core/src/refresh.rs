//! Owns: fresh access tokens for sessions (DESIGN section 7, protocols: refresh rotation).
//!
//! A refresh token is spent for new tokens, or for a token for one service (`service.rs`), in one way:
//! one refresh at a time for a session: in this process by single flight, between replicas by a
//! lease in the store. It runs as a task of its own; re-reads the session under the lease; writes
//! down that it spends the refresh token before it does; stores by compare-and-set; and shares its
//! result, so that no waiter ever spends a refresh token. `invalid_grant`, after another look, ends
//! a session, and a refresh token that may be spent without anybody having its successor. A token
//! that still lives is served meanwhile. `docs/RELIABILITY.md` has every case.

mod due;
mod errand;
mod failures;
mod flight;
mod journal;
mod keep;
mod lease;
mod limits;
mod service;
mod spend;

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use session::id::StoreKey;
use session::record::TokenPart;

use crate::app::App;
use crate::error::ApiError;
use crate::metrics;
use crate::sessions::ActiveSession;
use crate::single_flight::{SingleFlight, Wait};

pub use failures::Failures;
pub use limits::Limits;

use due::Need;
use errand::{Errand, Gain};
use flight::Flight;

/// Refreshes under way, by session and the version of the tokens they replace.
pub type Flights = SingleFlight<(StoreKey, u64), Refresh>;

/// What a refresh gave.
type Refresh = Result<Arc<TokenPart>, Failure>;

/// What a flight ends with.
type Landing = Result<Gain, Failure>;

/// Longest time a request waits for a refresh.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

/// Why a session ends whose refresh token may be spent without anybody having its successor.
const LOST: &str = "refresh_lost";

/// Why there are no fresh tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The session has ended, by this or meanwhile.
    Ended(&'static str),
    /// Not now; the session is as it was.
    Later(&'static str),
    /// The IdP gives no token for this service; the session is as it was.
    Refused(&'static str),
}

impl App {
    /// Tokens that are good to send. Refreshes a dead token and waits for it; renews one that
    /// nears its end in the background.
    ///
    /// # Errors
    /// [`ApiError::Unauthenticated`] if the session ended, [`ApiError::IdpUnavailable`] if there is
    /// no living token and none can be had now.
    ///
    /// # Cancel safety
    /// Dropped, it leaves the refresh going on.
    pub async fn fresh_tokens(
        self: &Arc<Self>,
        session: &ActiveSession,
    ) -> Result<Arc<TokenPart>, ApiError> {
        let tokens = self.opened_tokens(session)?;
        let need = self.need(session, &tokens);
        self.meet(session, tokens, need).await
    }

    /// [`App::fresh_tokens`] for who asks for a refresh by name: tokens whose issuer does not say how
    /// long they live are renewed as well.
    ///
    /// # Errors
    /// As for [`App::fresh_tokens`].
    pub async fn renewed_tokens(
        self: &Arc<Self>,
        session: &ActiveSession,
    ) -> Result<Arc<TokenPart>, ApiError> {
        let tokens = Arc::new(self.tokens(session)?);
        let need = due::asked(&tokens, self.need(session, &tokens), self.now());
        self.meet(session, tokens, need).await
    }

    /// Tokens in place of those that a service does not take: `None` if there are none to be had now.
    ///
    /// # Errors
    /// [`ApiError::Unauthenticated`] if the session turns out to have ended.
    pub(crate) async fn forced_tokens(
        self: &Arc<Self>,
        session: &ActiveSession,
    ) -> Result<Option<Arc<TokenPart>>, ApiError> {
        if self.tokens(session)?.refresh_token.is_none() {
            return Ok(None);
        }
        match tokio::time::timeout(PATIENCE, self.refreshed(session)).await {
            Ok(Some(Ok(fresh))) => Ok(Some(fresh)),
            Ok(Some(Err(Failure::Ended(reason)))) => Err(ApiError::Unauthenticated(reason)),
            Ok(Some(Err(Failure::Later(_) | Failure::Refused(_))) | None) | Err(_) => Ok(None),
        }
    }

    /// Begins a refresh if one is due, without waiting for it.
    pub fn refresh_if_due(self: &Arc<Self>, session: &ActiveSession) {
        let Ok(tokens) = self.tokens(session) else { return };
        if tokens.refresh_token.is_some() && self.need(session, &tokens) != Need::None {
            drop(self.refresh(session));
        }
    }

    fn need(&self, session: &ActiveSession, tokens: &TokenPart) -> Need {
        due::need(tokens, &session.key, self.config.lifetimes.refresh_before, self.now())
    }

    async fn meet(
        self: &Arc<Self>,
        session: &ActiveSession,
        tokens: Arc<TokenPart>,
        need: Need,
    ) -> Result<Arc<TokenPart>, ApiError> {
        if tokens.refresh_token.is_none() {
            let dying = need == Need::Now && tokens.access_expires_at.is_some();
            return if dying {
                Err(ApiError::Unauthenticated("access_token_expired"))
            } else {
                Ok(tokens)
            };
        }
        match need {
            Need::None => Ok(tokens),
            Need::Soon => {
                drop(self.refresh(session));
                Ok(tokens)
            }
            Need::Now => {
                let begun = Instant::now();
                let waited = tokio::time::timeout(PATIENCE, self.refreshed(session)).await;
                metrics::refresh_waited(begun.elapsed());
                match waited {
                    Ok(Some(Ok(fresh))) => Ok(fresh),
                    Ok(Some(Err(Failure::Ended(reason)))) => Err(ApiError::Unauthenticated(reason)),
                    Ok(Some(Err(Failure::Later(reason) | Failure::Refused(reason)))) => {
                        self.still_alive(tokens, reason)
                    }
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
        if due::is_dead(&tokens, self.now()) {
            return Err(ApiError::IdpUnavailable(reason));
        }
        Ok(tokens)
    }

    /// Refreshes now, joining a refresh under way, unless one failed a moment ago. `None` if it died.
    async fn refreshed(self: &Arc<Self>, session: &ActiveSession) -> Option<Refresh> {
        match self.refresh(session) {
            Ok(wait) => {
                if wait.joined() {
                    metrics::refresh_joined();
                }
                wait.result().await
            }
            Err(failure) => Some(Err(failure)),
        }
    }

    /// The refresh under way, or one begun now, unless one failed a moment ago.
    fn refresh(self: &Arc<Self>, session: &ActiveSession) -> Result<Wait<Refresh>, Failure> {
        let key = (session.key, session.stored.version);
        if let Some(reason) = self.failures.recent(&key, self.now()) {
            return Err(Failure::Later(reason));
        }
        let flight = || {
            let errand = Errand::Renew(self.tokens(session).ok());
            let flight = Flight::new(self, session, errand);
            async move { flight.run().await.map(|gain| gain.tokens) }
        };
        Ok(self.flights.begin(key, &self.shutdown, flight))
    }
}

/// Names one attempt at something, in the store: nobody else has the same.
fn attempt_id(app: &App) -> String {
    let random: [u8; 16] = app.random.bytes();
    URL_SAFE_NO_PAD.encode(random)
}
