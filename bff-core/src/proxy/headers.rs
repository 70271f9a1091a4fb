//! Owns: which headers cross the proxy, in both directions.
//!
//! First everything of the browser's that could be taken for ours is removed; only then ours are set.

mod identity;
mod request;
mod response;
mod trace;

use http::header::CONNECTION;
use http::{HeaderMap, HeaderName};

pub(super) use identity::put_identity;
pub(super) use request::{asks_for_upgrade, for_service, may_be_injected, remove_spellings};
pub(super) use response::clean_response;
pub(super) use trace::put_trace;

pub(super) const DPOP: HeaderName = HeaderName::from_static("dpop");
/// A matter between a service and us (RFC 9449 section 9).
pub(super) const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// Whether a header is of one connection, whatever `Connection` says (RFC 9110 section 7.6.1).
fn is_hop_by_hop(name: &HeaderName) -> bool {
    // Every header of every request and answer is asked about: a length rules most of them out.
    let name = name.as_str();
    match name.len() {
        2 => name == "te",
        7 => matches!(name, "trailer" | "upgrade"),
        10 => matches!(name, "connection" | "keep-alive"),
        14 => name == "http2-settings",
        16 => name == "proxy-connection",
        17 => name == "transfer-encoding",
        _ => false,
    }
}

/// Removes what `message` says is of its connection.
fn remove_named(headers: &mut HeaderMap, message: &HeaderMap) {
    let lines = message.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    for name in lines.flat_map(|line| line.split(',')) {
        if let Ok(name) = name.trim().parse::<HeaderName>() {
            headers.remove(name);
        }
    }
}

#[cfg(test)]
mod tests;
