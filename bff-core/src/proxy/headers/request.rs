//! Owns: what a service sees of the headers that a browser sent.
//!
//! Everything of the browser's that could be taken for ours is removed, in every spelling that a service
//! might read as the same name (classes T4, T5).

use http::{HeaderMap, HeaderName};

use super::remove_named;

/// Names that the browser may not send on, as [`fold`] writes them.
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

/// How many headers we may add.
const OF_OURS: usize = 10;

/// Beginnings of names that it may not send on either.
const OUR_PREFIXES: [&str; 6] =
    ["x-forwarded-", "x-original-", "x-tenant-", "x-wicket-", "x-auth-request-", "remote-"];

/// What a script may say of its device and version, and how long.
const TOLD: [&str; 2] = ["x-client-device", "x-client-version"];
const TOLD_MAX: usize = 256;

/// A character of a name as services fold it: case, and every sign that CGI-like servers turn into `_`.
const fn fold(character: u8) -> u8 {
    if character.is_ascii_alphanumeric() { character.to_ascii_lowercase() } else { b'-' }
}

/// Whether a service might read `name` as `ours`, which is folded already. Allocates nothing: every header of
/// every request is asked about.
fn reads_as(name: &HeaderName, ours: &str) -> bool {
    name.as_str().len() == ours.len() && begins(name, ours)
}

fn begins(name: &HeaderName, prefix: &str) -> bool {
    let name = name.as_str();
    name.len() >= prefix.len() && name.bytes().zip(prefix.bytes()).all(|(a, b)| fold(a) == b)
}

/// Removes `name`, however a service might read it.
pub(in crate::proxy) fn remove_spellings(headers: &mut HeaderMap, name: &HeaderName) {
    let wanted: String = name.as_str().bytes().map(|byte| char::from(fold(byte))).collect();
    let spellings: Vec<HeaderName> =
        headers.keys().filter(|name| reads_as(name, &wanted)).cloned().collect();
    for name in spellings {
        headers.remove(name);
    }
}

fn is_ours(name: &HeaderName) -> bool {
    OURS.iter().any(|ours| reads_as(name, ours))
        || OUR_PREFIXES.iter().any(|prefix| begins(name, prefix))
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
    let prefixes = ["content-", "accept", "if-", "sec-", "transfer-", "proxy-", "access-control-"];
    !is_ours(name)
        && !OF_THE_MESSAGE.iter().any(|known| reads_as(name, known))
        && !prefixes.iter().any(|prefix| begins(name, prefix))
}

/// What a service sees of the browser's request. Identity comes later, from [`put_identity`].
pub(in crate::proxy) fn for_service(browser: &HeaderMap, csrf: &HeaderName) -> HeaderMap {
    // Room for ours: to grow would cost more than all that is copied.
    let mut headers = HeaderMap::with_capacity(browser.len() + OF_OURS);
    for (name, value) in browser {
        if !is_ours(name) && name != csrf {
            headers.append(name.clone(), value.clone());
        }
    }
    remove_named(&mut headers, browser);
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
