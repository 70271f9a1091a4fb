//! Owns: from cookie to session, and the beginning and end of sessions.
//!
//! [`ActiveSession`] is the proof that a request carries a session that is authentic, alive, of the tenant
//! whose host was asked, bound to this client and not suspended; only [`App::session`] makes one for a
//! request.

mod arrival;
mod begin;
mod cap;
mod cause;
mod denied;
mod edge_claims;
mod end;
mod flags;
mod list;
mod opened;
mod revoke;

pub use arrival::LoginAge;
pub(crate) use begin::{profile, session_expiry, token_id, token_part};
pub use cause::{Actor, Cause};
pub(crate) use denied::Denial;
pub use edge_claims::EdgeClaims;
pub use flags::Flags;
pub(crate) use list::{Listed, User};
pub(crate) use opened::Opened;

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};
use session::binding::Grade;
use session::cookie::{self, SessionCookie};
use session::edge::LiveEdge;
use session::flags::Standing;
use session::id::{SessionId, StoreKey};
use session::record::{Management, TokenPart};
use session::seal::SealError;
use session::store::{IndexKey, Store as _, StoreError, StoredSession};

use crate::app::App;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::{audit, metrics};

/// Kept in the store beyond the deadline that we enforce ourselves.
const SLACK: Duration = Duration::from_secs(60);

/// A session that may be used by this request.
#[derive(Debug, Clone)]
pub struct ActiveSession {
    /// The browser's secret.
    pub id: SessionId,
    /// What it is stored under.
    pub key: StoreKey,
    /// What verify sees of it.
    pub edge: LiveEdge,
    /// As it is stored.
    pub stored: StoredSession,
    /// Whether another client than its own shows it, which may sign out and learn nothing.
    pub is_elsewhere: bool,
}

/// What a session is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Somebody is there.
    Slides,
    /// A probe (`?slide=false`, bff-checklist 42).
    Silent,
    /// To sign out, which the suspended may do as well.
    Leaves,
}

