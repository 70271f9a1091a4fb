//! Owns: all that one route asks: its named policy and the keys of its own address together.

use std::sync::Arc;

use session::edge::EdgeFrame;

use super::{HandOn, MappedHeader, Policy, Requirements};
use crate::bearer::IssuerSet;
use crate::refusal::Refusal;

/// What a route asks. The default, which most routes have, asks for nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Demands {
    /// What the address names.
    pub(super) named: Option<Arc<Policy>>,
    /// What stands in the address itself.
    pub(super) own: Option<Box<Requirements>>,
}

/// What a login must bring that is asked for because the session's own does not do (RFC 9470).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct StepUp {
    /// One of these authentication context classes, the most wanted first.
    pub(crate) acr: Vec<String>,
    /// Most seconds since the user authenticated.
    pub(crate) max_age: Option<u64>,
}

impl Demands {
    /// Whether a session fulfils them at `now`.
    ///
    /// # Errors
    /// What is missing. A lack that no login can cure comes before one that it can.
    pub(crate) fn check(&self, edge: &EdgeFrame, now: u64) -> Result<(), Refusal> {
        let parts = || self.parts();
        parts().try_for_each(|part| part.check_rights(edge))?;
        parts().try_for_each(|part| part.check_login(edge, now))
    }

    /// What is handed on; `default` where no policy says so.
    pub(crate) fn hand_on(&self, default: HandOn) -> HandOn {
        self.named.as_ref().map_or(default, |policy| policy.hand_on)
    }

    /// Whom a context token is for, where the policy says so.
    pub(crate) fn audience(&self) -> Option<&Arc<str>> {
        self.named.as_ref()?.audience.as_ref()
    }

    /// Whose bearer tokens are taken beside the cookie; `None` where none are.
    pub(crate) fn bearer(&self) -> Option<&IssuerSet> {
        self.named.as_ref()?.bearer.as_ref()
    }

    /// The headers that claims are told in.
    pub(crate) fn headers(&self) -> &[MappedHeader] {
        self.named.as_ref().map(|policy| policy.headers.as_slice()).unwrap_or_default()
    }

    /// What a login must bring so that all parts are content.
    pub(crate) fn step_up(&self) -> StepUp {
        StepUp {
            acr: self.acr().unwrap_or_default().into_iter().cloned().collect(),
            max_age: self.parts().filter_map(|part| part.max_age).min(),
        }
    }

    /// The scopes that are asked for, whether all or some of them.
    pub(crate) fn scopes(&self) -> Vec<&str> {
        let lists = self.parts().flat_map(|part| [&part.scopes, &part.any_scope]);
        lists.flatten().map(String::as_str).collect()
    }

    /// All that is asked, each part by itself.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &Requirements> {
        let named = self.named.as_ref().map(|policy| &policy.requirements);
        named.into_iter().chain(self.own.as_deref())
    }

    /// The key by which the parts ask for what no session can be, if there is one.
    pub(super) fn contradiction(&self) -> Option<&'static str> {
        let mut tenants = self.parts().filter_map(|part| part.tenant.as_ref());
        let first = tenants.next();
        if tenants.any(|tenant| Some(tenant) != first) {
            return Some("tenant");
        }
        self.acr().is_some_and(|acr| acr.is_empty()).then_some("acr")
    }

    /// The classes that every part takes; `None` where no part asks for one.
    fn acr(&self) -> Option<Vec<&String>> {
        let mut asked = self.parts().map(|part| &part.acr).filter(|acr| !acr.is_empty());
        let first = asked.next()?.iter().collect();
        Some(asked.fold(first, |mut common: Vec<&String>, acr| {
            common.retain(|class| acr.contains(class));
            common
        }))
    }
}
