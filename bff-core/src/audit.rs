//! Owns: audit events: what happened to whom, with stable names, in their own log target.
//!
//! Sessions appear by a shortened key, users by their id; no token, cookie, code or full key does.

use session::id::StoreKey;

use crate::caller::Caller;

/// What the events are logged under.
pub const TARGET: &str = "audit";

/// A session began.
pub fn session_created(caller: &Caller, key: &StoreKey, issuer: &str, user_id: &str) {
    tracing::info!(
        target: TARGET, event = "session.created", request_id = %caller.request_id,
        session = key.short(), issuer, user_id, ip = caller.ip.map(tracing::field::display)
    );
}

/// A session got new tokens.
pub fn session_refreshed(key: &StoreKey) {
    tracing::info!(target: TARGET, event = "session.refreshed", session = key.short());
}

/// New tokens came, but the store would not take them: the session will end at its next refresh.
pub fn refresh_lost(key: &StoreKey) {
    tracing::warn!(target: TARGET, event = "session.refresh_lost", session = key.short());
}

/// A session ended: `logout`, `binding`, `refresh_invalid_grant`, `replaced`.
pub fn session_revoked(key: &StoreKey, reason: &'static str) {
    tracing::info!(target: TARGET, event = "session.revoked", session = key.short(), reason);
}

/// A login that led to no session.
pub fn login_failed(caller: &Caller, reason: &'static str) {
    tracing::info!(
        target: TARGET, event = "login.failed", request_id = %caller.request_id, reason,
        ip = caller.ip.map(tracing::field::display)
    );
}

/// A request from another client than the session's.
pub fn binding_mismatch(
    caller: &Caller,
    key: &StoreKey,
    signal: &'static str,
    action: &'static str,
) {
    tracing::info!(
        target: TARGET, event = "binding.mismatch", request_id = %caller.request_id,
        session = key.short(), signal, action, ip = caller.ip.map(tracing::field::display)
    );
}

/// A request refused as cross-site.
pub fn csrf_rejected(caller: &Caller, reason: &'static str) {
    tracing::info!(
        target: TARGET, event = "csrf.rejected", request_id = %caller.request_id, reason,
        ip = caller.ip.map(tracing::field::display)
    );
}

/// An issuer logged somebody out: `done`, or `repeated` for a token that was carried out before.
pub fn backchannel_logout(caller: &Caller, issuer: &str, ended: usize, outcome: &'static str) {
    tracing::info!(
        target: TARGET, event = "logout.backchannel", request_id = %caller.request_id, issuer,
        ended, outcome, ip = caller.ip.map(tracing::field::display)
    );
}

/// The IdP was not told that a token is no longer wanted, tried twice: it lives there until it expires.
pub fn revocation_failed(issuer: &str, token: &'static str, reason: &'static str) {
    tracing::warn!(target: TARGET, event = "token.revocation_failed", issuer, token, reason);
}
