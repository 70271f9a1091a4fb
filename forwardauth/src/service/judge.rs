//! Owns: whether a request may pass by what the store said of its session, and what follows from that for
//! the session itself.

use std::time::{Duration, Instant};

use session::binding::{Grade, Mismatch};
use session::edge::{AuthenticEdge, LiveEdge};
use session::id::StoreKey;

use super::ask::Asked;
use super::cause::Cause;
use super::{State, record};
use crate::bff::TokenState;
use crate::decide::{Client, Question, decide};
use crate::ending;
use crate::identity::Identity;
use crate::policy::HandOn;
use crate::refusal::Refusal;
use crate::request::Peer;
use crate::slide;

/// A request that may pass.
pub(super) struct Passed {
    pub(super) identity: Identity,
    pub(super) token: TokenState,
    pub(super) hand_on: HandOn,
}

pub(super) type Judged = Result<Passed, Refusal>;

impl State {
    pub(super) fn judge(
        &self,
        peer: Peer,
        asked: &Asked<'_>,
        started: Instant,
        found: Result<AuthenticEdge, Refusal>,
    ) -> Judged {
        let now = self.clock.unix_seconds();
        let judged = match found.and_then(|edge| Ok(edge.alive(now)?)) {
            Ok(edge) => self.weigh(peer, asked, started, now, &edge),
            Err(refusal) => Err(refusal),
        };
        if let Err(refusal) = &judged {
            self.note_refusal(peer, asked, started, *refusal);
        }
        judged
    }

    #[cold]
    #[inline(never)]
    fn note_refusal(&self, peer: Peer, asked: &Asked<'_>, started: Instant, refusal: Refusal) {
        let Asked { key, context, .. } = asked;
        let cause = || self.cause(peer, context);
        if refusal == Refusal::ForeignSession {
            self.log.foreign_session(started, key, &context.tenant.id, cause);
        }
        self.log.if_suspicious(started, key, refusal, cause);
    }

    fn weigh(
        &self,
        peer: Peer,
        asked: &Asked<'_>,
        started: Instant,
        now: u64,
        edge: &LiveEdge,
    ) -> Judged {
        let Asked { key, user_agent, context } = asked;
        let ip = self.clients.address(peer, context.forwarded_for, context.headers);
        let question = Question {
            marks: &self.marks,
            key,
            tenant: &context.tenant.id,
            now,
            client: Client { user_agent, ip },
            policy: self.config.clients.binding,
            demands: &context.demands,
        };
        let verdict = decide(&question, edge);
        if let Some(gravest) = verdict.binding.gravest() {
            self.note_mismatch(peer, asked, started, verdict.binding);
            if gravest == Grade::Deny {
                self.end(*key, edge, now, self.cause(peer, context));
            }
        }
        let admitted = verdict.decision?;
        let identity = Identity::of(admitted, context.demands.headers(), &self.scratch)?;
        let Self { background, store, config, .. } = self;
        slide::if_due(background, store, key, edge, now);
        let hand_on = context.demands.hand_on(config.hand_on);
        let identity = match hand_on {
            HandOn::Nothing | HandOn::AccessToken => identity,
            HandOn::ContextToken => self.with_context(identity, admitted, context, now)?,
        };
        Ok(Passed { identity, token: TokenState::of(edge), hand_on })
    }

    #[cold]
    #[inline(never)]
    fn note_mismatch(&self, peer: Peer, asked: &Asked<'_>, started: Instant, mismatch: Mismatch) {
        let Asked { key, context, .. } = asked;
        for (signal, grade) in mismatch.signals() {
            let cause = || self.cause(peer, context);
            self.log.binding_mismatch(started, key, signal, grade, cause);
        }
    }

    /// Ends a session off the response path. Where that fails, the next request tries again: until
    /// then the session is refused just the same.
    #[cold]
    fn end(&self, key: StoreKey, edge: &LiveEdge, now: u64, cause: Cause) {
        let store = self.store.clone();
        let rest = Duration::from_secs(edge.expires_at().saturating_sub(now));
        let listed_for = self.config.durable_sessions.then_some(rest);
        self.background.run("end", async move {
            let ended = ending::end(&store, &key, listed_for).await;
            record::session_ended(&key, &ended, &cause);
        });
    }
}
