//! Owns: what a route asks, of a bearer token: the same as of a session, read from its claims.

use serde_json::{Map, Value};
use session::edge::claims;
use session::header_text;
use validator_lib::Token;

use super::{Demands, Requirements, is_in_domains};
use crate::refusal::Refusal;

/// The claims of a token, read once.
#[derive(Debug)]
pub(crate) struct TokenClaims<'a> {
    pub(crate) token: &'a Token,
    all: Map<String, Value>,
}

impl<'a> TokenClaims<'a> {
    pub(crate) fn of(token: &'a Token) -> Self {
        Self { token, all: token.claims().unwrap_or_default() }
    }

    /// The user, by the claim `name`; `None` if the token does not say.
    pub(crate) fn user(&self, name: &str) -> Option<&str> {
        if name == "sub" {
            return Some(self.token.subject());
        }
        self.all.get(name)?.as_str().filter(|user| !user.is_empty())
    }

    /// Any claim, nested by dots.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.all.get(name).or_else(|| {
            let mut parts = name.split('.');
            let first = self.all.get(parts.next()?)?;
            parts.try_fold(first, |value, part| value.get(part))
        })
    }

    pub(super) fn groups(&self) -> Vec<&str> {
        let list = self.all.get("groups").and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// The address, be it verified or not.
    pub(super) fn email(&self) -> Option<&str> {
        self.all.get(claims::EMAIL)?.as_str()
    }

    /// The address, where the issuer says that it is the user's.
    pub(super) fn verified_email(&self) -> Option<&str> {
        let verified = self.all.get(claims::EMAIL_VERIFIED)?.as_bool()?;
        self.email().filter(|_| verified)
    }
}

impl Demands {
    /// Whether a token fulfils them at `now`.
    ///
    /// # Errors
    /// What is missing. A lack that no login can cure comes before one that it can.
    pub(crate) fn check_token(&self, token: &Token, now: u64) -> Result<(), Refusal> {
        let (claims, parts) = (TokenClaims::of(token), || self.parts());
        parts().try_for_each(|part| part.check_token_rights(&claims))?;
        parts().try_for_each(|part| part.check_token_login(token, now))
    }
}

impl Requirements {
    fn check_token_rights(&self, claims: &TokenClaims<'_>) -> Result<(), Refusal> {
        let token = claims.token;
        // All fields by name: what is added to them must not be forgotten here.
        let Self {
            scopes,
            any_scope,
            roles,
            any_role,
            groups,
            any_group,
            tenant,
            email_domains,
            acr: _,
            max_age: _,
        } = self;
        // Nobody says which tenant a token is of.
        if tenant.is_some() {
            return Err(Refusal::OtherTenant);
        }
        if !met(scopes, any_scope, |scope| token.has_scope(scope)) {
            return Err(Refusal::MissingScope);
        }
        if !met(roles, any_role, in_list(token.roles().iter().map(String::as_str))) {
            return Err(Refusal::MissingRole);
        }
        if !met(groups, any_group, in_list(claims.groups().into_iter())) {
            return Err(Refusal::MissingGroup);
        }
        let email = claims.verified_email().unwrap_or_default();
        if !email_domains.is_empty() && !is_in_domains(email.as_bytes(), email_domains) {
            return Err(Refusal::OtherEmailDomain);
        }
        Ok(())
    }

    fn check_token_login(&self, token: &Token, now: u64) -> Result<(), Refusal> {
        let strong = self.acr.is_empty()
            || token.acr().is_some_and(|acr| self.acr.iter().any(|wanted| wanted == acr));
        if !strong {
            return Err(Refusal::WeakLogin);
        }
        let fresh = self.max_age.is_none_or(|age| {
            token.authenticated_at().is_some_and(|at| now.saturating_sub(at) <= age)
        });
        if fresh { Ok(()) } else { Err(Refusal::OldLogin) }
    }
}

fn met(all: &[String], any: &[String], has: impl Fn(&String) -> bool) -> bool {
    all.iter().all(&has) && (any.is_empty() || any.iter().any(&has))
}

/// Requirements have their entries as the edge view writes them.
fn in_list<'a>(told: impl Iterator<Item = &'a str>) -> impl Fn(&String) -> bool {
    let written: Vec<String> = told.map(|entry| header_text::encode_list([entry])).collect();
    move |wanted| written.contains(wanted)
}
