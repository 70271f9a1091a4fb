//! Owns: the requests of the load: what Traefik's ForwardAuth sends, byte for byte: eighteen header
//! fields, about 900 bytes.

use crate::sessions;

/// Most different requests that are prepared.
const PREPARED: u64 = 20_000;

/// One request for each session of `0..count`, or for as many as are worth preparing, spread evenly.
pub fn of_sessions(count: u64) -> Vec<Vec<u8>> {
    let step = usize::try_from((count / PREPARED).max(1)).unwrap_or(usize::MAX);
    (0..count).step_by(step).map(|number| verify(sessions::id(number).expose())).collect()
}

/// The request, with a session cookie.
pub fn verify(cookie: &str) -> Vec<u8> {
    with_cookies(&format!("theme=dark; bff_session={cookie}; consent=1"))
}

/// The request of a browser without a session.
pub fn without_session() -> Vec<u8> {
    with_cookies("theme=dark; consent=1")
}

/// The request with a session cookie that no session can have.
pub fn bad_shape() -> Vec<u8> {
    verify("not-the-shape-of-a-session-id-but-as-long-as-one")
}

fn with_cookies(cookies: &str) -> Vec<u8> {
    format!(
        "GET /auth/forward HTTP/1.1\r\n\
         Host: forwardauth:8001\r\n\
         User-Agent: {USER_AGENT}\r\n\
         Accept: application/json, text/plain, */*\r\n\
         Accept-Encoding: gzip, deflate, br, zstd\r\n\
         Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n\
         Cache-Control: no-cache\r\n\
         Cookie: {cookies}\r\n\
         Referer: https://app.example.com/orders/4711\r\n\
         Sec-Fetch-Dest: empty\r\n\
         Sec-Fetch-Mode: cors\r\n\
         Sec-Fetch-Site: same-origin\r\n\
         X-Forwarded-For: {CLIENT}\r\n\
         X-Forwarded-Host: app.example.com\r\n\
         X-Forwarded-Method: GET\r\n\
         X-Forwarded-Port: 443\r\n\
         X-Forwarded-Proto: https\r\n\
         X-Forwarded-Uri: /api/orders/4711?expand=lines\r\n\r\n"
    )
    .into_bytes()
}

/// The user agent above, to which the sessions are bound.
pub const USER_AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
                              Chrome/140.0.0.0 Safari/537.36";

/// The client above.
pub const CLIENT: std::net::IpAddr = std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 44));
