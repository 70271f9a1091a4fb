//! Owns: keeping what a refresh gave: new tokens into the session, or away with them.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use session::edge::EdgeView;
use session::header_text;
use session::record::{Management, TokenPart};
use session::store::{Store as _, StoredSession, Swap};
use tokio::time::Instant;

use super::errand::{Gain, is_same};
use super::flight::{Case, Flight};
use super::{Failure, Landing, Refresh};
use crate::news::News;
use crate::oidc::Refreshed;
use crate::sessions::{ActiveSession, keep_for, session_expiry, tenant_of, token_id};
use crate::{audit, metrics};

/// Something else of the session was changed between our look and our write.
const STALE: &str = "stale";

impl Flight {
    /// Stores by compare-and-set, again and again while the store is away.
    pub(super) async fn keep(&self, case: &Case, mut refreshed: Refreshed) -> Landing {
        if self.errand.is_for_service() {
            // What is known of the user comes with the session's own tokens.
            refreshed.claims = None;
        }
        let tokens = Arc::new(self.errand.merged(&case.tokens, &refreshed, self.app.now()));
        let begun = Instant::now();
        loop {
            let trouble = match self.try_to_keep(case, &tokens, &refreshed).await {
                Ok(kept) => {
                    let service = self.errand.for_service(refreshed);
                    return kept.map(|tokens| Gain { tokens, service });
                }
                Err(trouble) => trouble,
            };
            if begun.elapsed() >= self.app.refresh_limits.store {
                break;
            }
            // Somebody used the session this moment, or suspended its user: the store is not to blame.
            if trouble != STALE {
                tracing::warn!(reason = trouble, "rotated tokens not stored yet");
                tokio::time::sleep(self.app.refresh_limits.pause).await;
            }
        }
        // The intent stands, so the session ends when its access token does, unless the IdP forgives. The
        // new tokens are not revoked: a write whose answer was lost may yet be found to have happened,
        // and revoking one refresh token ends all of its family.
        audit::refresh_lost(&self.key, "not_stored");
        Err(Failure::Later("store_lost"))
    }

    /// One attempt, on the session as it stands now: what was changed while the IdP was asked stays.
    /// `Err` says why there must be another.
    async fn try_to_keep(
        &self,
        case: &Case,
        tokens: &Arc<TokenPart>,
        refreshed: &Refreshed,
    ) -> Result<Refresh, &'static str> {
        let current = self.app.session_by_id(self.id.clone()).await;
        let Some(current) = current.map_err(|error| error.reason())? else {
            return Ok(Err(self.too_late(case, tokens, refreshed)));
        };
        let version = current.stored.version;
        if version != case.session.stored.version {
            let there = match self.open(&current) {
                Ok(there) => there,
                Err(failure) => return Ok(Err(failure)),
            };
            if is_same(&there, tokens) {
                // Our own write, whose answer was lost.
                return Ok(Ok(self.kept(tokens)));
            }
            if !is_same(&there, &case.tokens) && self.errand.gives_way_to(&there) {
                // A replica's that was faster. Ours are of the same family, so they are not revoked.
                return Ok(Ok(there));
            }
        }
        let Ok((sealed, keep)) = self.seal(&current, tokens, refreshed) else {
            return Ok(self.unkeepable(case, tokens, refreshed).await);
        };
        match self.app.store.replace(&self.key, &current.stored, sealed, keep).await {
            Ok(Swap::Done) => Ok(Ok(self.kept(tokens))),
            Ok(Swap::Gone) => Ok(Err(self.too_late(case, tokens, refreshed))),
            Ok(Swap::Stale) => Err(STALE),
            Err(error) => Err(error.reason()),
        }
    }

    fn kept(&self, tokens: &Arc<TokenPart>) -> Arc<TokenPart> {
        // A token for a service is no news to anybody: the session's own is what it was, and so are those
        // that other services have.
        if !self.errand.is_for_service() {
            metrics::refreshed();
            audit::session_refreshed(&self.key);
            self.app.tell(&[News::Refreshed { session: self.key }]);
        }
        Arc::clone(tokens)
    }

    /// Logout won: what we just got is thrown away, at the IdP too.
    fn too_late(&self, case: &Case, tokens: &TokenPart, refreshed: &Refreshed) -> Failure {
        self.revoke(case, tokens, &refreshed.tokens.access_token);
        Failure::Ended("session_gone")
    }

    /// The session cannot hold what the IdP gave, and what it holds is spent.
    async fn unkeepable(&self, case: &Case, tokens: &TokenPart, refreshed: &Refreshed) -> Refresh {
        self.revoke(case, tokens, &refreshed.tokens.access_token);
        match self.app.end(&case.session, "identity_too_long").await {
            Ok(_) => Err(Failure::Ended("identity_too_long")),
            Err(error) => Err(Failure::Later(error.reason())),
        }
    }

    /// Ends at the IdP what the session no longer has a use for.
    pub(super) fn revoke(&self, case: &Case, tokens: &TokenPart, access_token: &SecretString) {
        let (refresh_token, access_token) = (tokens.refresh_token.clone(), access_token.clone());
        self.app.revoke_in_background(&case.provider, refresh_token, access_token);
    }

    fn seal(
        &self,
        session: &ActiveSession,
        tokens: &TokenPart,
        refreshed: &Refreshed,
    ) -> Result<(StoredSession, Duration), ()> {
        let now = self.app.now();
        let version = session.stored.version.saturating_add(1);
        let (config, random) = (&self.app.config, &self.app.random);
        let before = session.edge.to_view();
        let mut view = EdgeView {
            // Another replica's clock may be ahead of ours.
            last_seen: now.max(before.last_seen),
            token_version: version,
            access_expires_at: tokens.access_expires_at.unwrap_or_default(),
            scopes: tokens.scope.clone().into(),
            ..before
        };
        let fresh = refreshed.claims.as_ref();
        view.claims = config.edge_claims.after_refresh(fresh, &view.claims);
        if let Some(claims) = fresh {
            view.roles = header_text::encode_list(claims.roles.iter().map(String::as_str)).into();
            view.groups = header_text::encode_list(claims.groups.iter().map(String::as_str)).into();
            view.expires_at = view.expires_at.min(session_expiry(claims));
        }
        let management = Management {
            access_jti: token_id(tokens.access_token.expose_secret()),
            access_expires_at: tokens.access_expires_at,
            ..self.app.management(session).map_err(drop)?
        };
        // The sources of the user context may have been read while the IdP was asked.
        let mut tokens = tokens.clone();
        if let Ok(current) = self.app.tokens(session) {
            tokens.context = current.context;
        }
        if let Some(claims) = &refreshed.claims {
            self.app.note_claims(&mut tokens.context, claims);
        }
        let keys = &config.session_keys;
        let sealed = StoredSession {
            edge: session.edge.reseal(&session.key, &view).map_err(drop)?,
            tokens: keys
                .seal_tokens(&self.id, &tenant_of(session), version, &tokens, random.bytes())
                .map_err(drop)?,
            management: keys
                .seal_management(&session.key, &management, random.bytes())
                .map_err(drop)?,
            version,
        };
        Ok((sealed, keep_for(view.idle_deadline().saturating_sub(now))))
    }
}
