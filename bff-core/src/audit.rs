//! Owns: audit events: what happened to whom, with stable names, in their own log target.
//!
//! Sessions appear by a shortened key, users by their id; no token, cookie, code or full key does.

mod chain;
mod command;
mod event;
mod file;
mod log;
mod record;
mod verify;

use session::id::StoreKey;
use session::record::Management;

use crate::caller::{Caller, Requester};
use crate::sessions::{Cause, Flags, User};
use crate::step_up::StepUp;

pub use command::{key, verify};
pub use event::Event;
pub use log::{AuditLog, ChainSettings};
pub use verify::{Anchor, Fault, Verdict};

/// What the events are logged under.
pub const TARGET: &str = "audit";

/// The `actor` of what somebody brings about who is not known, or not believed.
pub(crate) const CLIENT: &str = "client";
/// That of what a user does.
const USER: &str = "user";
/// That of what an issuer does.
const IDP: &str = "idp";
/// That of what `bff` does by itself.
const RULE: &str = "rule";
/// That of what a service asks for.
const SERVICE: &str = "service";

/// A session began.
pub fn session_created(caller: &Requester, key: &StoreKey, session: &Management) {
    let Management { tenant, issuer, user_id, .. } = session;
    tracing::info!(
        target: TARGET, event = Event::SessionCreated.name(), actor = USER, request_id = %caller.request_id,
        session = key.short(), tenant = named(tenant), issuer, user_id, ip = caller.ip.map(tracing::field::display)
    );
}

/// A session got new tokens.
pub fn session_refreshed(key: &StoreKey) {
    tracing::info!(target: TARGET, event = Event::SessionRefreshed.name(), actor = RULE, session = key.short());
}

/// A refresh token was spent, and the session has not got its successor: `not_stored` (it came, and the
/// store would not take it), `outcome_unknown` (the session ended by that), `not_forgiven` (it was sent
/// again, and the session ended by that).
pub fn refresh_lost(key: &StoreKey, cause: &'static str) {
    tracing::warn!(target: TARGET, event = Event::RefreshLost.name(), actor = RULE, session = key.short(), cause);
}

/// A session ended.
pub fn session_revoked(key: &StoreKey, cause: Cause<'_>) {
    tracing::info!(
        target: TARGET, event = Event::SessionRevoked.name(), session = key.short(), reason = cause.reason,
        actor = %cause.actor, request_id = cause.request.map(tracing::field::display)
    );
}

/// A login that led to no session.
pub fn login_failed(caller: &Caller, reason: &'static str) {
    tracing::info!(
        target: TARGET, event = Event::LoginFailed.name(), actor = CLIENT, request_id = %caller.request_id,
        tenant = named(&caller.tenant.id), reason,
        ip = caller.ip.map(tracing::field::display)
    );
}

/// A request from another client than the session's.
pub fn binding_mismatch(
    caller: &Requester,
    key: &StoreKey,
    signal: &'static str,
    action: &'static str,
) {
    tracing::info!(
        target: TARGET, event = Event::BindingMismatch.name(), actor = CLIENT, request_id = %caller.request_id,
        session = key.short(), signal, action, ip = caller.ip.map(tracing::field::display)
    );
}

/// A session at the host of another tenant than its own, where it is of no use. It goes on at its own.
pub fn tenant_mismatch(caller: &Caller, key: &StoreKey, tenant: &str) {
    tracing::warn!(
        target: TARGET, event = Event::TenantMismatch.name(), actor = CLIENT, request_id = %caller.request_id,
        session = key.short(), tenant, asked = caller.tenant.id,
        ip = caller.ip.map(tracing::field::display)
    );
}

/// A tenant, if there are tenants.
fn named(tenant: &str) -> Option<&str> {
    Some(tenant).filter(|tenant| !tenant.is_empty())
}

/// A request that was not forwarded, because a value that its route injects is not known of its user.
pub fn context_missing(caller: &Caller, key: Option<&StoreKey>, route: &str, value: &str) {
    tracing::info!(
        target: TARGET, event = Event::ContextMissing.name(), actor = RULE, request_id = %caller.request_id,
        session = key.map(StoreKey::short), route, value, ip = caller.ip.map(tracing::field::display)
    );
}

