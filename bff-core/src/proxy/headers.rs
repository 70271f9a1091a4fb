//! Owns: which headers cross the proxy, in both directions.
//!
//! First everything of the browser's that could be taken for ours is removed; only then ours are set.

mod identity;
mod request;
mod response;

use http::header::CONNECTION;
use http::{HeaderMap, HeaderName};

pub(super) use identity::put_identity;
pub(super) use request::{asks_for_upgrade, for_service, may_be_injected, remove_spellings};
pub(super) use response::clean_response;

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

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let message = headers.get_all(CONNECTION).iter().next().is_some().then(|| headers.clone());
    match message {
        Some(message) => remove_named(headers, &message),
        None => remove_known(headers),
    }
}

/// Removes what belongs to one connection: what is known to, and what `message` names.
fn remove_named(headers: &mut HeaderMap, message: &HeaderMap) {
    let lines = message.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    for name in lines.flat_map(|line| line.split(',')) {
        if let Ok(name) = name.trim().parse::<HeaderName>() {
            headers.remove(name);
        }
    }
    remove_known(headers);
}

fn remove_known(headers: &mut HeaderMap) {
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests;
