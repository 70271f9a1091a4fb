//! Owns: which headers cross the proxy, in both directions.
//!
//! First everything of the browser's that could be taken for ours is removed, in every spelling a
//! service might read as the same name (classes T4, T5); only then ours are set.

use std::sync::Arc;

use http::header::{AUTHORIZATION, CACHE_CONTROL, CONNECTION, SET_COOKIE, VARY};
use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::ExposeSecret as _;
use session::edge::EdgeView;
use session::record::{TokenPart, TokenType};

use crate::caller::Caller;
use crate::error::ApiError;

/// On whose behalf a service is called.
#[derive(Debug)]
pub(super) enum Identity {
    Nobody,
    User { edge: Box<EdgeView>, tokens: Arc<TokenPart> },
}

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

/// Headers of one connection (RFC 9110 section 7.6.1).
const HOP_BY_HOP: [&str; 8] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
];

/// A name as services fold it: case, and every sign that CGI-like servers turn into `_`.
fn canonical(name: &HeaderName) -> String {
    let fold = |character: char| {
        if character.is_ascii_alphanumeric() { character.to_ascii_lowercase() } else { '-' }
    };
    name.as_str().chars().map(fold).collect()
}

fn is_ours(name: &HeaderName, csrf: &HeaderName) -> bool {
    let canonical = canonical(name);
    OURS.contains(&canonical.as_str())
        || OUR_PREFIXES.iter().any(|prefix| canonical.starts_with(prefix))
        || name == csrf
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

/// What a service sees of the browser's request. Identity comes later, from [`put_identity`].
pub(super) fn for_service(browser: &HeaderMap, csrf: &HeaderName) -> HeaderMap {
    let mut headers = browser.clone();
    remove_hop_by_hop(&mut headers);
    let taken: Vec<HeaderName> =
        headers.keys().filter(|name| is_ours(name, csrf)).cloned().collect();
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

/// Says who calls.
///
/// # Errors
/// [`ApiError::Internal`] if a token cannot stand in a header.
pub(super) fn put_identity(
    headers: &mut HeaderMap,
    identity: &Identity,
    caller: &Caller,
) -> Result<(), ApiError> {
    put(headers, "x-request-id", caller.request_id.as_str().as_bytes())?;
    let Identity::User { edge, tokens } = identity else { return Ok(()) };
    let scheme = match tokens.token_type {
        TokenType::Bearer => "Bearer",
        TokenType::Dpop => "DPoP",
    };
    let authorization = format!("{scheme} {}", tokens.access_token.expose_secret());
    let mut authorization = HeaderValue::try_from(authorization)
        .map_err(|_| ApiError::Internal("token_not_a_header_value"))?;
    authorization.set_sensitive(true);
    headers.insert(AUTHORIZATION, authorization);
    put(headers, "x-user-id", &edge.user_id)?;
    put(headers, "x-tenant-id", &edge.tenant_id)?;
    put(headers, "x-tenant-slug", &edge.tenant_slug)?;
    put(headers, "x-master-flags", &edge.master_flags)
}

fn put(headers: &mut HeaderMap, name: &'static str, value: &[u8]) -> Result<(), ApiError> {
    let value =
        HeaderValue::from_bytes(value).map_err(|_| ApiError::Internal("not_a_header_value"))?;
    headers.insert(name, value);
    Ok(())
}

/// What the browser sees of a service's answer: no connection headers, no CORS but ours, no cookie
/// in place of ours, and nothing of a signed-in user in a shared cache (bff-checklist 71).
pub(super) fn clean_response(headers: &mut HeaderMap, cookie_name: &str, signed_in: bool) {
    remove_hop_by_hop(headers);
    let cors: Vec<HeaderName> = headers
        .keys()
        .filter(|name| name.as_str().starts_with("access-control-"))
        .cloned()
        .collect();
    for name in cors {
        headers.remove(name);
    }
    let set: Vec<HeaderValue> = headers.get_all(SET_COOKIE).iter().cloned().collect();
    headers.remove(SET_COOKIE);
    for cookie in set.into_iter().filter(|cookie| !names_our_cookie(cookie, cookie_name)) {
        headers.append(SET_COOKIE, cookie);
    }
    if signed_in {
        if !is_private(headers) {
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        headers.append(VARY, HeaderValue::from_static("Cookie"));
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
    shown.len() >= name.len()
        && shown.iter().zip(name.bytes()).all(|(a, b)| a.eq_ignore_ascii_case(&b))
}

/// Whether a request asks to become another protocol, which this version does not carry.
pub(super) fn asks_for_upgrade(headers: &HeaderMap) -> bool {
    headers.contains_key(http::header::UPGRADE)
}

#[cfg(test)]
mod tests;
