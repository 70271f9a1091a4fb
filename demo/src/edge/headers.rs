//! Owns: which headers pass the edge, in which direction.
//!
//! The order is what protects: hop-by-hop headers and all that a client says about itself go first, the
//! edge's own values are set afterwards, so that no `Connection: X-User-ID` can name them
//! (CVE-2024-45410). Hop-by-hop headers: RFC 9110 section 7.6.1.

use std::net::SocketAddr;

use http::header::{
    AUTHORIZATION, CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};

/// What a `ForwardAuth` answer may say about the user; nobody else may.
pub(crate) const IDENTITY: [HeaderName; 7] = [
    HeaderName::from_static("x-user-id"),
    HeaderName::from_static("x-session-id"),
    HeaderName::from_static("x-auth-time"),
    HeaderName::from_static("x-tenant-id"),
    HeaderName::from_static("x-tenant-slug"),
    HeaderName::from_static("x-user-roles"),
    HeaderName::from_static("x-master-flags"),
];

/// Other ways to claim an identity, an origin or a target, the names of other gateways among them.
const CLAIMS: [&str; 5] = ["forwarded", "remote-user", "x-real-ip", "x-rewrite-url", "x-scheme"];
const CLAIM_PREFIXES: [&str; 4] = ["x-forwarded-", "x-original-", "x-auth-request-", "x-wicket-"];

const HOP_BY_HOP: [HeaderName; 8] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("proxy-authorization"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Removes what is meant for this hop alone, and what the sender's `Connection` names.
pub(super) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = connection_options(headers)
        .filter_map(|option| HeaderName::from_bytes(option.as_bytes()).ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

/// Removes all that a client says about its identity or origin, in every spelling.
pub(super) fn strip_claims(headers: &mut HeaderMap) {
    let claimed: Vec<HeaderName> =
        headers.keys().filter(|name| is_claim(name.as_str())).cloned().collect();
    for name in &claimed {
        headers.remove(name);
    }
}

/// Removes identity headers from an answer: they are between the parts, not for browsers.
pub(super) fn strip_identity(headers: &mut HeaderMap) {
    for name in &IDENTITY {
        headers.remove(name);
    }
}

/// Makes the verified identity the only one: the client's goes even where the answer is silent.
pub(super) fn copy_identity(from: &HeaderMap, to: &mut HeaderMap) {
    for name in IDENTITY.iter().chain([&AUTHORIZATION]) {
        to.remove(name);
        for value in from.get_all(name) {
            to.append(name, value.clone());
        }
    }
}

/// The protocol a request asks to change to, where it asks in the right form.
pub(super) fn wanted_upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    connection_options(headers)
        .any(|option| option.eq_ignore_ascii_case("upgrade"))
        .then(|| headers.get(UPGRADE).cloned())
        .flatten()
}

/// What the edge itself knows of a request, for `X-Forwarded-*`.
#[derive(Debug)]
pub(super) struct Origin {
    /// The TCP peer.
    pub(super) peer: SocketAddr,
    /// The host the client asked for, with its port.
    pub(super) host: HeaderValue,
    /// The port the client asked for.
    pub(super) port: u16,
    /// Whether the request is a WebSocket handshake; Traefik then says `ws`.
    pub(super) websocket: bool,
}

impl Origin {
    /// Sets what Traefik tells every upstream.
    pub(super) fn describe(&self, headers: &mut HeaderMap) {
        let peer = HeaderValue::from_str(&self.peer.ip().to_string());
        let proto = if self.websocket { "ws" } else { "http" };
        headers.insert(HOST, self.host.clone());
        headers.insert("x-forwarded-host", self.host.clone());
        headers.insert("x-forwarded-port", HeaderValue::from(self.port));
        headers.insert("x-forwarded-proto", HeaderValue::from_static(proto));
        headers.insert("x-forwarded-server", HeaderValue::from_static("wicketgate-demo"));
        if let Ok(peer) = peer {
            headers.insert("x-forwarded-for", peer.clone());
            headers.insert("x-real-ip", peer);
        }
    }
}

fn connection_options(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers
        .get_all(CONNECTION)
        .into_iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim)
}

