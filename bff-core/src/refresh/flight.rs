//! Owns: one refresh, from lease to result.

use std::sync::Arc;

use secrecy::ExposeSecret as _;
use session::id::{SessionId, StoreKey};
use session::record::{Management, TokenPart};
use session::store::Intent;
use tokio::time::Instant;

use super::failures::{LONGEST_REST, REST};
use super::journal::Journal;
use super::lease::Lease;
use super::{Failure, LOST, Refresh, attempt_id, due};
use crate::app::App;
use crate::oidc::{DpopKey, RefreshError, RefreshRequest, Refreshed, RelyingParty};
use crate::sessions::ActiveSession;
use crate::{audit, metrics};

/// A refresh token is sent at most twice: the journal says `Again` once in its life.
const ATTEMPTS: usize = 2;

/// One refresh of one session.
pub(super) struct Flight {
    pub(super) app: Arc<App>,
    pub(super) id: SessionId,
    pub(super) key: StoreKey,
    version: u64,
}

/// What is refreshed, opened.
pub(super) struct Case {
    pub(super) session: ActiveSession,
    pub(super) tokens: Arc<TokenPart>,
    pub(super) provider: Arc<RelyingParty>,
    management: Management,
    dpop_key: Option<DpopKey>,
}

/// What the journal says about sending the refresh token.
enum Permission {
    Send { first: bool },
    Settled(Arc<TokenPart>),
    Lost,
}

impl Flight {
    pub(super) fn new(app: &Arc<App>, session: &ActiveSession) -> Self {
        Self {
            app: Arc::clone(app),
            id: session.id.clone(),
            key: session.key,
            version: session.stored.version,
        }
    }

    pub(super) async fn run(self) -> Refresh {
        let result = self.settle().await;
        match &result {
            Ok(_) => {}
            Err(Failure::Ended(reason)) => metrics::refresh_failed(reason),
            Err(Failure::Later(reason)) => {
                metrics::refresh_failed(reason);
                if *reason != LOST {
                    self.rest(REST, reason);
                }
            }
        }
        result
    }

    fn rest(&self, seconds: u64, reason: &'static str) {
        self.app.failures.note((self.key, self.version), self.app.now(), seconds, reason);
    }

    /// Either refreshes under the lease, or waits for the replica that does.
    async fn settle(&self) -> Refresh {
        let lease = Lease::over(&self.app, &self.key);
        let (limits, begun) = (&self.app.refresh_limits, Instant::now());
        let mut looked = false;
        while begun.elapsed() < limits.look_for {
            let leased = lease.acquire().await;
            if leased.map_err(|error| Failure::Later(error.reason()))? {
                if looked {
                    metrics::refresh_lease_waited("acquired", begun.elapsed());
                }
                return lease.hold(self.under_lease()).await;
            }
            if let Some(settled) = self.settled_elsewhere().await? {
                metrics::refresh_lease_waited("settled", begun.elapsed());
                return Ok(settled);
            }
            looked = true;
            tokio::time::sleep(limits.look_every).await;
        }
        metrics::refresh_lease_waited("gave_up", begun.elapsed());
        Err(Failure::Later("lease_held"))
    }

    /// The session as it stands now.
    async fn reread(&self) -> Result<ActiveSession, Failure> {
        self.app
            .session_by_id(self.id.clone())
            .await
            .map_err(|error| Failure::Later(error.reason()))?
            .ok_or(Failure::Ended("session_gone"))
    }

    /// The tokens that somebody else stored since we were asked.
    async fn settled_elsewhere(&self) -> Result<Option<Arc<TokenPart>>, Failure> {
        let session = self.reread().await?;
        if session.stored.version == self.version {
            return Ok(None);
        }
        self.open(&session).map(Some)
    }

    pub(super) fn open(&self, session: &ActiveSession) -> Refresh {
        self.app.tokens(session).map(Arc::new).map_err(|error| Failure::Ended(error.reason()))
    }

    /// Everything that can go wrong without the IdP goes wrong before anything is written down.
    async fn under_lease(&self) -> Refresh {
        let session = self.reread().await?;
        let tokens = self.open(&session)?;
        if session.stored.version != self.version {
            return Ok(tokens);
        }
        let management = self.app.management(&session);
        let management = management.map_err(|error| Failure::Ended(error.reason()))?;
        let provider = self.app.tenants.provider_of(&management);
        let provider = provider.ok_or(Failure::Later("provider_gone"))?;
        let dpop_key = match &tokens.dpop_key {
            None => None,
            Some(key) => Some(
                DpopKey::from_bytes(key.expose_secret())
                    .map_err(|_| Failure::Later("dpop_key_unreadable"))?,
            ),
        };
        self.spend(&Case { session, tokens, provider, management, dpop_key }).await
    }

