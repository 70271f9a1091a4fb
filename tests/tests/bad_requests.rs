//! Malformed cookies, headers and queries get a clear answer, and never a crash, a 2xx or a lost session.

use e2e::agent::{Agent, CHROME};
use e2e::raw::{self, RawReply};
use e2e::stack::{COOKIE, Stack};
use e2e::traefik::HOST;

const LONG: usize = 20_000;

/// Values of the session cookie that are not one.
fn broken_cookies() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = [
        "",
        " ",
        "=",
        ";",
        "x",
        "\"",
        "\"x\"",
        "A A",
        "%00",
        "%41%41",
        "../../x",
        "*",
        "bff:session:*",
        "AAAA\u{e9}",
        "null",
        "0",
        "-1",
        "{}",
        "eyJhbGciOiJub25lIn0.e30.",
        "$(id)",
        "' OR 1=1 --",
        "\u{202e}",
    ]
    .into_iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    all.push("A".repeat(42).into_bytes());
    all.push("A".repeat(44).into_bytes());
    all.push("A".repeat(LONG).into_bytes());
    all.push([b"A".repeat(42), b"=".to_vec()].concat());
    all.push([b"A".repeat(42), b"+".to_vec()].concat());
    all.push([b"A".repeat(42), b"\xff".to_vec()].concat());
    // 43 characters whose last bits no 32 bytes encode.
    all.push([b"A".repeat(42), b"B".to_vec()].concat());
    all
}

fn head(cookie_line: &[u8]) -> Vec<u8> {
    [
        format!("Host: {HOST}\r\nUser-Agent: {CHROME}\r\nConnection: close\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: https\r\nCookie: ").into_bytes(),
        cookie_line.to_vec(),
        b"\r\n\r\n".to_vec(),
    ]
    .concat()
}

async fn verify(stack: &Stack, target: &[u8], rest: &[u8]) -> RawReply {
    let request = [b"GET ", target, b" HTTP/1.1\r\n", rest].concat();
    raw::tls(stack.verify, &stack.ca, "localhost", &request).await
}

async fn bff(stack: &Stack, method: &str, target: &[u8], rest: &[u8]) -> RawReply {
    let request = [method.as_bytes(), b" ", target, b" HTTP/1.1\r\n", rest].concat();
    raw::plain(stack.bff_address, &request).await
}

