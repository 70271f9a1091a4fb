//! Owns: from `forwardauth.yaml` to policies, and everything that can be wrong on the way.
//!
//! An empty list is refused and not taken for "nothing is asked": whoever wrote it meant to ask.

use std::collections::BTreeMap;
use std::sync::Arc;

use session::header_text;
use shell::config::{Settings, parse};

use super::file::{AuthorizationFile, GroupsFile, NeedsFile, PoliciesFile, PolicyFile, Scalar};
use super::headers;
use super::query::is_token;
use super::{HandOn, MappedHeader, Policies, Policy, Requirements};
use crate::bearer::IssuerSet;
use crate::config::{BearerIssuers, NotAnIssuer};

/// Longest name of a policy.
const NAME_MAX: usize = 64;
/// Most entries of one list: each is compared on every request.
const LIST_MAX: usize = 64;
/// Longest audience.
const AUDIENCE_MAX: usize = 512;
/// Most headers of one policy.
const HEADERS_MAX: usize = 32;

/// What the rest of the configuration settled.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    /// What is handed on where a policy does not say.
    pub(crate) default: HandOn,
    /// Whether there is a BFF to ask for access tokens.
    pub(crate) access: bool,
    /// Whether there are keys for context tokens.
    pub(crate) context: bool,
    /// Whether context tokens have an audience where a policy names none.
    pub(crate) audience: bool,
    /// Whose bearer tokens policies may take.
    pub(crate) bearer: BearerIssuers,
}

/// The policies of `file`, noting all that is wrong in `settings`.
pub(super) fn policies(file: PoliciesFile, given: &Given, settings: &mut Settings) -> Policies {
    if file.policies.values().any(|policy| policy.bearer.is_some()) {
        for problem in given.bearer.load().problems() {
            settings.add(problem.clone());
        }
    }
    let numbered = file.policies.into_iter().enumerate();
    Policies::of(numbered.map(|(index, (name, policy))| {
        let named = is_name(&name);
        let shown = if named { name.clone() } else { format!("number {}", index + 1) };
        let mut entry = Entry { place: format!("forwardauth.yaml: policy {shown}"), settings };
        if !named {
            let hint = "Use 1 to 64 letters, digits, dots, hyphens and underscores.";
            entry.problem("name", "is not a name", hint);
        }
        let policy = entry.policy(policy, given);
        (name, policy)
    }))
}

/// It stands in addresses and in logs.
fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=NAME_MAX).contains(&text.len()) && text.bytes().all(plain)
}

/// One policy, and where its problems go.
struct Entry<'a> {
    place: String,
    settings: &'a mut Settings,
}

