//! Owns: becoming a WebSocket (RFC 6455 section 4): which handshakes are carried, and that the service
//! did agree to this one. Any other protocol is refused.

mod carry;
mod frames;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    CONNECTION, CONTENT_LENGTH, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION,
    TRANSFER_ENCODING, UPGRADE,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use hyper::upgrade::OnUpgrade;
use ring::digest;

use crate::app::App;
use crate::error::ApiError;
use crate::streams::Place;

/// What a service appends to the key before it hashes it (RFC 6455 section 1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A browser's wish for a WebSocket, well-formed and allowed on its route.
pub(super) struct Handshake {
    browser: OnUpgrade,
    /// The proof that the service read this handshake and no other.
    accept: String,
}

/// The handshake in a request; `None` if it asks for no other protocol.
///
/// # Errors
/// [`ApiError::BadRequest`] for any other protocol, a route that takes none, and what is no handshake.
pub(super) fn handshake(head: &mut Parts, is_allowed: bool) -> Result<Option<Handshake>, ApiError> {
    if !head.headers.contains_key(UPGRADE) {
        return Ok(None);
    }
    let headers = &head.headers;
    if !is_allowed || !is_websocket(headers) {
        return Err(ApiError::BadRequest("upgrade_not_available"));
    }
    let key = one(headers, &SEC_WEBSOCKET_KEY).filter(|key| is_key(key));
    let is_well_formed = head.method == Method::GET
        && one(headers, &SEC_WEBSOCKET_VERSION) == Some(b"13")
        && names_upgrade(headers)
        && has_no_body(headers);
    let accept = key.filter(|_| is_well_formed).map(accept);
    match (accept, head.extensions.remove::<OnUpgrade>()) {
        (Some(accept), Some(browser)) => Ok(Some(Handshake { browser, accept })),
        _ => Err(ApiError::BadRequest("websocket_handshake")),
    }
}

/// Asks a service, or answers a browser: the headers of one connection, which do not cross the proxy by
/// themselves.
pub(super) fn put_upgrade(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
}

impl Handshake {
    /// Joins both ends where the service switched protocols. Any other answer stays what it is.
    ///
    /// # Errors
    /// The reason, if the service switched to something else.
    pub(super) fn join(
        self,
        app: &Arc<App>,
        place: Place,
        idle: Duration,
        response: &mut Response,
    ) -> Result<(), &'static str> {
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Ok(());
        }
        let headers = response.headers();
        if !is_websocket(headers)
            || one(headers, &SEC_WEBSOCKET_ACCEPT) != Some(self.accept.as_bytes())
        {
            return Err("websocket_accept");
        }
        let service = hyper::upgrade::on(&mut *response);
        *response.body_mut() = Body::empty();
        let ends = carry::Ends { browser: self.browser, service };
        let shutdown = app.shutdown.clone();
        app.shutdown.spawn(carry::carry(ends, place, idle, shutdown, carry::scatter(&*app.random)));
        Ok(())
    }
}

fn accept(key: &[u8]) -> String {
    let mut hash = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
    hash.update(key);
    hash.update(GUID);
    STANDARD.encode(hash.finish())
}

/// Sixteen bytes, whatever they are (RFC 6455 section 4.1).
fn is_key(key: &[u8]) -> bool {
    STANDARD.decode(key).is_ok_and(|bytes| bytes.len() == 16)
}

fn is_websocket(headers: &HeaderMap) -> bool {
    one(headers, &UPGRADE).is_some_and(|protocol| protocol.eq_ignore_ascii_case(b"websocket"))
}

fn names_upgrade(headers: &HeaderMap) -> bool {
    let mut names = headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    names.any(|name| name.trim_ascii().eq_ignore_ascii_case(b"upgrade"))
}

fn has_no_body(headers: &HeaderMap) -> bool {
    let is_empty = one(headers, &CONTENT_LENGTH).is_none_or(|length| length == b"0");
    is_empty && !headers.contains_key(TRANSFER_ENCODING)
}

/// The only value of a field; `None` if it has none or several.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a [u8]> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    values.next().is_none().then(|| value.as_bytes())
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    const GOOD: [(&str, &str); 4] = [
        ("connection", "keep-alive, Upgrade"),
        ("upgrade", "WebSocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];

    fn head(method: Method, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().method(method);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(()).unwrap();
        // A handle that leads nowhere, as every request of HTTP/1.1 has one.
        let nowhere = hyper::upgrade::on(Request::new(()));
        request.extensions_mut().insert(nowhere);
        request.into_parts().0
    }

    fn reason(method: Method, headers: &[(&str, &str)], is_allowed: bool) -> Option<&'static str> {
        handshake(&mut head(method, headers), is_allowed).err().map(|error| error.reason())
    }

    #[test]
    fn c66_only_a_well_formed_handshake_is_carried_and_only_where_the_route_says_so() {
        // RFC 6455 section 1.3 has this pair.
        let asked = handshake(&mut head(Method::GET, &GOOD), true).unwrap().unwrap();
        assert_eq!(asked.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert!(handshake(&mut head(Method::GET, &[]), false).unwrap().is_none());

        assert_eq!(reason(Method::GET, &GOOD, false), Some("upgrade_not_available"));
        let other = |place: usize, changed: &'static str| {
            let mut headers = GOOD;
            headers[place].1 = changed;
            headers
        };
        let refused = Some("websocket_handshake");
        assert_eq!(reason(Method::POST, &GOOD, true), refused);
        assert_eq!(reason(Method::GET, &other(0, "keep-alive"), true), refused);
        assert_eq!(reason(Method::GET, &other(1, "h2c"), true), Some("upgrade_not_available"));
        assert_eq!(reason(Method::GET, &other(2, "8"), true), refused);
        for key in ["", "short", "dGhlIHNhbXBsZSBub25jZQ", "not base64 at all!!!!!!!"] {
            assert_eq!(reason(Method::GET, &other(3, key), true), refused, "{key}");
        }
        for more in [("content-length", "5"), ("transfer-encoding", "chunked"), GOOD[3]] {
            let headers: Vec<_> = GOOD.into_iter().chain([more]).collect();
            assert_eq!(reason(Method::GET, &headers, true), refused, "{more:?}");
        }
        let both: Vec<_> = GOOD.into_iter().chain([("upgrade", "h2c")]).collect();
        assert_eq!(reason(Method::GET, &both, true), Some("upgrade_not_available"));
    }
}
