//! Owns: what is read of a request: the endpoint it names, and the original request that it asks
//! about.
//!
//! `X-Forwarded-{Method,Uri,Host,Proto}` count only from a trusted peer; from any other they are
//! treated as absent (class T1). A trusted proxy that sends one of them twice, or one that cannot be
//! read, is refused: it passed on what a client wrote (class T6).

use std::net::SocketAddr;
use std::sync::LazyLock;

use http::Method;
use http::header::{HeaderMap, HeaderName, HeaderValue, UPGRADE};
use http::request::Parts;
use http::uri::Authority;
use shell::byte_set::ByteSet;
use shell::request_id::RequestId;

use crate::fields::{Fields, Lines};

const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_METHOD: HeaderName = HeaderName::from_static("x-forwarded-method");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_URI: HeaderName = HeaderName::from_static("x-forwarded-uri");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
pub(crate) const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// The two addresses that a proxy may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// `/auth/verify`: never redirects.
    Verify,
    /// `/auth/forward`: sends a browser's navigation to the login.
    Forward,
}

impl Endpoint {
    /// Its path.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Verify => "/auth/verify",
            Self::Forward => "/auth/forward",
        }
    }

    /// The endpoint of a path, whatever suffix it has (Envoy appends the original path).
    pub(crate) fn of(path: &str) -> Option<Self> {
        let under = |prefix| {
            path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if under("/auth/verify") {
            Some(Self::Verify)
        } else if under("/auth/forward") {
            Some(Self::Forward)
        } else {
            None
        }
    }
}

/// Who is at the other end of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    /// Whether the connection is TLS.
    pub(crate) tls: bool,
    /// Whether `BFF_TRUSTED_PROXIES` holds the address.
    pub(crate) trusted: bool,
}

/// The name of a forwarding header that cannot be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadForwarded(pub(crate) HeaderName);

/// The request that the client made to the proxy.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Original<'a> {
    pub(crate) method: Method,
    /// Whether it opens a WebSocket.
    pub(crate) websocket: bool,
    pub(crate) https: bool,
    /// Host and port as in `Host`; `None` where it is no authority.
    pub(crate) host: Option<&'a str>,
    /// Path and query as the proxy wrote them; may hold bytes beyond ASCII.
    pub(crate) uri: Option<&'a [u8]>,
}

impl<'a> Original<'a> {
    /// Reads it off a request of `peer`.
    pub(crate) fn read(
        peer: Peer,
        head: &'a Parts,
        fields: &Fields<'a>,
    ) -> Result<Self, BadForwarded> {
        let headers = &head.headers;
        let said = if peer.trusted { Forwarded::read(fields)? } else { Forwarded::default() };
        let is_websocket = |value: &[u8]| value.eq_ignore_ascii_case(b"websocket");
        let (https, by_proto) = said.proto.unwrap_or((peer.tls, false));
        Ok(Self {
            method: said.method.unwrap_or_else(|| head.method.clone()),
            websocket: by_proto
                || fields.fetch_mode.any(headers, &SEC_FETCH_MODE, is_websocket)
                || fields.upgrade.any(headers, &UPGRADE, is_websocket),
            https,
            host: said.host.or_else(|| own_host(head, fields)),
            uri: said.uri,
        })
    }

    /// `https` or `http`.
    pub(crate) const fn scheme(&self) -> &'static str {
        if self.https { "https" } else { "http" }
    }
}

/// What a trusted proxy says of the original request.
#[derive(Default)]
struct Forwarded<'a> {
    method: Option<Method>,
    /// Whether it is secure, and whether it is a WebSocket's.
    proto: Option<(bool, bool)>,
    host: Option<&'a str>,
    uri: Option<&'a [u8]>,
}