/// Servers that read headers as variables (CGI, WSGI, PHP) take `X_User_ID` and `X.User.ID` for
/// `X-User-ID`, so each sign but a letter or digit counts as a hyphen.
fn is_claim(name: &str) -> bool {
    let name = name.replace(|sign: char| !sign.is_ascii_alphanumeric(), "-");
    IDENTITY.iter().any(|identity| identity.as_str() == name)
        || CLAIMS.contains(&name.as_str())
        || CLAIM_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn map(pairs: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(
                HeaderName::from_bytes(name.as_bytes()).expect("a name"),
                HeaderValue::from_str(value).expect("a value"),
            );
        }
        headers
    }

    #[test]
    fn t04_no_spelling_of_an_identity_header_passes() {
        for sign in "!#$%&'*+-.^_`|~".chars() {
            for name in IDENTITY {
                let alias = name.as_str().replace('-', &sign.to_string());
                let mut headers = map(&[(&alias, "mallory"), (&alias.to_uppercase(), "mallory")]);
                strip_claims(&mut headers);
                assert!(headers.is_empty(), "{alias}");
            }
        }
    }

    #[test]
    fn t01_no_forwarding_header_of_the_client_passes() {
        let mut headers = map(&[
            ("Forwarded", "for=1.2.3.4"),
            ("X-Forwarded-Uri", "/public"),
            ("X_Forwarded_Method", "OPTIONS"),
            ("X-Forwarded.Host", "evil.test"),
            ("X-Forwarded-Anything", "1"),
            ("X-Original-URL", "/public"),
            ("X-Auth-Request-Email", "mallory@evil.test"),
            ("Remote_User", "mallory"),
            ("X-Wicket-Signature", "v1=0"),
            ("X-Real-IP", "1.2.3.4"),
            ("X-CSRF-Token", "kept"),
        ]);
        strip_claims(&mut headers);
        assert_eq!(headers, map(&[("x-csrf-token", "kept")]));
    }

    #[test]
    fn t05_connection_cannot_name_a_header_that_the_edge_sets() {
        let mut headers =
            map(&[("Connection", "close, X-User-ID"), ("Connection", "x-forwarded-host")]);
        headers.insert("x-user-id", HeaderValue::from_static("mallory"));
        strip_hop_by_hop(&mut headers);
        strip_claims(&mut headers);
        copy_identity(&map(&[("x-user-id", "alice")]), &mut headers);
        strip_hop_by_hop(&mut headers);
        assert_eq!(headers, map(&[("x-user-id", "alice")]));
    }

    #[test]
    fn a_silent_answer_leaves_no_identity_and_no_authorization_of_the_client() {
        let mut headers = map(&[("authorization", "Bearer mine"), ("x-user-id", "mallory")]);
        copy_identity(&HeaderMap::new(), &mut headers);
        assert!(headers.is_empty());
    }

    #[test]
    fn an_upgrade_needs_both_headers() {
        let both = map(&[("connection", "keep-alive, Upgrade"), ("upgrade", "websocket")]);
        assert_eq!(wanted_upgrade(&both), Some(HeaderValue::from_static("websocket")));
        assert_eq!(wanted_upgrade(&map(&[("upgrade", "websocket")])), None);
        assert_eq!(wanted_upgrade(&map(&[("connection", "upgrade")])), None);
    }

    proptest! {
        #[test]
        fn t04_what_is_left_never_reads_as_a_claim(
            names in proptest::collection::vec("[xX][-_.~!][a-zA-Z]{1,9}([-_.~!][a-zA-Z]{1,6}){0,2}", 0..12)
        ) {
            let mut headers = HeaderMap::new();
            for name in names.iter().map(String::as_str).chain(["X_User-ID", "x.forwarded_for"]) {
                headers.append(HeaderName::from_bytes(name.as_bytes()).expect("a name"), HeaderValue::from_static("v"));
            }
            strip_claims(&mut headers);
            for name in headers.keys() {
                let read = name.as_str().replace(['_', '.', '~', '!'], "-");
                prop_assert!(read != "x-user-id" && !read.starts_with("x-forwarded-"));
            }
        }
    }
}
