//! Owns: what a service sees of the headers that a browser sent.
//!
//! Everything of the browser's that could be taken for ours is removed, in every spelling that a service
//! might read as the same name (classes T4, T5).

use http::header::CONNECTION;
use http::{HeaderMap, HeaderName};

use super::{is_hop_by_hop, remove_named};

/// Names that the browser may not send on, as [`fold`] writes them, by their lengths: every header of every
/// request is asked about, and few names are as long as one of these.
const fn ours_of_length(length: usize) -> &'static [&'static str] {
    match length {
        4 => &["dpop", "host"],
        6 => &["cookie", "expect", "x-user", "x-host"],
        8 => &["x-scheme"],
        9 => &["forwarded", "x-real-ip", "x-user-id"],
        11 => &["x-forwarded", "x-client-ip", "x-user-name", "x-auth-time"],
        12 => &["x-request-id", "x-user-email", "x-user-roles", "x-session-id", "x-csrf-token"],
        13 => &["authorization", "x-rewrite-url", "x-http-method", "x-user-groups"],
        14 => &["true-client-ip", "x-master-flags"],
        16 => &["cf-connecting-ip"],
        17 => &["x-method-override"],
        18 => &["proxy-authenticate"],
        19 => &["proxy-authorization", "x-cluster-client-ip"],
        22 => &["x-http-method-override"],
        _ => &[],
    }
}

/// How many headers we may add.
const OF_OURS: usize = 11;

/// Beginnings of names that it may not send on either. No two have the same third letter.
const fn our_prefix(third: u8) -> Option<&'static str> {
    match third {
        b'f' => Some("x-forwarded-"),
        b'o' => Some("x-original-"),
        b't' => Some("x-tenant-"),
        b'w' => Some("x-wicket-"),
        b'a' => Some("x-auth-request-"),
        b'm' => Some("remote-"),
        _ => None,
    }
}

/// What a script may say of its device and version, and how long.
const TOLD: [HeaderName; 2] =
    [HeaderName::from_static("x-client-device"), HeaderName::from_static("x-client-version")];
const TOLD_MAX: usize = 256;

/// A character of a name as services fold it: case, and every sign that CGI-like servers turn into `_`.
/// Names in a [`HeaderMap`] are in lower case.
const fn fold(character: u8) -> u8 {
    if character.is_ascii_alphanumeric() { character } else { b'-' }
}

/// Whether a service might read one name as the other. Allocates nothing: every header of every request is
/// asked about.
fn reads_as(name: &HeaderName, other: &str) -> bool {
    name.as_str().len() == other.len() && begins(name, other)
}

fn begins(name: &HeaderName, prefix: &str) -> bool {
    let is_alike = |(a, b): (u8, u8)| a == b || fold(a) == fold(b);
    let name = name.as_str();
    name.len() >= prefix.len() && name.bytes().zip(prefix.bytes()).all(is_alike)
}

/// Removes `name`, however a service might read it.
pub(in crate::proxy) fn remove_spellings(headers: &mut HeaderMap, name: &HeaderName) {
    let is_one = |other: &&HeaderName| reads_as(other, name.as_str());
    let spellings: Vec<HeaderName> = headers.keys().filter(is_one).cloned().collect();
    for name in spellings {
        headers.remove(name);
    }
}

fn is_ours(name: &HeaderName) -> bool {
    let text = name.as_str();
    let (ours, third) = (ours_of_length(text.len()), text.as_bytes().get(2));
    let prefix = third.and_then(|third| our_prefix(*third));
    if ours.contains(&text) || prefix.is_some_and(|prefix| text.starts_with(prefix)) {
        return true;
    }
    // In another spelling. Nearly all names have one only.
    text.bytes().any(|byte| byte != b'-' && fold(byte) == b'-')
        && (ours.iter().any(|ours| begins(name, ours))
            || prefix.is_some_and(|prefix| begins(name, prefix)))
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
    let (mut names_connection, mut is_told) = (false, false);
    for (name, value) in browser {
        if is_hop_by_hop(name) {
            names_connection |= name == CONNECTION;
        } else if !is_ours(name) && name != csrf {
            is_told |= TOLD.contains(name);
            headers.append(name.clone(), value.clone());
        }
    }
    if names_connection {
        remove_named(&mut headers, browser);
    }
    if is_told {
        remove_doubtful(&mut headers);
    }
    headers
}

/// Removes what a script tells twice, or at length.
fn remove_doubtful(headers: &mut HeaderMap) {
    for name in TOLD {
        let mut values = headers.get_all(&name).iter();
        let first = values.next();
        if values.next().is_some() || first.is_some_and(|value| value.len() > TOLD_MAX) {
            headers.remove(name);
        }
    }
}

/// Whether a request asks to become another protocol.
pub(in crate::proxy) fn asks_for_upgrade(headers: &HeaderMap) -> bool {
    headers.contains_key(http::header::UPGRADE)
}
