//! Owns: what the query of an address asks, read by the crate `url`, and whether the session has it.

use http::request::Parts;
use url::form_urlencoded;

use crate::scene::NOW;

fn values(asked: &Parts, key: &str) -> Vec<String> {
    let query = asked.uri.query().unwrap_or_default();
    let pairs = form_urlencoded::parse(query.as_bytes());
    pairs.filter(|(name, _)| name == key).map(|(_, value)| value.into_owned()).collect()
}

/// The policy that the query names.
pub(super) fn name(asked: &Parts) -> Option<String> {
    values(asked, "policy").into_iter().next()
}

/// What the session lacks that the query asks for.
pub(super) fn lacks(asked: &Parts) -> Option<&'static str> {
    let all = |key: &str, held: &[&str]| {
        let lists = values(asked, key);
        let mut entries = lists.iter().flat_map(|list| entries(list));
        entries.all(|entry| held.contains(&entry))
    };
    let any = |key: &str, held: &[&str]| {
        let lists = values(asked, key);
        lists.iter().all(|list| entries(list).any(|entry| held.contains(&entry)))
    };
    let (roles, scopes) = (["ADMIN", "AUDITOR"], ["openid", "orders:read"]);
    let old = |age: &String| age.parse::<u64>().map_or(true, |age| age < NOW - (NOW - 110));
    if !values(asked, "policy").iter().all(|name| ["plain", "admin", "mapped"].contains(&&**name)) {
        Some("a policy that nobody has or that the session does not meet")
    } else if !all("role", &roles) || !any("role_any", &roles) {
        Some("a role")
    } else if !all("scope", &scopes) || !any("scope_any", &scopes) {
        Some("a scope")
    } else if !values(asked, "tenant").is_empty() {
        Some("a tenant")
    } else if !any("acr", &["urn:pwd"]) {
        Some("a login that is strong")
    } else if values(asked, "max_age").iter().any(old) {
        Some("a login that is fresh")
    } else {
        None
    }
}

fn entries(list: &str) -> impl Iterator<Item = &str> {
    list.split([',', ' ']).filter(|entry| !entry.is_empty())
}
