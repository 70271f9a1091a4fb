//! Owns: what is logged of requests: the audit events, and what an operator must know to put things
//! right. Never a cookie, never a header's value; sessions by a shortened hash.

use std::time::Instant;

use http::HeaderMap;
use session::binding::Grade;
use session::id::StoreKey;
use session::store::StoreError;
use shell::request_id::RequestId;
use shell::sampled::Sampled;

use super::cause::Cause;
use crate::policy::PolicyError;
use crate::refusal::Refusal;
use crate::request::{BadForwarded, Peer};
use crate::{ending, metrics, traces};

/// Every refusal, for who follows one request.
pub(super) fn refused(peer: Peer, headers: &HeaderMap, request_id: &RequestId, refusal: Refusal) {
    tracing::debug!(
        %request_id,
        trace_id = traces::trace_of(peer, headers).map(tracing::field::display),
        reason = refusal.reason(),
        "refused"
    );
}

/// The lines that any client can bring about, each kind sampled by itself. `unwritten` tells how many
/// of the kind were left out before.
#[derive(Debug, Default)]
pub(super) struct Log {
    cross_site: Sampled,
    foreign: Sampled,
    binding: Sampled,
    suspicious: Sampled,
    policy: Sampled,
    forwarded: Sampled,
    bearer: Sampled,
}

impl Log {
    pub(super) fn cross_site(&self, now: Instant, key: &StoreKey, cause: impl FnOnce() -> Cause) {
        self.cross_site.line(now, |unwritten| {
            let cause = cause();
            tracing::info!(
                target: "audit",
                event = "csrf.rejected",
                request_id = %cause.request_id,
                trace_id = cause.trace_id.map(tracing::field::display),
                session = key.short(),
                unwritten
            );
        });
    }

    /// A session at the host of another tenant than its own.
    pub(super) fn foreign_session(
        &self,
        now: Instant,
        key: &StoreKey,
        asked: &str,
        cause: impl FnOnce() -> Cause,
    ) {
        self.foreign.line(now, |unwritten| {
            let cause = cause();
            tracing::warn!(
                target: "audit",
                event = "tenant.mismatch",
                request_id = %cause.request_id,
                trace_id = cause.trace_id.map(tracing::field::display),
                session = key.short(),
                asked,
                unwritten
            );
        });
    }

    pub(super) fn binding_mismatch(
        &self,
        now: Instant,
        key: &StoreKey,
        signal: &'static str,
        grade: Grade,
        cause: impl FnOnce() -> Cause,
    ) {
        metrics::binding_failed(signal, grade);
        self.binding.line(now, |unwritten| {
            let cause = cause();
            tracing::info!(
                target: "audit",
                event = "binding.mismatch",
                request_id = %cause.request_id,
                trace_id = cause.trace_id.map(tracing::field::display),
                session = key.short(),
                signal,
                action = grade.as_str(),
                unwritten
            );
        });
    }

    /// An edge view that the store holds and that we do not believe: a changed key ring, another
    /// version, or somebody who writes to the store.
    pub(super) fn if_suspicious(
        &self,
        now: Instant,
        key: &StoreKey,
        refusal: Refusal,
        cause: impl FnOnce() -> Cause,
    ) {
        let suspicious = matches!(
            refusal,
            Refusal::EdgeVersion
                | Refusal::EdgeUnknownKey
                | Refusal::EdgeForged
                | Refusal::EdgeMalformed
                | Refusal::FlagsUnreadable
                | Refusal::StoreRefused
        );
        if suspicious {
            self.suspicious.line(now, |unwritten| {
                let cause = cause();
                tracing::warn!(
                    request_id = %cause.request_id,
                    trace_id = cause.trace_id.map(tracing::field::display),
                    session = key.short(),
                    reason = refusal.reason(),
                    unwritten,
                    "session not believed"
                );
            });
        }
    }

    /// Keys that cannot be had are the operator's to see to; a token that is refused is its sender's.
    pub(super) fn bearer_refused(
        &self,
        now: Instant,
        refusal: Refusal,
        reason: &'static str,
        cause: &Cause,
    ) {
        self.bearer.line(now, |unwritten| {
            if refusal == Refusal::BearerKeys {
                tracing::warn!(reason, unwritten, "the keys of a token's issuer cannot be had");
            } else {
                tracing::info!(
                    target: "audit",
                    event = "bearer.rejected",
                    request_id = %cause.request_id,
                    trace_id = cause.trace_id.map(tracing::field::display),
                    reason,
                    unwritten
                );
            }
        });
    }

    pub(super) fn bad_policy(&self, now: Instant, error: PolicyError) {
        self.policy.line(now, |unwritten| {
            tracing::error!(
                %error,
                unwritten,
                "the query of the middleware's address cannot be applied; every request of it is refused"
            );
        });
    }

    pub(super) fn bad_forwarded(&self, now: Instant, peer: Peer, bad: &BadForwarded) {
        self.forwarded.line(now, |unwritten| {
            tracing::warn!(
                proxy = %peer.address.ip(),
                header = %bad.0,
                unwritten,
                "a trusted proxy sent a forwarding header twice or malformed"
            );
        });
    }
}

pub(super) fn session_ended(key: &StoreKey, ended: &Result<bool, StoreError>, cause: &Cause) {
    match ended {
        Ok(true) => {
            metrics::session_ended();
            tracing::info!(
                target: "audit",
                event = "session.revoked",
                request_id = %cause.request_id,
                trace_id = cause.trace_id.map(tracing::field::display),
                session = key.short(),
                reason = ending::REASON
            );
        }
        Ok(false) => {}
        Err(error) => {
            tracing::warn!(session = key.short(), reason = error.reason(), "session not ended yet");
        }
    }
}

pub(super) fn ignored_proxy(peer: Peer) {
    tracing::warn!(
        peer = %peer.address.ip(),
        "X-Forwarded-* of this peer are ignored: it is not in BFF_TRUSTED_PROXIES"
    );
}
