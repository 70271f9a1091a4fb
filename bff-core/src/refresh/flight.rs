//! Owns: one refresh, whatever the refresh token is spent for: the lease, and the session under it.

use std::sync::Arc;

use secrecy::ExposeSecret as _;
use session::id::{SessionId, StoreKey};
use session::record::{Management, TokenPart};
use tokio::time::Instant;

use super::errand::{Errand, Gain};
use super::failures::REST;
use super::lease::Lease;
use super::{Failure, LOST, Landing, Refresh};
use crate::app::App;
use crate::metrics;
use crate::oidc::{DpopKey, RelyingParty};
use crate::sessions::ActiveSession;

/// One refresh of one session.
pub(super) struct Flight {
    pub(super) app: Arc<App>,
    pub(super) id: SessionId,
    pub(super) key: StoreKey,
    version: u64,
    pub(super) errand: Errand,
}

/// What is refreshed, opened.
pub(super) struct Case {
    pub(super) session: ActiveSession,
    pub(super) tokens: Arc<TokenPart>,
    pub(super) provider: Arc<RelyingParty>,
    pub(super) management: Management,
    pub(super) dpop_key: Option<DpopKey>,
}

impl Flight {
    pub(super) fn new(app: &Arc<App>, session: &ActiveSession, errand: Errand) -> Self {
        Self {
            app: Arc::clone(app),
            id: session.id.clone(),
            key: session.key,
            version: session.stored.version,
            errand,
        }
    }

    pub(super) async fn run(self) -> Landing {
        let result = self.settle().await;
        match &result {
            Ok(_) | Err(Failure::Refused(_)) => {}
            Err(Failure::Ended(reason)) => metrics::refresh_failed(reason),
            Err(Failure::Later(reason)) => {
                metrics::refresh_failed(reason);
                // A service that gets no token keeps nobody from refreshing the session.
                if *reason != LOST && !self.errand.is_for_service() {
                    self.rest(self.version, REST, reason);
                }
            }
        }
        result
    }

    pub(super) fn rest(&self, version: u64, seconds: u64, reason: &'static str) {
        self.app.failures.note((self.key, version), self.app.now(), seconds, reason);
    }

    /// Either refreshes under the lease, or waits for the replica that does.
    async fn settle(&self) -> Landing {
        let lease = Lease::over(&self.app, &self.key);
        let (limits, begun) = (&self.app.refresh_limits, Instant::now());
        let mut looked = false;
        while begun.elapsed() < limits.look_for {
            // What the other stored is seen without its lease: it need not have let go of it yet.
            if looked && let Some(settled) = self.settled(&self.reread().await?)? {
                metrics::refresh_lease_waited("settled", begun.elapsed());
                return Ok(Gain::of(settled));
            }
            let leased = lease.acquire().await;
            if leased.map_err(|error| Failure::Later(error.reason()))? {
                if looked {
                    metrics::refresh_lease_waited("acquired", begun.elapsed());
                }
                return lease.hold(self.under_lease()).await;
            }
            looked = true;
            tokio::time::sleep(limits.look_every).await;
        }
        metrics::refresh_lease_waited("gave_up", begun.elapsed());
        Err(Failure::Later("lease_held"))
    }

    /// The session as it stands now.
    pub(super) async fn reread(&self) -> Result<ActiveSession, Failure> {
        self.app
            .session_by_id(self.id.clone())
            .await
            .map_err(|error| Failure::Later(error.reason()))?
            .ok_or(Failure::Ended("session_gone"))
    }

    /// The tokens of `session`, if somebody else stored what we were asked for.
    pub(super) fn settled(
        &self,
        session: &ActiveSession,
    ) -> Result<Option<Arc<TokenPart>>, Failure> {
        if session.stored.version == self.version || self.errand.is_for_service() {
            return Ok(None);
        }
        let tokens = self.open(session)?;
        Ok(self.errand.is_done_by(&tokens).then_some(tokens))
    }

    pub(super) fn open(&self, session: &ActiveSession) -> Refresh {
        self.app.tokens(session).map(Arc::new).map_err(|error| Failure::Ended(error.reason()))
    }

    /// Everything that can go wrong without the IdP goes wrong before anything is written down.
    async fn under_lease(&self) -> Landing {
        let session = self.reread().await?;
        if let Some(settled) = self.settled(&session)? {
            return Ok(Gain::of(settled));
        }
        let tokens = self.open(&session)?;
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
}
