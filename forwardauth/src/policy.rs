//! Owns: what a route asks of a session beyond being valid, as types. Pure functions of the edge view.
//!
//! A route has the policy that its middleware's address names (`forwardauth.yaml`), the keys that stand
//! in the address itself, or both, and then both count. What cannot be applied exactly is an error of
//! the operator's and never means "no policy" (class T9).

mod address;
mod build;
mod demands;
mod file;
mod headers;
mod query;
mod table;
mod token;

use std::sync::Arc;

use session::edge::{EdgeFrame, claims};
use session::header_text;

pub(crate) use self::address::{PolicyError, name};
pub(crate) use self::build::Given;
pub(crate) use self::demands::{Demands, StepUp};
pub(crate) use self::headers::{MappedHeader, Value};
pub(crate) use self::table::{Policies, PolicyTable};
pub(crate) use self::token::TokenClaims;

use crate::bearer::IssuerSet;
use crate::refusal::Refusal;

/// A policy of `forwardauth.yaml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Policy {
    /// What a session must show.
    pub(crate) requirements: Requirements,
    /// What the service is given besides the identity headers.
    pub(crate) hand_on: HandOn,
    /// Whom a context token is for (`aud`); by default whoever the setting names.
    pub(crate) audience: Option<Arc<str>>,
    /// Whose bearer tokens are taken beside the cookie.
    pub(crate) bearer: Option<IssuerSet>,
    /// The headers that its claims are told in.
    pub(crate) headers: Vec<MappedHeader>,
}

/// What a service is given in `Authorization`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandOn {
    /// Nothing (`none`).
    Nothing,
    /// The session's access token (`access`).
    AccessToken,
    /// A token of ours that says whose request it is (`context`).
    ContextToken,
}

/// What a session must show. The default asks for nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Requirements {
    /// All of these scopes.
    pub(crate) scopes: Vec<String>,
    /// One of these scopes.
    pub(crate) any_scope: Vec<String>,
    /// All of these roles, as they stand in the edge view.
    pub(crate) roles: Vec<String>,
    /// One of these roles, as they stand in the edge view.
    pub(crate) any_role: Vec<String>,
    /// All of these groups, as they stand in the edge view.
    pub(crate) groups: Vec<String>,
    /// One of these groups, as they stand in the edge view.
    pub(crate) any_group: Vec<String>,
    /// This tenant, by its id.
    pub(crate) tenant: Option<String>,
    /// The e-mail address is in one of these domains, in lower case, and verified.
    pub(crate) email_domains: Vec<String>,
    /// One of these authentication context classes.
    pub(crate) acr: Vec<String>,
    /// Most seconds since the user authenticated.
    pub(crate) max_age: Option<u64>,
}

impl Requirements {
    /// Whether a session may at all, whatever login it has.
    fn check_rights(&self, edge: &EdgeFrame) -> Result<(), Refusal> {
        let tenant_fits =
            self.tenant.as_ref().is_none_or(|tenant| tenant.as_bytes() == edge.tenant_id());
        if !tenant_fits {
            return Err(Refusal::OtherTenant);
        }
        if !holds(edge.scopes(), b' ', &self.scopes, &self.any_scope) {
            return Err(Refusal::MissingScope);
        }
        if !holds(edge.roles(), b',', &self.roles, &self.any_role) {
            return Err(Refusal::MissingRole);
        }
        if !holds(edge.groups(), b',', &self.groups, &self.any_group) {
            return Err(Refusal::MissingGroup);
        }
        let email = || verified_email(edge).unwrap_or_default();
        if !self.email_domains.is_empty() && !is_in_domains(email(), &self.email_domains) {
            return Err(Refusal::OtherEmailDomain);
        }
        Ok(())
    }

    /// Whether its login is strong and fresh enough at `now`.
    fn check_login(&self, edge: &EdgeFrame, now: u64) -> Result<(), Refusal> {
        let strong = self.acr.is_empty()
            || header_text::decode(edge.acr())
                .is_some_and(|acr| self.acr.iter().any(|one| **one == *acr));
        if !strong {
            return Err(Refusal::WeakLogin);
        }
        let fresh = self.max_age.is_none_or(|age| now.saturating_sub(edge.auth_time()) <= age);
        if fresh { Ok(()) } else { Err(Refusal::OldLogin) }
    }
}

/// The user's address, where the issuer says that it is the user's.
fn verified_email(edge: &EdgeFrame) -> Option<&[u8]> {
    edge.claim(claims::EMAIL_VERIFIED).filter(|verified| *verified == claims::YES.as_bytes())?;
    edge.claim(claims::EMAIL)
}

/// Whether an address is in one of `domains`. A subdomain is another domain. What has no name, or a
/// second `@`, is no address and in none: others may read `a@evil.test@example.com` the other way.
fn is_in_domains(email: &[u8], domains: &[String]) -> bool {
    let mut parts = email.split(|byte| *byte == b'@');
    let (Some(name), Some(domain), None) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    !name.is_empty() && domains.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(domain))
}

/// Whether `list` holds all of `all` and, unless that is empty, one of `any`.
fn holds(list: &[u8], separator: u8, all: &[String], any: &[String]) -> bool {
    let has = |wanted: &String| {
        list.split(|byte| *byte == separator).any(|entry| entry == wanted.as_bytes())
    };
    all.iter().all(has) && (any.is_empty() || any.iter().any(has))
}

#[cfg(test)]
mod schemas;
#[cfg(test)]
mod tests;