    /// Sends the refresh token if the journal allows it, and a second time if the IdP forgives that.
    async fn spend(&self, case: &Case) -> Refresh {
        let grace = case.provider.config().refresh_grace;
        let journal = Journal::new(&self.app, self.key, self.version, grace);
        for _ in 0..ATTEMPTS {
            let attempt = attempt_id(&self.app);
            let first = match self.permission(&journal, case, &attempt).await? {
                Permission::Send { first } => first,
                Permission::Settled(tokens) => return Ok(tokens),
                Permission::Lost => break,
            };
            if !first {
                metrics::refresh_sent_again();
            }
            let error = match self.ask(case).await {
                Ok(refreshed) => return self.keep(case, refreshed).await,
                Err(error) => error,
            };
            let reason = error.reason();
            tracing::warn!(session = self.key.short(), reason, cause = %error, "refresh failed");
            match error {
                RefreshError::InvalidGrant | RefreshError::Contradiction(_) => {
                    let ended = self.give_up(case, reason).await;
                    if !first && ended.is_err() {
                        audit::refresh_lost(&self.key, "not_forgiven");
                    }
                    return ended;
                }
                RefreshError::Unavailable(_) | RefreshError::Rejected(_) => {
                    // After a second attempt nobody knows what became of the first.
                    if first {
                        journal.take_back(attempt).await;
                    }
                    return Err(Failure::Later(reason));
                }
                RefreshError::Unknown(_) if grace.is_zero() => break,
                RefreshError::Unknown(_) => {}
            }
        }
        self.lost(case).await
    }

    /// Whether `attempt` may send the refresh token. Where that is found spent, and nothing else is left
    /// to the session, its new tokens are waited for a little: who spent it may only seem dead.
    async fn permission(
        &self,
        journal: &Journal,
        case: &Case,
        attempt: &str,
    ) -> Result<Permission, Failure> {
        let begun = Instant::now();
        loop {
            match journal.intend(attempt).await {
                Ok(Intent::First) => return Ok(Permission::Send { first: true }),
                Ok(Intent::Again) => return Ok(Permission::Send { first: false }),
                Ok(Intent::Gone) => return Err(Failure::Ended("session_gone")),
                Ok(Intent::Stale) => {
                    let settled = self.settled_elsewhere().await?;
                    return settled.map(Permission::Settled).ok_or(Failure::Later("stale"));
                }
                Ok(Intent::Lost)
                    if self.is_dead(case)
                        && begun.elapsed() < self.app.refresh_limits.last_word =>
                {
                    tokio::time::sleep(self.app.refresh_limits.look_every).await;
                }
                Ok(Intent::Lost) => return Ok(Permission::Lost),
                Err(error) => {
                    journal.take_back(attempt.to_owned()).await;
                    return Err(Failure::Later(error.reason()));
                }
            }
        }
    }

    async fn ask(&self, case: &Case) -> Result<Refreshed, RefreshError> {
        let Some(refresh_token) = &case.tokens.refresh_token else {
            return Err(RefreshError::InvalidGrant);
        };
        let request = RefreshRequest {
            refresh_token,
            dpop_key: case.dpop_key.as_ref(),
            subject: &case.management.subject,
            auth_time: Some(case.session.edge.auth_time()),
        };
        case.provider.refresh(&request, self.app.now()).await
    }

    fn is_dead(&self, case: &Case) -> bool {
        due::is_dead(&case.tokens, self.app.now())
    }

    /// The refresh token is dead. If somebody stored a newer one meanwhile, that one counts.
    async fn give_up(&self, case: &Case, reason: &'static str) -> Refresh {
        if let Some(newer) = self.settled_elsewhere().await? {
            return Ok(newer);
        }
        if let Err(error) = self.app.end(&case.session, reason).await {
            return Err(Failure::Later(error.reason()));
        }
        Err(Failure::Ended(reason))
    }

    /// The refresh token may be spent, and nobody has its successor. The session lives as long as its
    /// access token.
    async fn lost(&self, case: &Case) -> Refresh {
        let now = self.app.now();
        if !self.is_dead(case) {
            let expires_at = case.tokens.access_expires_at;
            let left = expires_at.map_or(LONGEST_REST, |at| at.saturating_sub(now));
            self.rest(left, LOST);
            return Err(Failure::Later(LOST));
        }
        let ended = self.give_up(case, LOST).await;
        if matches!(ended, Err(Failure::Ended(LOST))) {
            audit::refresh_lost(&self.key, "outcome_unknown");
            // At most issuers this takes along whatever descends from it, which nobody could use.
            self.revoke(case, &case.tokens);
        }
        ended
    }
}
