//! Owns: one refresh, from lease to stored result.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::ExposeSecret as _;
use session::edge::EdgeView;
use session::header_text;
use session::id::SessionId;
use session::record::{Management, TokenPart};
use session::shelf::Shelf as _;
use session::store::{Store as _, StoredSession, Swap};

use super::Failure;
use crate::app::App;
use crate::news::News;
use crate::oidc::{DpopKey, RefreshError, RefreshRequest, Refreshed, RelyingParty};
use crate::sessions::{ActiveSession, keep_for, session_expiry, tenant_of, token_id, token_part};
use crate::{audit, metrics};

/// What a lease lasts beyond the longest token call: time to store what it gave.
const LEASE_MARGIN: Duration = Duration::from_secs(20);

/// How often a replica that lost the race looks for the winner's result, and for how long.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const LOOKS: u32 = 240;

/// Attempts to store rotated tokens; together, time-outs of the store included, shorter than
/// [`LEASE_MARGIN`].
const STORE_ATTEMPTS: u32 = 20;
const STORE_PAUSE: Duration = Duration::from_millis(250);

/// One refresh of one session.
pub(super) struct Flight {
    app: Arc<App>,
    id: SessionId,
    version: u64,
    lease: String,
    owner: String,
}

impl Flight {
    pub(super) fn new(app: &Arc<App>, session: &ActiveSession) -> Self {
        let owner: [u8; 16] = app.random.bytes();
        Self {
            app: Arc::clone(app),
            id: session.id.clone(),
            version: session.stored.version,
            lease: format!("refresh:{}", session.key),
            owner: URL_SAFE_NO_PAD.encode(owner),
        }
    }

    pub(super) async fn run(self) -> Result<Arc<TokenPart>, Failure> {
        let result = self.settle().await;
        match &result {
            Ok(_) => {}
            Err(Failure::Ended(reason)) => metrics::refresh_failed(reason),
            Err(Failure::Later(reason)) => {
                metrics::refresh_failed(reason);
                let key = (self.id.store_key(), self.version);
                self.app.failures.note(key, self.app.now(), reason);
            }
        }
        result
    }