async fn assert_unharmed(stack: &mut Stack, agent: &Agent) {
    let reply = stack.ask_verify(agent, "/app/").send().await;
    assert_eq!(reply.status, 200, "the session is lost: {}", reply.text());
    assert_eq!(stack.session(agent).await["authenticated"], true, "the session is lost");
    assert!(stack.forwardauth.process().exited().is_none(), "forwardauth ended");
    assert!(stack.bff.process().exited().is_none(), "bff ended");
    for (name, log) in stack.logs() {
        assert!(!log.contains("panicked"), "{name}: {log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t17_malformed_cookies_are_no_session_and_cost_nobody_theirs() {
    let mut stack = Stack::start().await;
    let agent = stack.signed_in("alice").await;
    let good = stack.cookie(&agent);
    let mut lines: Vec<Vec<u8>> = broken_cookies()
        .into_iter()
        .map(|value| [format!("{COOKIE}=").into_bytes(), value].concat())
        .collect();
    lines.extend([
        COOKIE.as_bytes().to_vec(),
        b"=".repeat(500),
        b";".repeat(5_000),
        b"a=b; ".repeat(3_000),
        format!("{}={good}", COOKIE.to_uppercase()).into_bytes(),
        format!("x{COOKIE}={good}").into_bytes(),
        format!("{COOKIE}x={good}").into_bytes(),
        format!("__Host-{COOKIE}={good}").into_bytes(),
        format!("{COOKIE} ={good}x").into_bytes(),
        format!("\"{COOKIE}={good}\"").into_bytes(),
        format!("x=\"{COOKIE}={good}").into_bytes(),
        format!("{COOKIE}_chunks=99999999").into_bytes(),
        b"\xff\xfe\xfd".to_vec(),
    ]);
    for line in lines {
        let shown = String::from_utf8_lossy(&line[..line.len().min(80)]).into_owned();
        let reply = verify(&stack, b"/auth/verify", &head(&line)).await;
        assert!(matches!(reply.status, Some(400 | 401 | 431)), "{shown}: {}", reply.text);
        assert!(!reply.text.to_lowercase().contains("x-user-id"), "{shown}: {}", reply.text);
        let reply = bff(&stack, "GET", b"/api/echo/x", &head(&line)).await;
        assert!(matches!(reply.status, Some(400 | 401 | 403 | 431)), "{shown}: {}", reply.text);
        let reply = bff(&stack, "GET", b"/api/auth/session", &head(&line)).await;
        let anonymous =
            reply.status == Some(200) && reply.text.contains(r#""authenticated":false"#);
        assert!(anonymous || matches!(reply.status, Some(400 | 431)), "{shown}: {}", reply.text);
    }
    // A broken cookie beside the good one is somebody else's business.
    for neighbour in ["x=\"", "=", "\u{e9}=\u{e9}", "a b=c", "$Version=1", "bff_session_x=1"] {
        let line = format!("{neighbour}; {COOKIE}={good}");
        let reply = verify(&stack, b"/auth/verify", &head(line.as_bytes())).await;
        assert_eq!(reply.status, Some(200), "{neighbour}: {}", reply.text);
    }
    assert_unharmed(&mut stack, &agent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_requests_get_a_clear_answer() {
    let mut stack = Stack::start().await;
    let agent = stack.signed_in("alice").await;
    let host = format!("Host: {HOST}\r\nConnection: close\r\n");
    let long = "x".repeat(200_000);
    let many = (0..2_000).map(|number| format!("X-{number}: y\r\n")).collect::<Vec<_>>().concat();
    let requests: Vec<Vec<u8>> = [
        format!("GET /auth/verify HTTP/1.1\r\n{host}X-Long: {long}\r\n\r\n"),
        format!("GET /auth/verify?{long} HTTP/1.1\r\n{host}\r\n"),
        format!("GET /auth/verify HTTP/1.1\r\n{host}{many}\r\n"),
        "GET /auth/verify HTTP/1.1\r\nConnection: close\r\n\r\n".to_owned(),
        format!("GET /auth/verify HTTP/1.1\r\n{host}Host: other\r\n\r\n"),
        format!("GET /auth/verify HTTP/9.9\r\n{host}\r\n"),
        format!("GET  /auth/verify HTTP/1.1\r\n{host}\r\n"),
        format!("GE\0T /auth/verify HTTP/1.1\r\n{host}\r\n"),
        format!("GET /auth/verify HTTP/1.1\r\n{host}Bad Name: x\r\n\r\n"),
        format!("GET /auth/verify HTTP/1.1\r\n{host}X: a\0b\r\n\r\n"),
        format!("GET /auth/verify HTTP/1.1\r\n{host} folded\r\n\r\n"),
        format!("GET /auth/verify HTTP/1.1\r\n{host}Content-Length: -1\r\n\r\n"),
        format!("GET /auth/verify HTTP/1.1\r\n{host}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        format!("POST /auth/verify HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
        format!("GET /auth/verify HTTP/1.1\r\n{host}X-Forwarded-Uri: \u{7f}\u{1}\r\n\r\n"),
        format!("GET /auth/verify HTTP/1.1\r\n{host}X-Forwarded-For: not an address, 999.1.1.1, ::ffff:zz\r\n\r\n"),
        format!("GET /auth/verify HTTP/1.1\r\n{host}X-Forwarded-Method: G\u{e9}T\r\n\r\n"),
        format!("GET /auth/verify HTTP/1.1\r\n{host}X-Forwarded-Host: a b/../@c:99999\r\n\r\n"),
        format!("GET /auth/forward HTTP/1.1\r\n{host}Sec-Fetch-Mode: navigate\r\nX-Forwarded-Uri: //evil.test/\\\r\n\r\n"),
        format!("GET /auth/verify?%zz=%&&&=;; HTTP/1.1\r\n{host}\r\n"),
        format!("OPTIONS * HTTP/1.1\r\n{host}\r\n"),
        format!("CONNECT a:1 HTTP/1.1\r\n{host}\r\n"),
        format!("GET http://other.test/auth/verify HTTP/1.1\r\n{host}\r\n"),
    ]
    .into_iter()
    .map(String::into_bytes)
    .collect();
    for request in requests {
        let shown = String::from_utf8_lossy(&request[..request.len().min(150)]).into_owned();
        let reply = raw::tls(stack.verify, &stack.ca, "localhost", &request).await;
        assert!(
            reply.status.is_none_or(|status| (300..500).contains(&status)),
            "{shown}: {}",
            reply.text
        );
        assert!(!reply.text.contains("evil.test"), "{shown}: {}", reply.text);
        let text = String::from_utf8_lossy(&request).replace("/auth/verify", "/api/echo/x");
        let reply = raw::plain(stack.bff_address, text.as_bytes()).await;
        assert!(
            reply.status.is_none_or(|status| (300..500).contains(&status)),
            "{shown}: {}",
            reply.text
        );
    }
    assert_unharmed(&mut stack, &agent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_queries_of_the_browser_endpoints_are_refused_in_words() {
    let mut stack = Stack::start().await;
    let agent = stack.signed_in("alice").await;
    for target in [
        "/auth/callback",
        "/auth/callback?",
        "/auth/callback?code",
        "/auth/callback?state=&code=",
        "/auth/callback?%ff=%ff&state=%ff",
        "/auth/callback?state=x&state=y&code=z",
        "/auth/callback?error=%3Cscript%3E&state=x",
        "/auth/callback?code=x&state=../../y&iss=z",
        "/auth/logout?lt=%00",
        "/auth/login?max_age=x",
        "/auth/login?max_age=-1",
        "/auth/login?prompt=%0d%0aX:y",
        "/auth/login?idp=../../x",
        "/auth/login?acr_values=%ff",
        "/api/auth/session?slide=maybe",
        "/auth/nothing",
        "/api/auth/nothing",
        "/auth/login/x",
        "/.well-known/other",
    ] {
        let line = format!("{COOKIE}={}", stack.cookie(&agent));
        // Over the address of another client, so that its share of logins is not used up.
        let rest = String::from_utf8_lossy(&head(line.as_bytes())).into_owned();
        for method in ["GET", "POST", "PUT", "DELETE"] {
            let reply = bff(&stack, method, target.as_bytes(), rest.as_bytes()).await;
            let status = reply.status.expect("an answer");
            assert!(status < 500, "{method} {target}: {}", reply.text);
            let (_, content) = reply.text.split_once("\r\n\r\n").unwrap_or_default();
            assert!(!content.contains("<script>"), "{method} {target}: {content}");
            if method == "GET" && target.starts_with("/auth/callback") {
                assert!((300..500).contains(&status), "{target}: {}", reply.text);
                assert!(
                    !reply.text.contains(&format!("set-cookie: {COOKIE}=")),
                    "{target}: {}",
                    reply.text
                );
            }
        }
    }
    assert_unharmed(&mut stack, &agent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t09_a_policy_that_cannot_be_understood_lets_nobody_through() {
    let mut stack = Stack::start().await;
    let agent = stack.signed_in("alice").await;
    let line = format!("{COOKIE}={}", stack.cookie(&agent));
    for query in [
        "policy=nobody-wrote-it",
        "policy=",
        "policy=a&policy=b",
        "policy",
        "policy=%ff",
        "policy=%zz",
        "policy=a%00b",
    ] {
        let target = format!("/auth/verify?{query}");
        let reply = verify(&stack, target.as_bytes(), &head(line.as_bytes())).await;
        assert_eq!(reply.status, Some(500), "{query}: {}", reply.text);
    }
    for query in ["other=1", "x=y&x=z", "role=ADMIN"] {
        let target = format!("/auth/verify?{query}");
        let reply = verify(&stack, target.as_bytes(), &head(line.as_bytes())).await;
        assert_eq!(reply.status, Some(200), "{query}: {}", reply.text);
    }
    assert_unharmed(&mut stack, &agent).await;
}
