//! Owns: sending the refresh token of a session under the lease, as often as the journal lets it, and what
//! follows from an answer that is none.

use session::store::{Intent, Swap};
use tokio::time::Instant;

use super::errand::Gain;
use super::failures::LONGEST_REST;
use super::flight::{Case, Flight};
use super::journal::Journal;
use super::{Failure, LOST, Landing, attempt_id, due};
use crate::oidc::{RefreshError, RefreshRequest, Refreshed};
use crate::{audit, metrics};

/// A refresh token is sent at most twice: the journal says `Again` once in its life, or once more for a
/// second attempt that was never sent.
const ATTEMPTS: usize = 2;

/// What the journal says about sending the refresh token.
enum Permission {
    Send { first: bool },
    Settled(Landing),
    Lost,
}

impl Flight {
    /// Sends the refresh token if the journal allows it, and a second time if the IdP forgives that.
    pub(super) async fn spend(&self, case: &Case) -> Landing {
        let grace = case.provider.config().refresh_grace;
        let journal = Journal::new(&self.app, self.key, case.session.stored.version, grace);
        for _ in 0..ATTEMPTS {
            let attempt = attempt_id(&self.app);
            let first = match self.permission(&journal, case, &attempt).await? {
                Permission::Send { first } => first,
                Permission::Settled(landing) => return landing,
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
                // It may be about the service alone. What else the token is good for, the session's next
                // refresh finds out.
                RefreshError::InvalidGrant | RefreshError::Rejected(_)
                    if self.errand.is_for_service() =>
                {
                    if first {
                        journal.take_back(attempt).await;
                        return Err(Failure::Refused(reason));
                    }
                    break;
                }
                RefreshError::InvalidGrant | RefreshError::Contradiction(_) => {
                    let ended = self.give_up(case, reason).await;
                    if !first && ended.is_err() {
                        audit::refresh_lost(&self.key, "not_forgiven");
                    }
                    return ended;
                }
                RefreshError::Unavailable(_) | RefreshError::Rejected(_) => {
                    // After a second attempt nobody knows what became of the first. One that was never
                    // made, because the IdP is away, is made when it is back.
                    if first || error.is_unsent() {
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
                    let overtaken = self.overtaken(case).await?;
                    return overtaken.map(Permission::Settled).ok_or(Failure::Later("stale"));
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
            auth_time: Some(case.session.edge.auth_time()).filter(|time| *time != 0),
            service: self.errand.service(),
        };
        case.provider.refresh(&request, self.app.now()).await
    }

    fn is_dead(&self, case: &Case) -> bool {
        due::is_dead(&case.tokens, self.app.now())
    }

    /// The refresh token is dead. If somebody stored a newer one meanwhile, that one counts.
    async fn give_up(&self, case: &Case, reason: &'static str) -> Landing {
        if let Some(newer) = self.overtaken(case).await? {
            return newer;
        }
        match self.app.end_unless_renewed(&case.session, reason).await {
            Ok(Swap::Done | Swap::Gone) => Err(Failure::Ended(reason)),
            // Between our look and this.
            Ok(Swap::Stale) => {
                let overtaken = self.overtaken(case).await?;
                overtaken.unwrap_or(Err(Failure::Later("stale")))
            }
            Err(error) => Err(Failure::Later(error.reason())),
        }
    }

    /// The refresh token may be spent, and nobody has its successor. The session lives as long as its
    /// access token.
    async fn lost(&self, case: &Case) -> Landing {
        let now = self.app.now();
        if !self.is_dead(case) {
            let expires_at = case.tokens.access_expires_at;
            let left = expires_at.map_or(LONGEST_REST, |at| at.saturating_sub(now));
            self.rest(case.session.stored.version, left, LOST);
            return Err(Failure::Later(LOST));
        }
        let ended = self.give_up(case, LOST).await;
        if matches!(ended, Err(Failure::Ended(LOST))) {
            audit::refresh_lost(&self.key, "outcome_unknown");
            // At most issuers this takes along whatever descends from it, which nobody could use.
            self.revoke(case, &case.tokens, &case.tokens.access_token);
        }
        ended
    }

    /// What there is now that somebody else stored since we looked; `None` if nobody did.
    async fn overtaken(&self, case: &Case) -> Result<Option<Landing>, Failure> {
        let session = self.reread().await?;
        if session.stored.version == case.session.stored.version {
            return Ok(None);
        }
        let settled = self.settled(&session)?;
        Ok(Some(settled.map(Gain::of).ok_or(Failure::Later("stale"))))
    }
}
