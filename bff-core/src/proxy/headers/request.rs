//! Owns: what a service sees of the headers that a browser sent.
//!
//! Everything of the browser's that could be taken for ours is removed, in every spelling that a service
//! might read as the same name (classes T4, T5).

use http::{HeaderMap, HeaderName};

use super::remove_hop_by_hop;

/// Names that the browser may not send on, as [`canonical`] writes them.
const OURS: [&str; 31] = [
    "cookie",
    "authorization",
    "proxy-authorization",
    "proxy-authenticate",
    "dpop",
    "forwarded",
    "x-forwarded",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "x-host",
    "x-rewrite-url",
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
    "x-request-id",
    "x-user-id",
    "x-user",
    "x-user-name",
    "x-user-email",
    "x-user-groups",
    "x-user-roles",
    "x-session-id",
    "x-auth-time",
    "x-master-flags",
    "x-scheme",
    "x-csrf-token",
    "host",
    "expect",
];

/// Beginnings of names that it may not send on either.
const OUR_PREFIXES: [&str; 6] =
    ["x-forwarded-", "x-original-", "x-tenant-", "x-wicket-", "x-auth-request-", "remote-"];

/// What a script may say of its device and version, and how long.
const TOLD: [&str; 2] = ["x-client-device", "x-client-version"];
const TOLD_MAX: usize = 256;

/// A name as services fold it: case, and every sign that CGI-like servers turn into `_`.
fn canonical(name: &HeaderName) -> String {
    let fold = |character: char| {
        if character.is_ascii_alphanumeric() { character.to_ascii_lowercase() } else { '-' }
    };
    name.as_str().chars().map(fold).collect()
}

/// Removes `name`, however a service might read it.
pub(in crate::proxy) fn remove_spellings(headers: &mut HeaderMap, name: &HeaderName) {
    let wanted = canonical(name);
    let spellings: Vec<HeaderName> =
        headers.keys().filter(|name| canonical(name) == wanted).cloned().collect();
    for name in spellings {
        headers.remove(name);
    }
}

fn is_ours(name: &HeaderName) -> bool {
    let canonical = canonical(name);
    OURS.contains(&canonical.as_str())
        || OUR_PREFIXES.iter().any(|prefix| canonical.starts_with(prefix))
}

/// Names with a meaning for the message itself, or for what is between us and the service.
const OF_THE_MESSAGE: [&str; 13] = [
    "te",
    "trailer",
    "upgrade",
    "connection",
    "keep-alive",
    "date",
    "range",
    "via",
    "vary",
    "origin",
    "referer",
    "traceparent",
    "tracestate",
];

/// Whether a route may have a value of ours put under this name.
pub(in crate::proxy) fn may_be_injected(name: &HeaderName) -> bool {
    let canonical = canonical(name);
    let prefixes = ["content-", "accept", "if-", "sec-", "transfer-", "proxy-", "access-control-"];
    !is_ours(name)
        && !OF_THE_MESSAGE.contains(&canonical.as_str())
        && !prefixes.iter().any(|prefix| canonical.starts_with(prefix))
}

/// What a service sees of the browser's request. Identity comes later, from [`put_identity`].
pub(in crate::proxy) fn for_service(browser: &HeaderMap, csrf: &HeaderName) -> HeaderMap {
    let mut headers = browser.clone();
    remove_hop_by_hop(&mut headers);
    let taken: Vec<HeaderName> =
        headers.keys().filter(|name| is_ours(name) || *name == csrf).cloned().collect();
    for name in taken {
        headers.remove(name);
    }
    for name in TOLD {
        let mut values = browser.get_all(name).iter();
        let first = values.next();
        if values.next().is_some() || first.is_some_and(|value| value.len() > TOLD_MAX) {
            headers.remove(name);
        }
    }
    headers
}

/// Whether a request asks to become another protocol.
pub(in crate::proxy) fn asks_for_upgrade(headers: &HeaderMap) -> bool {
    headers.contains_key(http::header::UPGRADE)
}