    /// Either refreshes under the lease, or waits for the replica that does.
    async fn settle(&self) -> Result<Arc<TokenPart>, Failure> {
        // It must outlive the work it guards.
        let lease = self.app.providers.main().longest_refresh() + LEASE_MARGIN;
        for _ in 0..LOOKS {
            let leased = self.app.store.acquire_lease(&self.lease, &self.owner, lease).await;
            if leased.map_err(|error| Failure::Later(error.reason()))? {
                let result = self.under_lease().await;
                if let Err(error) = self.app.store.release_lease(&self.lease, &self.owner).await {
                    tracing::debug!(reason = error.reason(), "lease left to expire");
                }
                return result;
            }
            if let Some(settled) = self.settled_elsewhere().await? {
                return Ok(settled);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
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

    fn open(&self, session: &ActiveSession) -> Result<Arc<TokenPart>, Failure> {
        self.app.tokens(session).map(Arc::new).map_err(|error| Failure::Ended(error.reason()))
    }

    async fn under_lease(&self) -> Result<Arc<TokenPart>, Failure> {
        let session = self.reread().await?;
        let tokens = self.open(&session)?;
        if session.stored.version != self.version {
            return Ok(tokens);
        }
        let management = self.app.management(&session);
        let management = management.map_err(|error| Failure::Ended(error.reason()))?;
        let provider = self.app.providers.of(&management).ok_or(Failure::Later("provider_gone"))?;
        let dpop_key = match &tokens.dpop_key {
            None => None,
            Some(key) => Some(
                DpopKey::from_bytes(key.expose_secret())
                    .map_err(|_| Failure::Later("dpop_key_unreadable"))?,
            ),
        };
        match self.ask(provider, &session, &tokens, dpop_key.as_ref(), &management).await {
            Ok(refreshed) => self.store(provider, &session, &tokens, management, refreshed).await,
            Err(error) if error.is_fatal() => self.give_up(&session, &error).await,
            Err(error) => {
                tracing::warn!(
                    session = session.key.short(),
                    reason = error.reason(),
                    "refresh failed"
                );
                Err(Failure::Later(error.reason()))
            }
        }
    }

    async fn ask(
        &self,
        provider: &Arc<RelyingParty>,
        session: &ActiveSession,
        tokens: &TokenPart,
        dpop_key: Option<&DpopKey>,
        management: &Management,
    ) -> Result<Refreshed, RefreshError> {
        let Some(refresh_token) = &tokens.refresh_token else {
            return Err(RefreshError::InvalidGrant);
        };
        let request = RefreshRequest {
            refresh_token,
            dpop_key,
            subject: &management.subject,
            auth_time: Some(session.edge.auth_time()),
        };
        provider.refresh(&request, self.app.now()).await
    }

    /// The refresh token is dead. If somebody stored a newer one meanwhile, that one counts.
    async fn give_up(
        &self,
        session: &ActiveSession,
        error: &RefreshError,
    ) -> Result<Arc<TokenPart>, Failure> {
        if let Some(newer) = self.settled_elsewhere().await? {
            return Ok(newer);
        }
        let reason = error.reason();
        if let Err(error) = self.app.end(session, reason).await {
            return Err(Failure::Later(error.reason()));
        }
        Err(Failure::Ended(reason))
    }

    async fn store(
        &self,
        provider: &Arc<RelyingParty>,
        session: &ActiveSession,
        old: &TokenPart,
        management: Management,
        refreshed: Refreshed,
    ) -> Result<Arc<TokenPart>, Failure> {
        let now = self.app.now();
        let tokens = merged(old, &refreshed, now);
        let sealed = self.seal(session, &tokens, management.clone(), &refreshed, now);
        let Ok((sealed, keep)) = sealed else {
            return self.unkeepable(provider, session, tokens).await;
        };
        for _ in 0..STORE_ATTEMPTS {
            let stored =
                self.app.store.replace(&session.key, self.version, sealed.clone(), keep).await;
            match stored {
                Ok(Swap::Done) => {
                    let tenant = tenant_of(session);
                    self.app.restore_flags(&session.key, &tenant, &management).await;
                    metrics::refreshed();
                    audit::session_refreshed(&session.key);
                    self.app.tell(&[News::Refreshed { session: session.key }]);
                    return Ok(Arc::new(tokens));
                }
                // Our own write whose answer was lost, or a replica's behind an expired lease.
                Ok(Swap::Stale) => {
                    return self.settled_elsewhere().await?.ok_or(Failure::Later("stale"));
                }
                Ok(Swap::Gone) => return Err(self.too_late(provider, tokens)),
                Err(error) => {
                    tracing::warn!(reason = error.reason(), "rotated tokens not stored yet");
                    tokio::time::sleep(STORE_PAUSE).await;
                }
            }
        }
        // The session still holds the spent refresh token; its next refresh ends it.
        audit::refresh_lost(&session.key);
        Err(Failure::Later("store_lost"))
    }

    /// Logout won: what we just got is thrown away, at the IdP too.
    fn too_late(&self, provider: &Arc<RelyingParty>, tokens: TokenPart) -> Failure {
        self.app.revoke_in_background(provider, tokens.refresh_token, tokens.access_token);
        Failure::Ended("session_gone")
    }

    /// The session cannot hold what the IdP gave, and what it holds is spent.
    async fn unkeepable(
        &self,
        provider: &Arc<RelyingParty>,
        session: &ActiveSession,
        tokens: TokenPart,
    ) -> Result<Arc<TokenPart>, Failure> {
        self.app.revoke_in_background(provider, tokens.refresh_token, tokens.access_token);
        match self.app.end(session, "identity_too_long").await {
            Ok(()) => Err(Failure::Ended("identity_too_long")),
            Err(error) => Err(Failure::Later(error.reason())),
        }
    }

    fn seal(
        &self,
        session: &ActiveSession,
        tokens: &TokenPart,
        management: Management,
        refreshed: &Refreshed,
        now: u64,
    ) -> Result<(StoredSession, Duration), ()> {
        let version = self.version.saturating_add(1);
        let mut view = EdgeView {
            last_seen: now,
            token_version: version,
            access_expires_at: tokens.access_expires_at.unwrap_or_default(),
            scopes: tokens.scope.clone().into(),
            ..session.edge.to_view()
        };
        if let Some(claims) = &refreshed.claims {
            view.roles = header_text::encode_list(claims.roles.iter().map(String::as_str)).into();
            view.groups = header_text::encode_list(claims.groups.iter().map(String::as_str)).into();
            view.expires_at = view.expires_at.min(session_expiry(claims));
        }
        let management = Management {
            access_jti: token_id(tokens.access_token.expose_secret()),
            access_expires_at: tokens.access_expires_at,
            ..management
        };
        let (config, random) = (&self.app.config, &self.app.random);
        let keys = &config.session_keys;
        let sealed = StoredSession {
            edge: config
                .clients
                .edge_keys
                .reseal(&session.key, &session.stored.edge, &view)
                .map_err(drop)?,
            tokens: keys
                .seal_tokens(&self.id, &tenant_of(session), version, tokens, random.bytes())
                .map_err(drop)?,
            management: keys
                .seal_management(&session.key, &management, random.bytes())
                .map_err(drop)?,
            version,
        };
        Ok((sealed, keep_for(view.idle_deadline().saturating_sub(now))))
    }
}

/// What a response leaves out stays as it was (RFC 6749 section 6).
fn merged(old: &TokenPart, refreshed: &Refreshed, now: u64) -> TokenPart {
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
    tokens
}
