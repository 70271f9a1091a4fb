//! Owns: what a browser sees of the headers that a service answered with.

use http::header::{CACHE_CONTROL, CONNECTION, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{DPOP_NONCE, is_hop_by_hop, remove_named};
use crate::hardening;

/// What the browser sees of a service's answer: no connection headers, no CORS but ours, no cookie
/// in place of ours, and nothing of a signed-in user in a shared cache (bff-checklist 71).
pub(in crate::proxy) fn clean_response(
    headers: &mut HeaderMap,
    cookie_name: &str,
    signed_in: bool,
) {
    // Most answers have nothing of it.
    if headers.keys().any(is_touched) {
        clean(headers, cookie_name);
    }
    if signed_in {
        if !is_private(headers) {
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        hardening::by_cookie(headers);
        headers.entry(hardening::RESOURCE_POLICY).or_insert(hardening::SAME_ORIGIN);
    }
}

fn is_touched(name: &HeaderName) -> bool {
    is_hop_by_hop(name) || is_cors(name) || name == SET_COOKIE || name == DPOP_NONCE
}

fn is_cors(name: &HeaderName) -> bool {
    name.as_str().starts_with("access-control-")
}

fn clean(headers: &mut HeaderMap, cookie_name: &str) {
    if headers.contains_key(CONNECTION) {
        let message = headers.clone();
        remove_named(headers, &message);
    }
    let set: Vec<HeaderValue> = headers.get_all(SET_COOKIE).iter().cloned().collect();
    let touched: Vec<HeaderName> =
        headers.keys().filter(|name| is_touched(name)).cloned().collect();
    for name in touched {
        headers.remove(name);
    }
    for cookie in set.into_iter().filter(|cookie| !names_our_cookie(cookie, cookie_name)) {
        headers.append(SET_COOKIE, cookie);
    }
}

/// Whether a service keeps its answer out of shared caches itself. `private="x"` speaks of one header
/// field only (RFC 9111 section 5.2.2.7).
fn is_private(headers: &HeaderMap) -> bool {
    let says = |wanted: &[&str]| {
        headers
            .get_all(CACHE_CONTROL)
            .iter()
            .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
            .map(<[u8]>::trim_ascii)
            .any(|said| wanted.iter().any(|one| said.eq_ignore_ascii_case(one.as_bytes())))
    };
    says(&["no-store", "private"]) && !says(&["public"])
}

fn names_our_cookie(cookie: &HeaderValue, name: &str) -> bool {
    let shown = cookie.as_bytes().split(|byte| *byte == b'=').next().unwrap_or_default();
    let shown = shown.trim_ascii();
    // Browsers send a cookie without a name back as its value alone, which may look like any other.
    if shown.is_empty() {
        return true;
    }
    shown.len() >= name.len()
        && shown.iter().zip(name.bytes()).all(|(a, b)| a.eq_ignore_ascii_case(&b))
}
