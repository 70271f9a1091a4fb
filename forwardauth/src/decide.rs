//! Owns: the decision about a session that lives, or a token that was checked. Pure and total: no clock, no
//! I/O, no way to a 2xx but [`decide`] and [`decide_token`] (class T8).

use std::net::IpAddr;

use session::binding::{BindingPolicy, Grade, MarkMemo, Mismatch};
use session::edge::LiveEdge;
use session::flags::Standing;
use session::id::StoreKey;
use validator_lib::Token;

use crate::policy::Demands;
use crate::refusal::Refusal;

/// What a decision is made from, besides what was found.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    /// What was made of clients seen lately.
    pub(crate) marks: &'a MarkMemo,
    pub(crate) key: &'a StoreKey,
    /// Whose host was asked.
    pub(crate) tenant: &'a str,
    /// Seconds since the epoch, by our clock.
    pub(crate) now: u64,
    pub(crate) client: Client<'a>,
    pub(crate) policy: BindingPolicy,
    pub(crate) demands: &'a Demands,
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
pub(crate) struct Verdict<'a> {
    pub(crate) decision: Result<Admitted<'a>, Refusal>,
    /// Differences to the client that the session was made for, also where they do not decide.
    pub(crate) binding: Mismatch,
}

/// Proof that a request may pass.
///
/// Made here alone, from a [`LiveEdge`], which in turn only a good MAC and our clock give.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Admitted<'a> {
    key: &'a StoreKey,
    edge: &'a LiveEdge,
}

impl<'a> Admitted<'a> {
    /// The session.
    pub(crate) const fn edge(self) -> &'a LiveEdge {
        self.edge
    }

    /// What it is stored under.
    pub(crate) const fn key(self) -> &'a StoreKey {
        self.key
    }
}

/// Proof that a request may pass by the bearer token it brought.
///
/// Made here alone, from a [`Token`], which in turn only a validator gives.
#[derive(Debug)]
pub(crate) struct AdmittedToken(Token);

impl AdmittedToken {
    /// The token.
    pub(crate) const fn token(&self) -> &Token {
        &self.0
    }
}

/// Decides about a bearer token that is good, at `now`, for the `tenant` whose host was asked.
///
/// # Errors
/// What its route asks for besides.
pub(crate) fn decide_token(
    token: Token,
    tenant: &str,
    demands: &Demands,
    now: u64,
) -> Result<AdmittedToken, Refusal> {
    // Nobody says which tenant a token is of.
    if !tenant.is_empty() {
        return Err(Refusal::OtherTenant);
    }
    demands.check_token(&token, now)?;
    Ok(AdmittedToken(token))
}

/// Decides about the session that was found under the question's key.
pub(crate) fn decide<'a>(question: &Question<'a>, edge: &'a LiveEdge) -> Verdict<'a> {
    // Before the client is compared, for that may end a session: nothing of another tenant's ends here.
    if edge.tenant_id() != question.tenant.as_bytes() {
        let decision = Err(Refusal::ForeignSession);
        return Verdict { decision, binding: Mismatch::default() };
    }
    let Client { user_agent, ip } = question.client;
    let bound = edge.bindings();
    let marks = question.marks.of(edge.binder());
    let binding = question.policy.judge(bound, &marks, user_agent, ip);
    Verdict { decision: admit(question, edge, binding), binding }
}

fn admit<'a>(
    question: &Question<'a>,
    edge: &'a LiveEdge,
    binding: Mismatch,
) -> Result<Admitted<'a>, Refusal> {
    check_binding(binding)?;
    check_standing(Standing::of(edge.master_flags()))?;
    question.demands.check(edge, question.now)?;
    Ok(Admitted { key: question.key, edge })
}

fn check_binding(mismatch: Mismatch) -> Result<(), Refusal> {
    match mismatch.gravest() {
        None | Some(Grade::Off | Grade::Audit) => Ok(()),
        gravest if gravest == mismatch.user_agent => Err(Refusal::BindingUserAgent),
        Some(Grade::Reauth | Grade::Deny) => Err(Refusal::BindingIp),
    }
}

/// What administrators hold against a user.
pub(crate) const fn check_standing(standing: Standing) -> Result<(), Refusal> {
    match standing {
        Standing::Good => Ok(()),
        Standing::Suspended => Err(Refusal::Suspended),
        Standing::Banned => Err(Refusal::Banned),
        Standing::Unreadable => Err(Refusal::FlagsUnreadable),
    }
}

#[cfg(test)]
mod tests;
