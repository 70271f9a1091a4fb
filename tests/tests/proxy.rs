//! The API proxy: what is reachable, what goes up, what comes down.

use std::sync::Arc;

use e2e::raw;
use e2e::service::{Service, answer};
use e2e::stack::{COOKIE, Stack};
use e2e::traefik::HOST;
use http::Method;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn c61_a_public_route_never_carries_a_token_and_a_session_route_never_lacks_one() {
    let stack = Stack::start().await;
    let agent = stack.signed_in("alice").await;
    let reply = agent.fetch(Method::GET, &stack.at("/api/public/prices?for=me")).send().await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let seen = stack.upstream.take().remove(0);
    assert_eq!(seen.target(), "/public/prices?for=me");
    for name in ["authorization", "dpop", "cookie", "x-user-id"] {
        assert_eq!(seen.all(name), [""; 0], "{name}");
    }
    let nobody = stack.agent();
    assert_eq!(nobody.fetch(Method::GET, &stack.at("/api/public/x")).send().await.status, 200);
    assert_eq!(nobody.fetch(Method::GET, &stack.at("/api/echo/x")).send().await.status, 401);
    assert_eq!(stack.upstream.take().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn c62_c34_what_the_browser_says_about_itself_never_reaches_the_service() {
    let stack = Stack::start().await;
    let agent = stack.signed_in("alice").await;
    let csrf = stack.session(&agent).await["csrf_token"].as_str().expect("a token").to_owned();
    let names = [
        "Authorization",
        "DPoP",
        "DPoP",
        "dpop",
        "X-User-Id",
        "X-User-ID",
        "x_user_id",
        "X-Tenant-Id",
        "X-Tenant-Slug",
        "X-Master-Flags",
        "X-User-Roles",
        "X-Session-ID",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Forwarded-User",
        "Forwarded",
        "X-Real-Ip",
        "X-Wicket-Signature",
        "X-Wicket-Timestamp",
        "Proxy-Authorization",
        "TE",
        "Keep-Alive",
        "X-Named-Hop",
    ];
    // Straight at the BFF as well: it must not lean on what Traefik strips. There the test stands in
    // Traefik's place, so what it says about the way here is true.
    for through_traefik in [true, false] {
        let spoofed: Vec<_> = names
            .iter()
            .filter(|name| {
                through_traefik || !matches!(**name, "X-Forwarded-For" | "X-Forwarded-Host")
            })
            .map(|name| format!("{name}: evil\r\n"))
            .collect();
        let request = format!(
            "POST /api/echo/a%20b?q=1&q=2 HTTP/1.1\r\nHost: {HOST}:{}\r\nUser-Agent: {}\r\nOrigin: {}\r\nX-CSRF-Token: {csrf}\r\n\
             X-Forwarded-Proto: https\r\nCookie: {COOKIE}={}; theme=dark\r\nX-Kept: yes\r\n{}Connection: close, X-Named-Hop\r\nContent-Length: 4\r\n\r\nbody",
            stack.traefik.secure.port(),
            e2e::agent::CHROME,
            stack.origin,
            stack.cookie(&agent),
            spoofed.concat(),
        );
        let reply = if through_traefik {
            raw::tls(stack.traefik.secure, &stack.ca, HOST, request.as_bytes()).await
        } else {
            raw::plain(stack.bff_address, request.as_bytes()).await
        };
        assert_eq!(reply.status, Some(200), "{}", reply.text);
        let seen = stack.upstream.take().remove(0);
        assert_eq!(
            (seen.target(), seen.method.as_str(), &seen.body[..]),
            ("/echo/a%20b?q=1&q=2", "POST", &b"body"[..])
        );
        for (name, value) in &seen.headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            assert!(!value.contains("evil"), "{name}: {value}");
        }
        assert_eq!(seen.header("x-kept"), "yes");
        assert_eq!(seen.all("x-user-id"), ["alice"]);
        assert_eq!(seen.all("authorization").len(), 1);
        assert_eq!(seen.all("dpop").len(), 1);
        let id = seen.header("x-request-id");
        assert_eq!(seen.header("traceparent"), format!("00-{id}-{}-00", &id[16..]));
        assert!(!seen.all("cookie").join(";").contains(COOKIE), "the session cookie went up");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c59_no_spelling_of_a_path_reaches_what_is_not_listed() {
    let stack = Stack::start().await;
    let agent = stack.signed_in("alice").await;
    let cookie = stack.cookie(&agent);
    for target in [
        "/api/echo/../../secret",
        "/api/echo/%2e%2e/%2e%2e/secret",
        "/api/echo/..%2fsecret",
        "/api/echo/%2e%2e%2fsecret",
        "/api/echo/..%5csecret",
        "/api/echo/..\\..\\secret",
        "/api/echo//evil.test/x",
        "/api/echo/%00",
        "/api/echo/a%0d%0aX:y",
        "/api/echo/.%2e/secret",
        "/api/unknown",
        "/api/echoes/x",
        "/API/echo/x",
        "/api/ECHO/x",
        "/api//echo/x",
        "//api/echo/x",
        "/api/echo@evil.test/x",
        "http://evil.test/api/echo/x",
        "/api/echo/%252e%252e/secret",
        "/api/echo/;/../secret",
        "/api/echo/#x",
        "/api/echo/\u{e9}",
        "/api/public/..%2f..%2fsecret",
        "/api/orders/../../secret",
        "/api/orders/x",
    ] {
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: {HOST}:{}\r\nUser-Agent: {}\r\nCookie: {COOKIE}={cookie}\r\nSec-Fetch-Site: same-origin\r\nX-Forwarded-Proto: https\r\nX-Forwarded-For: 127.0.0.1\r\nConnection: close\r\n\r\n",
            stack.traefik.secure.port(),
            e2e::agent::CHROME,
        );
        let reply = raw::plain(stack.bff_address, request.as_bytes()).await;
        assert!(reply.status.is_none_or(|status| status < 500), "{target}: {}", reply.text);
        for seen in stack.upstream.take() {
            let path = seen.target();
            let inside = path.starts_with("/echo/") || path.starts_with("/public/");
            let tricks =
                ["..", "%2e", "%2E", "%2f", "%2F", "%5c", "%5C", "\\", "//", "%00", "%0d", "%0D"];
            assert!(
                inside && !tricks.iter().any(|trick| path.contains(trick)),
                "{target} went up as {path}"
            );
        }
        assert!(stack.orders.take().is_empty(), "{target} reached another service");
    }
    for method in [Method::PATCH, Method::DELETE, Method::PUT, Method::TRACE] {
        let csrf = stack.session(&agent).await["csrf_token"].as_str().expect("a token").to_owned();
        let reply = agent
            .fetch(method.clone(), &stack.at("/api/orders"))
            .header("x-csrf-token", &csrf)
            .send()
            .await;
        assert!(matches!(reply.status.as_u16(), 403..=405), "{method}: {}", reply.status);
    }
    assert!(stack.orders.take().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn c26_c27_the_proof_is_for_the_url_the_service_sees() {
    let stack = Stack::start().await;
    let agent = stack.signed_in("alice").await;
    // `orders` checks signature, audience, scope and proof itself; 200 says that all of it was right.
    for _ in 0..3 {
        assert_eq!(stack.post(&agent, "/api/orders", &json!({})).await.status, 200);
    }
    let seen = stack.orders.seen();
    let proofs: std::collections::BTreeSet<_> =
        seen.iter().map(|seen| seen.header("dpop")).collect();
    assert_eq!(proofs.len(), seen.len(), "a proof was used twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn upstream_trouble_becomes_a_problem_document_and_ends_no_session() {
    let away = e2e::ports::free();
    let stack = Stack::plan()
        .service(&format!("away: {{ base_url: \"http://{away}\", timeout: 1s }}"))
        .route("{ id: away, path: \"/api/away/*\", target_service: away, upstream_path: \"/{path}\", methods: [GET], auth: session }")
        .start()
        .await;
    let agent = stack.signed_in("alice").await;
    let get = async || agent.fetch(Method::GET, &stack.at("/api/away/x")).send().await;
    let reply = get().await;
    assert_eq!(reply.status, 502, "{}", reply.text());
    assert!(!reply.problem().is_empty());
    assert!(
        !reply.text().contains(&away.to_string()),
        "the address of a service leaks: {}",
        reply.text()
    );

    let hanging = tokio::net::TcpListener::bind(away).await.expect("still free");
    let reply = tokio::select! {
        reply = get() => reply,
        () = async { let mut kept = Vec::new(); loop { kept.push(hanging.accept().await) } } => unreachable!("accepts for ever"),
    };
    assert_eq!(reply.status, 504, "{}", reply.text());
    assert!(!reply.problem().is_empty());
    assert_eq!(stack.session(&agent).await["authenticated"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_the_service_comes_down_as_it_is_but_sets_no_cookie_of_ours() {
    let service = Service::start(None, async |seen| {
        let mut answer = answer(418, "application/vnd.teapot+json", seen.body.clone());
        for (name, value) in [
            ("x-teapot", "yes"),
            ("set-cookie", "bff_session=forged; Path=/"),
            ("connection", "x-hop"),
            ("x-hop", "1"),
        ] {
            answer.headers_mut().append(name, value.parse().expect("a value"));
        }
        answer
    })
    .await;
    let service = Arc::new(service);
    let stack = Stack::plan()
        .service(&format!("teapot: {{ base_url: \"{}\" }}", service.origin()))
        .route("{ id: teapot, path: \"/api/teapot\", target_service: teapot, upstream_path: \"/brew\", methods: [POST], auth: session }")
        .start()
        .await;
    let agent = stack.signed_in("alice").await;
    let cookie = stack.cookie(&agent);
    let reply = stack.post(&agent, "/api/teapot", &json!({"a": "\u{fc}"})).await;
    assert_eq!(reply.status, 418);
    assert_eq!((reply.header("x-teapot"), reply.header("x-hop")), ("yes", ""));
    assert_eq!(reply.header("content-type"), "application/vnd.teapot+json");
    assert_eq!(reply.json(), json!({"a": "\u{fc}"}));
    assert_eq!(stack.cookie(&agent), cookie, "a service replaced the session cookie");
    assert_eq!(stack.session(&agent).await["authenticated"], true);
}
