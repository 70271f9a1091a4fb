//! Requests of nobody, with whatever headers chance gives them, through the real edge.

use std::net::Ipv4Addr;

use e2e::dice::Dice;
use e2e::identity::IDENTITY;
use e2e::raw::{self, RawReply};
use e2e::stack::{COOKIE, Stack};
use e2e::traefik::HOST;
use futures_util::{StreamExt as _, stream};

const REQUESTS: usize = 2_000;
const AT_ONCE: usize = 8;

const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"];
const PATHS: [&str; 6] =
    ["/app/", "/app/x?y=z", "/api/echo/x", "/api/orders", "/api/auth/sessions", "/auth/verify"];
/// What some product has believed a client in.
const NAMES: [&str; 30] = [
    "User-Agent",
    "Accept",
    "Accept-Language",
    "Authorization",
    "Proxy-Authorization",
    "Cookie",
    "Connection",
    "Upgrade",
    "Sec-WebSocket-Version",
    "Origin",
    "Referer",
    "Sec-Fetch-Mode",
    "Sec-Fetch-Site",
    "Sec-Fetch-Dest",
    "Sec-Purpose",
    "X-Requested-With",
    "X-CSRF-Token",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Method",
    "X-Forwarded-Proto",
    "X-Forwarded-Uri",
    "X-Forwarded-Prefix",
    "X-Forwarded-User",
    "X-Original-URL",
    "X-Real-IP",
    "X-User-ID",
    "X_User_ID",
    "X-User-Roles",
    "Access-Control-Request-Method",
];
const VALUES: [&str; 26] = [
    "alice",
    "admin",
    "true",
    "*",
    "*/*",
    "text/html",
    "text/event-stream",
    "application/json",
    "kube-probe/1.30",
    "GoogleHC/1.0",
    "127.0.0.1",
    "10.0.0.1, 127.0.0.1",
    "GET",
    "OPTIONS",
    "https",
    "wss",
    "/health",
    "/auth/login",
    "navigate",
    "same-origin",
    "none",
    "prefetch",
    "websocket",
    "X-User-ID, X-Forwarded-For, Cookie",
    "Basic YWRtaW46YWRtaW4=",
    "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.",
];

fn value(dice: &mut Dice, host: &str) -> String {
    match dice.below(8) {
        0 => (0..dice.below(40))
            .map(|_| char::from(b' ' + u8::try_from(dice.below(95)).expect("small")))
            .collect(),
        1 => format!("https://{host}"),
        2 => format!("{COOKIE}={}", "A".repeat(43)),
        _ => dice.one_of(&VALUES).to_owned(),
    }
}

/// The method, and the request.
fn request(dice: &mut Dice, host: &str) -> (&'static str, String) {
    let (method, path) = (dice.one_of(&METHODS), dice.one_of(&PATHS));
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n");
    for _ in 0..=dice.below(6) {
        let line = format!("{}: {}\r\n", dice.one_of(&NAMES), value(dice, host));
        request.push_str(&line);
    }
    (method, request + "Connection: close\r\nContent-Length: 0\r\n\r\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn t07_of_two_thousand_random_requests_of_nobody_none_reaches_a_service() {
    let stack = Stack::start().await;
    let host = stack.origin.trim_start_matches("https://");
    let mut dice = Dice::new(0x7e57);
    // From many addresses, for Traefik limits how often one of them asks.
    let requests: Vec<_> = (0..REQUESTS).map(|number| (number, request(&mut dice, host))).collect();
    let ask = async |(number, (method, request)): (usize, (&'static str, String))| {
        let source = Ipv4Addr::new(127, 0, 4, u8::try_from(number % 100).expect("small") + 1);
        let edge = stack.traefik.secure;
        let reply = raw::tls_from(source, edge, &stack.ca, HOST, request.as_bytes()).await;
        (method, request, reply)
    };
    let replies: Vec<(_, _, RawReply)> =
        stream::iter(requests).map(ask).buffer_unordered(AT_ONCE).collect().await;
    let mut refused = 0;
    for (method, request, reply) in replies {
        let status = reply.status.unwrap_or_else(|| panic!("no answer to {request}"));
        // A preflight is answered by the edge or by `bff`, and reaches nobody.
        assert!(!(200..300).contains(&status) || method == "OPTIONS", "{request}\n{}", reply.text);
        assert!(status < 500, "{request}\n{}", reply.text);
        let head = reply.text.to_ascii_lowercase();
        for name in IDENTITY {
            assert!(!head.contains(&format!("\r\n{name}:")), "{request}\n{}", reply.text);
        }
        refused += usize::from(status == 401);
    }
    for service in [&stack.protected, &stack.upstream, &stack.orders] {
        let seen = service.seen();
        assert!(seen.is_empty(), "{seen:#?}");
    }
    assert!(refused > REQUESTS / 3, "mostly something else was tried: {refused} were 401");
}
