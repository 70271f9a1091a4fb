//! Owns: what browsers are told with every answer, so that they let nobody else do anything with it
//! (bff-checklist 71).

use http::header::{CACHE_CONTROL, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderName, HeaderValue};

/// Who may embed an answer without asking (Fetch standard, `Cross-Origin-Resource-Policy`).
pub(crate) const RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");
/// Pages of our own origin.
pub(crate) const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");

/// With every answer, a service's as well.
pub(crate) fn every(headers: &mut HeaderMap) {
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
}

/// With every answer of our own, which depends on who asks: no cache keeps it, and no other site embeds it.
/// What is public says so itself, by a resource policy.
pub(crate) fn ours(headers: &mut HeaderMap) {
    if headers.contains_key(RESOURCE_POLICY) {
        return;
    }
    headers.insert(RESOURCE_POLICY, SAME_ORIGIN);
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    by_cookie(headers);
}

/// Says that the answer depends on the cookie, if it does not say so already.
pub(crate) fn by_cookie(headers: &mut HeaderMap) {
    let names = |value: &HeaderValue| {
        value.as_bytes().split(|byte| *byte == b',').any(|name| {
            name.trim_ascii().eq_ignore_ascii_case(b"cookie") || name.trim_ascii() == b"*"
        })
    };
    if !headers.get_all(VARY).iter().any(names) {
        headers.append(VARY, HeaderValue::from_static("Cookie"));
    }
}
