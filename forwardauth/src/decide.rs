//! Owns: the decision about a session that the store was asked for. Pure and total: no clock, no
//! I/O, no way to a 2xx but [`decide`] (class T8).

use std::net::IpAddr;

use bytes::Bytes;
use session::binding::{BindingPolicy, Grade, Mismatch};
use session::edge::{EdgeKeys, LiveEdge};
use session::flags::Standing;
use session::id::StoreKey;
use session::store::StoreError;

use crate::identity::{self, Identity};
use crate::policy::Requirements;
use crate::refusal::Refusal;

/// What a decision is made from, besides what the store answered.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    pub(crate) keys: &'a EdgeKeys,
    pub(crate) key: &'a StoreKey,
    /// Seconds since the epoch, by our clock.
    pub(crate) now: u64,
    pub(crate) client: Client<'a>,
    pub(crate) policy: BindingPolicy,
    pub(crate) requirements: &'a Requirements,
}

/// The client as it looks now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Client<'a> {
    /// `User-Agent`; empty where there is none.
    pub(crate) user_agent: &'a [u8],
    /// `None` where nobody knows.
    pub(crate) ip: Option<IpAddr>,
}

/// A decision and what was found on the way.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) decision: Result<Admitted, Refusal>,
    /// Differences to the client that the session was made for, also where they do not decide.
    pub(crate) binding: Mismatch,
}

/// Proof that a request may pass.
///
/// Made here alone, from a [`LiveEdge`], which in turn only a good MAC and our clock give.
#[derive(Debug)]
pub(crate) struct Admitted {
    session: Session,
    identity: Identity,
}

/// A live session, and the bytes it was read from.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) raw: Bytes,
    pub(crate) edge: LiveEdge,
}

impl Admitted {
    /// The session.
    pub(crate) const fn session(&self) -> &Session {
        &self.session
    }

    /// The headers for the service.
    pub(crate) fn into_identity(self) -> Identity {
        self.identity
    }
}

/// Decides about the edge view that was `found` under the question's key.
pub(crate) fn decide(question: &Question<'_>, found: Result<Option<Bytes>, StoreError>) -> Verdict {
    let session = match authentic_and_alive(question, found) {
        Ok(session) => session,
        Err(refusal) => return Verdict { decision: Err(refusal), binding: Mismatch::default() },
    };
    let binding = question.policy.judge(
        &session.edge.view().bindings,
        session.edge.binder(),
        question.client.user_agent,
        question.client.ip,
    );
    Verdict { decision: admit(question, session, binding), binding }
}

fn authentic_and_alive(
    question: &Question<'_>,
    found: Result<Option<Bytes>, StoreError>,
) -> Result<Session, Refusal> {
    let raw = found?.ok_or(Refusal::SessionUnknown)?;
    let edge = question.keys.open(question.key, &raw)?.alive(question.now)?;
    Ok(Session { raw, edge })
}

fn admit(
    question: &Question<'_>,
    session: Session,
    binding: Mismatch,
) -> Result<Admitted, Refusal> {
    let view = session.edge.view();
    check_binding(binding)?;
    check_standing(&view.master_flags)?;
    question.requirements.check(view, question.now)?;
    let identity = identity::of(question.key, view).map_err(|_| Refusal::EdgeMalformed)?;
    Ok(Admitted { session, identity })
}

fn check_binding(mismatch: Mismatch) -> Result<(), Refusal> {
    match mismatch.gravest() {
        None | Some(Grade::Off | Grade::Audit) => Ok(()),
        gravest if gravest == mismatch.user_agent => Err(Refusal::BindingUserAgent),
        Some(Grade::Reauth | Grade::Deny) => Err(Refusal::BindingIp),
    }
}

fn check_standing(master_flags: &[u8]) -> Result<(), Refusal> {
    match Standing::of(master_flags) {
        Standing::Good => Ok(()),
        Standing::Suspended => Err(Refusal::Suspended),
        Standing::Banned => Err(Refusal::Banned),
        Standing::Unreadable => Err(Refusal::FlagsUnreadable),
    }
}

#[cfg(test)]
mod tests;
