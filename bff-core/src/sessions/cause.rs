//! Owns: why a session ends, and who ended it, as the audit log and the metrics say it.

use std::fmt;

use shell::request_id::RequestId;

use crate::caller::Requester;

/// Who ends a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor<'a> {
    /// Its user, in this browser or another.
    User,
    /// An administrator, by name.
    Admin(&'a str),
    /// The IdP.
    Idp,
    /// We, by a rule of ours.
    Rule,
}

impl fmt::Display for Actor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User => f.write_str("user"),
            Self::Admin(name) => write!(f, "admin:{name}"),
            Self::Idp => f.write_str("idp"),
            Self::Rule => f.write_str("rule"),
        }
    }
}

/// Why a session ends, and by whom: what the audit event says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cause<'a> {
    /// A stable code, which is also a metric's label.
    pub reason: &'static str,
    /// By whom.
    pub actor: Actor<'a>,
    /// The request that it came by; none where it came by itself.
    pub request: Option<&'a RequestId>,
}

impl<'a> Cause<'a> {
    /// Its user wants it.
    pub const fn user(reason: &'static str) -> Self {
        Self { reason, actor: Actor::User, request: None }
    }

    /// The administrator of this name wants it.
    pub const fn admin(name: &'a str) -> Self {
        Self { reason: "admin", actor: Actor::Admin(name), request: None }
    }

    /// The IdP told us.
    pub const fn idp(reason: &'static str) -> Self {
        Self { reason, actor: Actor::Idp, request: None }
    }

    /// The same, by a request of `caller`.
    #[must_use]
    pub const fn asked_by(self, caller: &'a Requester) -> Self {
        Self { request: Some(&caller.request_id), ..self }
    }

    /// A rule of ours wants it.
    pub const fn rule(reason: &'static str) -> Self {
        Self { reason, actor: Actor::Rule, request: None }
    }
}

impl From<&'static str> for Cause<'_> {
    fn from(reason: &'static str) -> Self {
        Self::rule(reason)
    }
}