impl<'a> Forwarded<'a> {
    fn read(fields: &Fields<'a>) -> Result<Self, BadForwarded> {
        let method = |value: &HeaderValue| Method::from_bytes(value.as_bytes()).ok();
        let proto = |value: &HeaderValue| proto(value.as_bytes());
        let host = |value: &'a HeaderValue| authority(value.to_str().ok()?);
        let target = |value: &'a HeaderValue| Some(value.as_bytes()).filter(|uri| is_target(uri));
        Ok(Self {
            method: single(fields.forwarded_method, FORWARDED_METHOD, method)?,
            proto: single(fields.forwarded_proto, FORWARDED_PROTO, proto)?,
            host: single(fields.forwarded_host, FORWARDED_HOST, host)?,
            uri: single(fields.forwarded_uri, FORWARDED_URI, target)?,
        })
    }
}

/// The one value of `name` through `parse`.
fn single<'a, T>(
    lines: Lines<'a>,
    name: HeaderName,
    parse: impl FnOnce(&'a HeaderValue) -> Option<T>,
) -> Result<Option<T>, BadForwarded> {
    match lines {
        Lines::Absent => Ok(None),
        Lines::One(value) => parse(value).map(Some).ok_or(BadForwarded(name)),
        Lines::Several => Err(BadForwarded(name)),
    }
}

fn proto(value: &[u8]) -> Option<(bool, bool)> {
    let is = |name: &str| value.eq_ignore_ascii_case(name.as_bytes());
    if is("https") {
        Some((true, false))
    } else if is("http") {
        Some((false, false))
    } else if is("wss") {
        Some((true, true))
    } else if is("ws") {
        Some((false, true))
    } else {
        None
    }
}

/// What host names are made of.
static IN_NAME: LazyLock<ByteSet> = LazyLock::new(|| {
    ByteSet::of(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
});

/// What a target may hold.
static IN_TARGET: LazyLock<ByteSet> =
    LazyLock::new(|| ByteSet::of(|byte| !byte.is_ascii_control() && !matches!(byte, b' ' | b'#')));

fn authority(text: &str) -> Option<&str> {
    // A plain name is one for sure, and what nearly every request has.
    if !text.is_empty() && IN_NAME.holds_all(text.as_bytes()) {
        return Some(text);
    }
    let parsed: Authority = text.parse().ok()?;
    (!parsed.host().is_empty() && !text.contains('@')).then_some(text)
}

/// An origin-form request target (RFC 9112 section 3.2.1), or `*`. Proxies pass raw bytes beyond
/// ASCII on as they are.
fn is_target(value: &[u8]) -> bool {
    value == b"*" || (value.starts_with(b"/") && IN_TARGET.holds_all(value))
}

/// The authority of the request itself: `:authority` in HTTP/2, else the one `Host`.
fn own_host<'a>(head: &'a Parts, fields: &Fields<'a>) -> Option<&'a str> {
    if let Some(named) = head.uri.authority() {
        return authority(named.as_str());
    }
    match fields.host {
        Lines::One(value) => authority(value.to_str().ok()?),
        Lines::Absent | Lines::Several => None,
    }
}

/// The id that a trusted proxy gave the request. Of several it is the first.
///
/// `fields` are those of `headers`.
pub(crate) fn request_id(
    peer: Peer,
    fields: &Fields<'_>,
    headers: &HeaderMap,
) -> Option<RequestId> {
    let value = match fields.request_id {
        _ if !peer.trusted => return None,
        Lines::Absent => return None,
        Lines::One(value) => value,
        Lines::Several => headers.get(REQUEST_ID)?,
    };
    RequestId::parse(value.as_bytes())
}

/// Whether an untrusted peer describes an original request, as a proxy would that is missing from
/// `BFF_TRUSTED_PROXIES`.
pub(crate) const fn is_ignored_proxy(peer: Peer, fields: &Fields<'_>) -> bool {
    !peer.trusted && (fields.forwarded_uri.is_present() || fields.forwarded_method.is_present())
}

#[cfg(test)]
mod tests;