impl App {
    /// The session of a request; `None` if it has none that lives.
    ///
    /// # Errors
    /// [`ApiError`] if the store is away, or the session must not be used by this client.
    pub async fn session(
        self: &Arc<Self>,
        headers: &HeaderMap,
        caller: &Caller,
        purpose: Use,
    ) -> Result<Option<ActiveSession>, ApiError> {
        let lines = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes);
        let id = match cookie::find(lines, caller.tenant.cookies.name()) {
            SessionCookie::One(id) => id,
            SessionCookie::Missing | SessionCookie::Malformed => return Ok(None),
            SessionCookie::Several => {
                let both = caller.tenant.cookies.clear_session(caller);
                return Err(ApiError::CookieTossing(both));
            }
        };
        let Some(mut session) = self.session_by_id(id).await? else { return Ok(None) };
        // Before anything is done about it: what happens at one tenant's host ends nothing of another's.
        if session.edge.tenant_id() != caller.tenant.id.as_bytes() {
            audit::tenant_mismatch(caller, &session.key, &tenant_of(&session));
            return Err(ApiError::OtherTenant);
        }
        session.is_elsewhere = self.is_elsewhere(&session, caller, purpose).await?;
        if purpose != Use::Leaves && is_suspended(&session) {
            return Err(ApiError::Suspended);
        }
        if purpose == Use::Slides {
            self.slide(&session);
            session.edge = session.edge.after_use(self.now());
        }
        Ok(Some(session))
    }

    /// The session of this id, if it is authentic and lives.
    pub(crate) async fn session_by_id(
        &self,
        id: SessionId,
    ) -> Result<Option<ActiveSession>, StoreError> {
        let key = id.store_key();
        let Some(stored) = self.store.load(&key).await? else { return Ok(None) };
        let authentic = match self.config.clients.edge_keys.open(&key, stored.edge.clone()) {
            Ok(authentic) => authentic,
            Err(error) => {
                tracing::warn!(
                    session = key.short(),
                    reason = error.reason(),
                    "session not believed"
                );
                return Ok(None);
            }
        };
        // The version stands in clear beside the parts; the MAC'ed one must agree with it.
        if authentic.token_version() != stored.version {
            tracing::warn!(
                session = key.short(),
                reason = "version_mismatch",
                "session not believed"
            );
            return Ok(None);
        }
        let edge = authentic.alive(self.now()).ok();
        Ok(edge.map(|edge| ActiveSession { id, key, edge, stored, is_elsewhere: false }))
    }

    /// Whether another client than its own shows the session, where that may be.
    async fn is_elsewhere(
        self: &Arc<Self>,
        session: &ActiveSession,
        caller: &Caller,
        purpose: Use,
    ) -> Result<bool, ApiError> {
        let (policy, bound) = (&self.config.clients.binding, session.edge.bindings());
        let (user_agent, ip) = (caller.user_agent.as_bytes(), caller.ip);
        let marks = self.marks.of(session.edge.binder());
        let mismatch = policy.judge(bound, &marks, user_agent, ip);
        for (signal, grade) in mismatch.signals() {
            metrics::binding_failed(signal, grade.as_str());
            audit::binding_mismatch(caller, &session.key, signal, grade.as_str());
        }
        match mismatch.gravest() {
            None | Some(Grade::Off | Grade::Audit) => Ok(false),
            // Who leaves needs no session that is bound anew, and must not be kept from it.
            Some(Grade::Reauth) if purpose == Use::Leaves => Ok(true),
            Some(Grade::Reauth) => Err(ApiError::Binding),
            Some(Grade::Deny) => {
                let (app, session) = (Arc::clone(self), session.clone());
                let caller = caller.clone();
                // Whoever shows it may hang up.
                let ended = self.shutdown.see_through(async move {
                    let cause = Cause::rule("binding").asked_by(&caller);
                    if let Some(ended) = app.end(&session, cause).await? {
                        app.revoke_tokens_of(&ended);
                    }
                    Ok::<_, StoreError>(())
                });
                ended.await.ok_or(ApiError::Internal("end_died"))??;
                Err(ApiError::Binding)
            }
        }
    }

    /// Moves the idle deadline, off the response path, at most once a minute.
    fn slide(&self, session: &ActiveSession) {
        let now = self.now();
        if !session.edge.due_to_slide(now) {
            return;
        }
        let old = session.stored.edge.clone();
        let edge = &session.edge;
        let Ok(new) = edge.slid(&session.key, now) else { return };
        let idle_until = now.saturating_add(u64::from(edge.idle_ttl())).min(edge.expires_at());
        let keep = Duration::from_secs(idle_until.saturating_sub(now)) + SLACK;
        let (store, key) = (self.store.clone(), session.key);
        self.shutdown.spawn(async move {
            if let Err(error) = store.slide(&key, &old, new, keep).await {
                tracing::debug!(reason = error.reason(), "session not slid");
            }
        });
    }

    /// The tokens of a session.
    ///
    /// # Errors
    /// [`ApiError::Unauthenticated`] if they cannot be opened: keys are gone, or somebody changed
    /// them. The session is of no use then.
    pub fn tokens(&self, session: &ActiveSession) -> Result<TokenPart, ApiError> {
        let tenant = tenant_of(session);
        let version = session.stored.version;
        self.config
            .session_keys
            .open_tokens(&session.id, &tenant, version, &session.stored.tokens)
            .map_err(Into::into)
    }

    /// The management part of a session.
    ///
    /// # Errors
    /// [`SealError`] as for [`App::tokens`], or if it is of another tenant than the rest.
    pub(crate) fn management(&self, session: &ActiveSession) -> Result<Management, SealError> {
        let keys = &self.config.session_keys;
        let management = keys.open_management(&session.key, &session.stored.management)?;
        if management.tenant.as_bytes() == session.edge.tenant_id() {
            Ok(management)
        } else {
            Err(SealError::Malformed)
        }
    }
}

/// The tenant a session belongs to, as sealed parts name it.
pub(crate) fn tenant_of(session: &ActiveSession) -> String {
    String::from_utf8_lossy(session.edge.tenant_id()).into_owned()
}

/// The lists that a session stands in.
pub(crate) fn indexes(management: &Management) -> Vec<IndexKey> {
    let Management { tenant, issuer, subject, user_id, idp_session, .. } = management;
    let user = IndexKey::user(tenant, issuer, user_id);
    let idp = idp_session.as_ref().map(|sid| IndexKey::idp_session(tenant, issuer, sid));
    // The user's list serves back-channel logout as well, where it is the subject's too.
    let subject = (user_id != subject).then(|| IndexKey::subject(tenant, issuer, subject));
    std::iter::once(user).chain(idp).chain(subject).collect()
}

/// How long the store keeps a session whose idle deadline lies `seconds` ahead.
pub(crate) fn keep_for(seconds: u64) -> Duration {
    Duration::from_secs(seconds) + SLACK
}

fn is_suspended(session: &ActiveSession) -> bool {
    Standing::of(session.edge.master_flags()) != Standing::Good
}
