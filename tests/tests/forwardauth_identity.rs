//! Verify: who is let through and as whom, whatever a client says about itself.

use std::net::Ipv4Addr;

use e2e::agent::{Agent, CHROME};
use e2e::identity::{IDENTITY, spellings};
use e2e::stack::{COOKIE, Stack};
use e2e::traefik::HOST;
use e2e::{clock, raw};
use http::{Method, Version};

#[tokio::test(flavor = "multi_thread")]
async fn the_service_gets_exactly_our_identity() {
    let stack = Stack::start().await;
    let before = clock::now();
    let agent = stack.signed_in("alice").await;
    let reply = agent.visit(&stack.at("/app/x")).send().await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let seen = stack.protected.take().remove(0);
    assert_eq!(seen.all("x-user-id"), ["alice"]);
    for name in IDENTITY {
        assert_eq!(seen.all(name).len(), 1, "{name}");
    }
    let reference = seen.header("x-session-id");
    let cookie = stack.cookie(&agent);
    assert!(!reference.is_empty() && !cookie.contains(reference) && !reference.contains(&cookie));
    let auth_time: u64 = seen.header("x-auth-time").parse().expect("epoch seconds");
    assert!((before.saturating_sub(5)..=clock::now() + 5).contains(&auth_time), "{auth_time}");
    let flags: serde_json::Value =
        serde_json::from_str(seen.header("x-master-flags")).unwrap_or(serde_json::Value::Null);
    assert!(flags.is_object() || seen.header("x-master-flags").is_empty(), "{flags}");
    assert_eq!(seen.all("cookie"), [""; 0], "the session cookie reached the service");
    assert_eq!(seen.header("authorization"), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn t04_a_client_that_sends_its_own_identity_reaches_the_service_with_none_of_it() {
    let stack = Stack::start().await;
    let agent = stack.signed_in("bob").await;
    let lines: Vec<_> = IDENTITY
        .iter()
        .flat_map(|name| spellings(name))
        .map(|name| format!("{name}: evil\r\n{name}: evil\r\n"))
        .collect();
    let spoofed = lines.concat();
    let cookie =
        format!("Cookie: {COOKIE}={}\r\nAuthorization: Bearer evil\r\n", stack.cookie(&agent));
    let host = format!("Host: {HOST}:{}\r\nUser-Agent: {CHROME}\r\n", stack.traefik.secure.port());
    for (path, method, connection) in [
        ("/app/x", "GET", "close"),
        ("/app/x", "HEAD", "close, X-User-ID, X-Tenant-Id"),
        ("/app/x", "OPTIONS", "close, x-user-roles"),
        ("/api/public/x", "GET", "close"),
        ("/api/echo/x", "GET", "close, X-User-Id"),
    ] {
        let safe = "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\n";
        let request = format!(
            "{method} {path} HTTP/1.1\r\n{host}{cookie}{safe}{spoofed}Connection: {connection}\r\n\r\n"
        );
        let reply = raw::tls(stack.traefik.secure, &stack.ca, HOST, request.as_bytes()).await;
        assert_eq!(reply.status, Some(200), "{method} {path}: {}", reply.text);
    }
    let received = [stack.protected.take(), stack.upstream.take()].concat();
    assert_eq!(received.len(), 5);
    for seen in received {
        for (name, value) in &seen.headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            assert!(!value.contains("evil"), "{} {}: {name}: {value}", seen.method, seen.uri);
        }
        let expected: &[&str] = if seen.target().starts_with("/public") { &[] } else { &["bob"] };
        assert_eq!(seen.all("x-user-id"), expected, "{} {}", seen.method, seen.uri);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t01_t06_forwarded_headers_are_believed_from_traefik_alone() {
    let stack = Stack::start().await;
    let agent = stack.signed_in("alice").await;
    let cookie = format!("{COOKIE}={}", stack.cookie(&agent));
    // Not in BFF_TRUSTED_PROXIES: what it says about the original request is as if unsaid.
    let outsider = Agent::from_address(&stack.ca, Ipv4Addr::new(127, 0, 0, 9));
    let url = format!("https://localhost:{}/auth/forward", stack.verify.port());
    let redirect = outsider
        .visit(&url)
        .header("x-forwarded-uri", "/chosen-by-the-client")
        .header("x-forwarded-host", "evil.test")
        .header("x-forwarded-proto", "http")
        .send()
        .await;
    assert_eq!(redirect.status, 302, "{}", redirect.text());
    let location = redirect.header("location").to_owned();
    assert!(location.starts_with("/auth/login"), "{location}");
    assert!(!location.contains("chosen") && !location.contains("evil"), "{location}");

    // A forged Origin cannot be made "the request's own" by a forged host.
    let forged = outsider
        .request(Method::POST, &url)
        .header("cookie", &cookie)
        .header("x-forwarded-host", "evil.test")
        .header("x-forwarded-method", "GET")
        .header("x-forwarded-proto", "https")
        .header("origin", "https://evil.test")
        .send()
        .await;
    assert_eq!(
        (forged.status.as_u16(), forged.problem().as_str()),
        (403, "csrf"),
        "{}",
        forged.text()
    );

    // Two of a header is nobody's header.
    let doubled = stack
        .ask_verify(&agent, "/app/")
        .add("x-forwarded-method", b"POST")
        .add("x-forwarded-host", b"evil.test")
        .send()
        .await;
    assert!(!doubled.status.is_success(), "{}", doubled.status);
}

#[tokio::test(flavor = "multi_thread")]
async fn t07_no_header_of_a_client_turns_no_into_yes() {
    let stack = Stack::start().await;
    let agent = stack.agent();
    for (name, value) in [
        ("user-agent", "kube-probe/1.30"),
        ("user-agent", "GoogleHC/1.0"),
        ("user-agent", "ELB-HealthChecker/2.0"),
        ("accept", "text/event-stream"),
        ("accept", "*/*"),
        ("upgrade", "websocket"),
        ("x-forwarded-method", "OPTIONS"),
        ("x-forwarded-method", "HEAD"),
        ("x-forwarded-uri", "/health"),
        ("x-forwarded-uri", "/auth/login"),
        ("x-forwarded-uri", "/favicon.ico"),
        ("x-forwarded-uri", "/.well-known/jwks.json"),
        ("x-forwarded-for", "127.0.0.1, 10.0.0.1"),
        ("x-original-url", "/health"),
        ("authorization", "Bearer eyJhbGciOiJub25lIn0.e30."),
        ("authorization", "Basic YWRtaW46YWRtaW4="),
        ("x-user-id", "alice"),
        ("x-internal", "true"),
        ("host", "localhost"),
    ] {
        for path in ["/auth/verify", "/auth/forward", "/auth/verify/any/suffix", "/auth/verify?x=y"]
        {
            for method in [Method::GET, Method::POST, Method::OPTIONS, Method::HEAD] {
                let url = format!("https://localhost:{}{path}", stack.verify.port());
                let reply = agent.request(method.clone(), &url).header(name, value).send().await;
                assert_eq!(reply.status, 401, "{method} {path} {name}: {value}");
                for identity in IDENTITY {
                    assert_eq!(reply.header(identity), "", "{name}: {value}");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_answers_any_method_and_suffix_with_an_empty_200() {
    let stack = Stack::start().await;
    let agent = stack.signed_in("alice").await;
    let cookie = format!("{COOKIE}={}", stack.cookie(&agent));
    for path in [
        "/auth/verify",
        "/auth/forward",
        "/auth/verify/",
        "/auth/verify/a/b",
        "/auth/forward/x?y=z",
    ] {
        for method in
            [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS]
        {
            let url = format!("https://localhost:{}{path}", stack.verify.port());
            let reply = agent
                .request(method.clone(), &url)
                .header("cookie", &cookie)
                .body("ignored")
                .send()
                .await;
            assert_eq!(reply.status, 200, "{method} {path}: {}", reply.text());
            assert!(reply.body.is_empty(), "{method} {path}");
            assert_eq!(reply.header("x-user-id"), "alice", "{method} {path}");
            assert_eq!(reply.header("cache-control"), "no-store", "{method} {path}");
            assert_eq!(reply.header("set-cookie"), "", "{method} {path}");
            for name in IDENTITY {
                assert!(reply.headers.contains_key(name), "{method} {path}: {name}");
            }
            assert_eq!(reply.version, Version::HTTP_2, "ALPN offers h2");
        }
    }
    // And by HTTP/1.1, where another proxy speaks that.
    let request = format!(
        "GET /auth/verify HTTP/1.1\r\nHost: x\r\nUser-Agent: {CHROME}\r\nCookie: a=b\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"
    );
    let reply = raw::tls(stack.verify, &stack.ca, "localhost", request.as_bytes()).await;
    assert_eq!(reply.status, Some(200), "{}", reply.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn c68_only_a_navigation_is_redirected_and_only_at_forward() {
    let stack = Stack::start().await;
    let agent = stack.agent();
    let ask = async |path: &str, method: &str, headers: &[(&str, &str)]| {
        let url = format!("https://localhost:{}{path}", stack.verify.port());
        let call = agent
            .get(&url)
            .header("x-forwarded-uri", "/app/x?a=b&c=d")
            .header("x-forwarded-method", method)
            .header("x-forwarded-host", HOST)
            .header("x-forwarded-proto", "https");
        headers.iter().fold(call, |call, (name, value)| call.header(name, value)).send().await
    };
    let page = [("accept", "text/html")];
    let navigation = [("sec-fetch-mode", "navigate"), ("accept", "text/html")];
    for headers in [&page[..], &navigation[..]] {
        for method in ["GET", "HEAD"] {
            let reply = ask("/auth/forward", method, headers).await;
            assert_eq!(reply.status, 302, "{method} {headers:?}");
            assert_eq!(
                reply.header("location"),
                "/auth/login?return_to=%2Fapp%2Fx%3Fa%3Db%26c%3Dd"
            );
            assert!(reply.header("cache-control").contains("no-store"));
        }
        assert_eq!(ask("/auth/forward", "POST", headers).await.status, 401);
        assert_eq!(ask("/auth/verify", "GET", headers).await.status, 401);
    }
    for headers in [
        &[("sec-fetch-mode", "cors"), ("accept", "text/html")][..],
        &[("sec-fetch-mode", "no-cors"), ("accept", "image/avif,*/*")],
        &[("sec-fetch-mode", "websocket")],
        &[("accept", "application/json")],
        &[("accept", "application/json, text/html;q=0.5")],
        &[("accept", "*/*")],
        &[],
    ] {
        let reply = ask("/auth/forward", "GET", headers).await;
        assert_eq!(reply.status, 401, "{headers:?}");
        assert!(!reply.header("www-authenticate").is_empty(), "{headers:?}");
        assert!(
            reply.json()["login_url"].as_str().is_some_and(|url| url.starts_with("/auth/login")),
            "{headers:?}"
        );
        assert_eq!(reply.header("set-cookie"), "", "a miss clears no cookie");
    }
}
