use super::*;
use crate::clients::Clients;
use http::{HeaderValue, Request};
use shell::forwarded::TrustedProxies;
use std::net::IpAddr;

fn head(headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().method("GET").uri("/auth/verify");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn read(peer: Peer, head: &Parts) -> Result<Original<'_>, BadForwarded> {
    Original::read(peer, head, &Fields::of(&head.headers))
}

fn client(clients: &Clients, peer: Peer, head: &Parts) -> Option<IpAddr> {
    clients.address(peer, Fields::of(&head.headers).forwarded_for, &head.headers)
}

fn proxies() -> TrustedProxies {
    TrustedProxies::new(vec![TrustedProxies::parse_entry("10.0.0.0/8").unwrap()])
}

fn peer(address: &str) -> Peer {
    let address = SocketAddr::new(address.parse().unwrap(), 4711);
    Peer { address, tls: false, trusted: proxies().trusts(address.ip()) }
}

const FORGED: [(&str, &str); 8] = [
    ("host", "auth:8001"),
    ("x-forwarded-method", "OPTIONS"),
    ("x-forwarded-uri", "/public"),
    ("x-forwarded-host", "evil.test"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-for", "6.6.6.6"),
    ("x-forwarded-port", "443"),
    ("x-forwarded-prefix", "/evil"),
];

#[test]
fn t01_forwarded_headers_of_an_untrusted_peer_are_treated_as_absent() {
    let head = head(&FORGED);
    let original = read(peer("192.0.2.1"), &head).unwrap();
    assert_eq!(
        original,
        Original {
            method: Method::GET,
            websocket: false,
            https: false,
            host: Some("auth:8001"),
            uri: None,
        }
    );
    let clients = Clients::new(proxies());
    let found = client(&clients, peer("192.0.2.1"), &head);
    assert_eq!(found, Some("192.0.2.1".parse().unwrap()));
}

#[test]
fn t06_forwarded_headers_of_a_trusted_proxy_describe_the_original() {
    let head = head(&[
        ("host", "auth:8001"),
        ("x-forwarded-method", "DELETE"),
        ("x-forwarded-uri", "/a%2Fb?x=1"),
        ("x-forwarded-host", "App.example.com:8443"),
        ("x-forwarded-proto", "wss"),
        ("x-forwarded-for", "203.0.113.9, 10.1.1.1"),
    ]);
    let original = read(peer("10.0.0.1"), &head).unwrap();
    assert_eq!(
        original,
        Original {
            method: Method::DELETE,
            websocket: true,
            https: true,
            host: Some("App.example.com:8443"),
            uri: Some(b"/a%2Fb?x=1"),
        }
    );
    let clients = Clients::new(proxies());
    let found = client(&clients, peer("10.0.0.1"), &head);
    assert_eq!(found, Some("203.0.113.9".parse().unwrap()));
}

#[test]
fn t01_a_trusted_proxy_that_repeats_or_garbles_one_is_refused() {
    let good = [
        ("x-forwarded-method", "GET"),
        ("x-forwarded-uri", "/"),
        ("x-forwarded-host", "a.test"),
        ("x-forwarded-proto", "https"),
    ];
    for (name, value) in good {
        let head = head(&[(name, value), (name, value)]);
        let refused = read(peer("10.0.0.1"), &head);
        assert_eq!(refused.unwrap_err().0, name);
    }
    for (name, value) in [
        ("x-forwarded-method", ""),
        ("x-forwarded-method", "GE T"),
        ("x-forwarded-uri", ""),
        ("x-forwarded-uri", "x"),
        ("x-forwarded-uri", "https://evil.test/"),
        ("x-forwarded-uri", "/a b"),
        ("x-forwarded-uri", "/a#b"),
        ("x-forwarded-uri", "/a\tb"),
        ("x-forwarded-host", ""),
        ("x-forwarded-host", "a.test/x"),
        ("x-forwarded-host", "user@a.test"),
        ("x-forwarded-host", "a.test, b.test"),
        ("x-forwarded-proto", "https, http"),
        ("x-forwarded-proto", "ftp"),
    ] {
        let head = head(&[(name, value)]);
        let refused = read(peer("10.0.0.1"), &head);
        assert_eq!(refused.unwrap_err().0, name, "{value:?}");
    }
}

#[test]
fn a_websocket_is_known_by_any_of_its_signs() {
    for (name, value) in
        [("sec-fetch-mode", "websocket"), ("upgrade", "WebSocket"), ("x-forwarded-proto", "ws")]
    {
        let head = head(&[(name, value)]);
        let original = read(peer("10.0.0.1"), &head).unwrap();
        assert!(original.websocket, "{name}");
    }
}

#[test]
fn raw_bytes_in_a_query_are_no_reason_to_refuse() {
    let mut head = head(&[]);
    head.headers.insert(FORWARDED_URI, HeaderValue::from_bytes(b"/caf\xe9?q=\xc3\xa9").unwrap());
    let original = read(peer("10.0.0.1"), &head).unwrap();
    assert_eq!(original.uri, Some(&b"/caf\xe9?q=\xc3\xa9"[..]));
}

#[test]
fn endpoints_take_any_suffix_but_no_lookalike() {
    for path in ["/auth/verify", "/auth/verify/", "/auth/verify/orders/1"] {
        assert_eq!(Endpoint::of(path), Some(Endpoint::Verify), "{path}");
    }
    assert_eq!(Endpoint::of("/auth/forward/x"), Some(Endpoint::Forward));
    for path in ["/", "/auth/", "/auth/verifyx", "/AUTH/verify", "/auth/forwarded", "*"] {
        assert_eq!(Endpoint::of(path), None, "{path}");
    }
}