/// A service asks for a fresher or stronger login.
pub fn step_up_required(caller: &Caller, key: &StoreKey, service: &str, asked: &StepUp) {
    tracing::info!(
        target: TARGET, event = Event::StepUpRequired.name(), actor = SERVICE, request_id = %caller.request_id,
        session = key.short(), tenant = named(&caller.tenant.id), service,
        acr_values = asked.acr_values, max_age = asked.max_age,
        ip = caller.ip.map(tracing::field::display)
    );
}

/// A request refused as cross-site.
pub fn csrf_rejected(caller: &Requester, reason: &'static str) {
    tracing::info!(
        target: TARGET, event = Event::CsrfRejected.name(), actor = CLIENT, request_id = %caller.request_id, reason,
        ip = caller.ip.map(tracing::field::display)
    );
}

/// Requests too many. A flood of them writes few lines; `unwritten` tells how many were left out before.
pub fn rate_limited(caller: &Requester, rule: &str, unwritten: u64) {
    tracing::info!(
        target: TARGET, event = Event::RateLimited.name(), actor = CLIENT, request_id = %caller.request_id, rule, unwritten,
        ip = caller.ip.map(tracing::field::display)
    );
}

/// An issuer logged somebody out: `done`, or `repeated` for a token that was carried out before.
pub fn backchannel_logout(caller: &Requester, issuer: &str, ended: usize, outcome: &'static str) {
    tracing::info!(
        target: TARGET, event = Event::BackchannelLogout.name(), actor = IDP, request_id = %caller.request_id, issuer,
        ended, outcome, ip = caller.ip.map(tracing::field::display)
    );
}

/// The IdP was not told that a token is no longer wanted, tried twice: it lives there until it expires.
pub fn revocation_failed(issuer: &str, token: &'static str, reason: &'static str) {
    tracing::warn!(target: TARGET, event = Event::RevocationFailed.name(), actor = RULE, issuer, token, reason);
}

/// What an administrator did, or somebody tried who is none.
#[derive(Debug, Clone, Copy)]
pub struct AdminAction<'a> {
    /// One of `admin.*`.
    pub event: Event,
    /// The administrator.
    pub actor: &'a str,
    /// The user concerned, with the next.
    pub user_id: Option<&'a str>,
    /// Who vouches for that user.
    pub issuer: Option<&'a str>,
    /// The user's tenant, if there are tenants.
    pub tenant: Option<&'a str>,
    /// The session concerned.
    pub session: Option<&'a StoreKey>,
    /// The `jti` of the token concerned.
    pub token: Option<&'a str>,
    /// What is held against the user now.
    pub flags: Option<Flags>,
    /// How many sessions were concerned.
    pub count: Option<usize>,
    /// Of what changes something: `done`, or `failed` where it may be in force in part.
    pub outcome: Option<&'static str>,
}

impl<'a> AdminAction<'a> {
    /// Something done by `actor`.
    pub(crate) const fn by(event: Event, actor: &'a str) -> Self {
        Self {
            event,
            actor,
            user_id: None,
            issuer: None,
            tenant: None,
            session: None,
            token: None,
            flags: None,
            count: None,
            outcome: None,
        }
    }

    /// A change that came out as `result` says.
    pub(crate) const fn ended<T, E>(self, result: &Result<T, E>) -> Self {
        let outcome = if result.is_ok() { "done" } else { "failed" };
        Self { outcome: Some(outcome), ..self }
    }

    /// Something done to a user.
    pub(crate) fn on_user(event: Event, actor: &'a str, user: &'a User) -> Self {
        Self {
            user_id: Some(&user.id),
            issuer: Some(&user.issuer),
            tenant: named(&user.tenant),
            ..Self::by(event, actor)
        }
    }
}

/// The admin API was used.
pub fn administered(caller: &Requester, action: &AdminAction<'_>) {
    tracing::info!(
        target: TARGET, event = action.event.name(), request_id = %caller.request_id,
        actor = action.actor,
        user_id = action.user_id, issuer = action.issuer, tenant = action.tenant,
        session = action.session.map(StoreKey::short), jti = action.token,
        suspended = action.flags.map(|flags| flags.suspended),
        banned = action.flags.map(|flags| flags.banned),
        count = action.count, outcome = action.outcome, ip = caller.ip.map(tracing::field::display)
    );
}