impl Entry<'_> {
    fn problem(&mut self, key: &str, problem: &str, hint: &str) {
        self.settings.problem(&format!("{}: {key}", self.place), problem, hint);
    }

    fn policy(&mut self, file: PolicyFile, given: &Given) -> Policy {
        let (scopes, any_scope) = self.needs("scopes", file.scopes, is_token, str::to_owned);
        let (roles, any_role) = self.needs("roles", file.roles, is_plain, encoded);
        let (groups, any_group) =
            self.needs("groups", file.groups.map(|GroupsFile(needs)| needs), is_plain, encoded);
        let email_domains =
            file.email_domains.map(|list| self.entries("email_domains", list, is_domain));
        let acr = file.acr.map(|acr| self.entries("acr", acr.list(), is_token));
        let requirements = Requirements {
            scopes,
            any_scope,
            roles,
            any_role,
            groups,
            any_group,
            email_domains: lower(email_domains.unwrap_or_default()),
            tenant: file.tenant.and_then(|tenant| self.tenant(tenant)),
            acr: acr.unwrap_or_default(),
            max_age: file.max_age.and_then(|age| self.max_age(&age)),
        };
        let hand_on = self.hand_on(file.authorization, given);
        let audience = self.audience(file.aud, hand_on, given);
        let bearer = file.bearer.map(|names| self.bearer(names, hand_on, given));
        let headers = self.headers(file.headers.unwrap_or_default());
        Policy { requirements, hand_on, audience, bearer, headers }
    }

    /// What is needed of one kind: all of the first, one of the second.
    fn needs(
        &mut self,
        key: &str,
        file: Option<NeedsFile>,
        fits: fn(&str) -> bool,
        written: fn(&str) -> String,
    ) -> (Vec<String>, Vec<String>) {
        let Some(NeedsFile { all, any, .. }) = file else { return (Vec::new(), Vec::new()) };
        if all.is_none() && any.is_none() {
            self.problem(key, "asks for nothing", "Give a list under any or all, or remove it.");
        }
        let mut list = |name: &str, entries: Option<Vec<String>>| {
            let entries =
                entries.map(|entries| self.entries(&format!("{key}.{name}"), entries, fits));
            entries.unwrap_or_default().iter().map(|entry| written(entry)).collect()
        };
        (list("all", all), list("any", any))
    }

    fn entries(&mut self, key: &str, list: Vec<String>, fits: fn(&str) -> bool) -> Vec<String> {
        if list.is_empty() {
            self.problem(key, "is an empty list", "List at least one entry, or remove the key.");
        }
        if list.len() > LIST_MAX {
            self.problem(key, "has more than 64 entries", "Give them one role or group in common.");
        }
        if !list.iter().all(|entry| fits(entry)) {
            let hint = "Entries are not empty; scopes and classes are visible ASCII without blanks, \
                        quotes and backslashes; domains are as DNS has them, without @ (xn-- for others).";
            self.problem(key, "holds an entry that no session can have", hint);
        }
        list
    }

    fn tenant(&mut self, tenant: String) -> Option<String> {
        if is_token(&tenant) {
            return Some(tenant);
        }
        self.problem("tenant", "is not a tenant's id", "Give the id, not the name of the tenant.");
        None
    }

    fn max_age(&mut self, age: &Scalar) -> Option<u64> {
        let seconds = match age {
            Scalar::Number(seconds) => Ok(*seconds),
            Scalar::Text(text) => parse::duration(text).map(|age| age.as_secs()),
        };
        let seconds =
            seconds.map_err(|problem| self.problem("max_age", &problem, "For example 5m."));
        let seconds = seconds.ok()?;
        if seconds == 0 {
            let hint = "Give at least 1s; a login that is always too old leads in circles.";
            self.problem("max_age", "is shorter than a second", hint);
        }
        Some(seconds)
    }

    fn audience(
        &mut self,
        asked: Option<String>,
        hand_on: HandOn,
        given: &Given,
    ) -> Option<Arc<str>> {
        let hint = "Name what the service checks as aud, such as https://orders.internal.";
        let context = hand_on == HandOn::ContextToken;
        match &asked {
            Some(_) if !context => {
                let hint = "Set authorization: context, or remove it.";
                self.problem("aud", "is for context tokens, which this policy has none of", hint);
            }
            Some(audience) if !is_audience(audience) => {
                self.problem("aud", "is not an audience", hint);
            }
            None if context && !given.audience => {
                let problem = "is not set, nor is FORWARDAUTH_CONTEXT_AUD, for a context token";
                self.problem("aud", problem, hint);
            }
            _ => {}
        }
        asked.map(Arc::from)
    }

    fn headers(&mut self, file: BTreeMap<String, String>) -> Vec<MappedHeader> {
        if file.len() > HEADERS_MAX {
            self.problem("headers", "has more than 32 entries", "Map what the service reads.");
        }
        let mut mapped: Vec<MappedHeader> = Vec::new();
        for (one, other) in file {
            let (name, claim) = headers::either_way(one, other);
            match headers::mapped(&name, &claim) {
                Err(wrong) => self.problem(&wrong.key, wrong.problem, wrong.hint),
                Ok(header) if mapped.iter().any(|known| known.name == header.name) => {
                    let problem = "is given twice in different spellings";
                    self.problem(&format!("headers.{name}"), problem, "Headers ignore case.");
                }
                Ok(header) => mapped.push(header),
            }
        }
        mapped
    }

    fn bearer(&mut self, names: Vec<String>, hand_on: HandOn, given: &Given) -> IssuerSet {
        if names.is_empty() {
            let hint = "Name entries of idps.yaml, or remove the key.";
            self.problem("bearer", "is an empty list", hint);
        }
        let issuers = given.bearer.load();
        for (index, name) in names.iter().enumerate() {
            let place = format!("bearer[{index}]");
            match issuers.check(name) {
                Ok(()) => {}
                Err(NotAnIssuer::Unknown) => {
                    let hint = "Name an entry that has an audience.";
                    self.problem(&place, "is no issuer of bearer tokens in idps.yaml", hint);
                }
                Err(NotAnIssuer::WithoutKeys) => {
                    let problem =
                        "is an entry without jwks_url, and verify asks nobody where keys are";
                    self.problem(&place, problem, "Set jwks_url there.");
                }
            }
        }
        if hand_on == HandOn::ContextToken {
            let problem = "takes tokens, and a context token tells of a session";
            self.problem("bearer", problem, "Set authorization: access, or none.");
        }
        names.into()
    }

    fn hand_on(&mut self, asked: Option<AuthorizationFile>, given: &Given) -> HandOn {
        match asked {
            None => given.default,
            Some(AuthorizationFile::None) => HandOn::Nothing,
            Some(AuthorizationFile::Context) => {
                if !given.context {
                    let problem = "asks for context tokens, and there are no keys to sign them";
                    let hint = "Set BFF_CONTEXT_KEYS and BFF_CONTEXT_ISSUER.";
                    self.problem("authorization", problem, hint);
                }
                HandOn::ContextToken
            }
            Some(AuthorizationFile::Access) => {
                if !given.access {
                    let problem = "asks for access tokens, and nobody is named who has them";
                    let hint = "Set FORWARDAUTH_BFF_URL and BFF_INTERNAL_TOKEN.";
                    self.problem("authorization", problem, hint);
                }
                HandOn::AccessToken
            }
        }
    }
}

/// What services compare with `aud`.
fn is_audience(text: &str) -> bool {
    (1..=AUDIENCE_MAX).contains(&text.len()) && !text.contains(char::is_control)
}

/// As names stand in DNS: an address may have another form, which is then in no domain of the list.
fn is_domain(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    text.split('.').all(|label| !label.is_empty() && label.bytes().all(plain))
}

fn lower(list: Vec<String>) -> Vec<String> {
    list.into_iter().map(|entry| entry.to_ascii_lowercase()).collect()
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && !text.contains(char::is_control)
}

/// As one entry of a list in the edge view.
fn encoded(text: &str) -> String {
    header_text::encode_list([text])
}

#[cfg(test)]
mod tests;
