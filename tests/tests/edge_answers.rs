//! The shipped Traefik configuration in the real Traefik: what a client sees, and what it cannot reach.

use e2e::edge::{Edge, Form, allowed, refused};
use e2e::raw;
use e2e::service::answer;
use e2e::traefik::HOST;
use http::Method;

e2e::in_both_forms!(
    t02_verify_is_not_reachable_from_outside_in_any_spelling,
    what_verify_refuses_reaches_the_client_as_it_is_and_the_service_not_at_all,
    t08_an_answer_of_verify_that_is_too_large_lets_nobody_through,
    c65_a_preflight_is_answered_before_verify_and_a_401_can_be_read_by_a_listed_origin,
    answers_carry_the_security_headers_and_no_identity,
    plain_http_only_redirects_and_an_unknown_host_gets_nothing,
);

async fn t02_verify_is_not_reachable_from_outside_in_any_spelling(form: Form) {
    let edge = Edge::start(form).await;
    for path in [
        "/auth/verify",
        "/auth/forward",
        "/auth/verify/",
        "/auth/forward/x",
        "/auth/verify?policy=x",
        "/auth/%76erify",
        "//auth//verify",
        "/auth/./verify",
        "/x/../auth/verify",
        "/auth/forward%2f",
        "/auth%2fverify",
        "/auth%5cverify",
        "/auth/verify%00",
        "/auth/verify%23",
        "/auth/verify%3fx",
        "/auth/verify%253f",
    ] {
        let reply = edge.raw(&format!("GET {path} HTTP/1.1")).await;
        assert!(matches!(reply.status, Some(400 | 404)), "{path}: {}", reply.text);
        assert!(edge.verify.take().is_empty(), "{path} reached verify");
        let leaked = edge.bff.take();
        assert!(leaked.is_empty(), "{path} reached the BFF: {leaked:?}");
    }
}

async fn what_verify_refuses_reaches_the_client_as_it_is_and_the_service_not_at_all(form: Form) {
    let edge = Edge::start(form).await;
    edge.verify_says(refused);
    let reply = edge.agent.get(&edge.at("/app/x")).send().await;
    assert_eq!(reply.status, 401);
    assert_eq!(reply.problem(), "no_session");
    assert_eq!(reply.header("www-authenticate"), "Session");

    edge.verify_says(|| {
        let mut answer = answer(302, "text/plain", "");
        answer
            .headers_mut()
            .insert("location", "/auth/login?return_to=%2Fapp%2Fx".parse().expect("a value"));
        answer
    });
    let reply = edge.agent.get(&edge.at("/app/x")).send().await;
    assert_eq!(
        reply.header("location"),
        "/auth/login?return_to=%2Fapp%2Fx",
        "the address of verify leaks"
    );

    edge.verify_says(|| answer(503, "application/problem+json", "{}"));
    assert_eq!(edge.agent.get(&edge.at("/app/x")).send().await.status, 503);

    // Once identity headers are among what a refusal carries, they must not get out.
    edge.verify_says(|| {
        let mut answer = allowed();
        *answer.status_mut() = http::StatusCode::FORBIDDEN;
        answer
    });
    let reply = edge.agent.get(&edge.at("/app/x")).send().await;
    assert_eq!((reply.status.as_u16(), reply.header("x-user-id")), (403, ""));

    assert!(edge.protected.take().is_empty(), "a refused request reached the service");
}

async fn t08_an_answer_of_verify_that_is_too_large_lets_nobody_through(form: Form) {
    let edge = Edge::start(form).await;
    edge.verify_says(|| {
        let mut answer = allowed();
        *answer.body_mut() = http_body_util::Full::from(vec![b'x'; 64 * 1024]);
        answer
    });
    let reply = edge.agent.get(&edge.at("/app/x")).send().await;
    assert!(!reply.status.is_success(), "{}", reply.status);
    assert!(edge.protected.take().is_empty());
}

async fn c65_a_preflight_is_answered_before_verify_and_a_401_can_be_read_by_a_listed_origin(
    form: Form,
) {
    let edge = Edge::start(form).await;
    edge.verify_says(refused);
    let preflight = |origin: &'static str| {
        edge.agent
            .request(Method::OPTIONS, &edge.at("/app/x"))
            .header("origin", origin)
            .header("access-control-request-method", "PUT")
            .header("access-control-request-headers", "x-csrf-token")
    };
    let reply = preflight("https://spa.wicket.test").send().await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("access-control-allow-origin"), "https://spa.wicket.test");
    assert_eq!(reply.header("access-control-allow-credentials"), "true");
    assert!(edge.verify.take().is_empty(), "verify was asked about a preflight");

    let reply = preflight("https://evil.test").send().await;
    assert_eq!(reply.header("access-control-allow-origin"), "");

    let reply = edge
        .agent
        .get(&edge.at("/app/x"))
        .header("origin", "https://other.wicket.test")
        .send()
        .await;
    assert_eq!(reply.status, 401);
    assert_eq!(reply.header("access-control-allow-origin"), "https://other.wicket.test");
    assert!(reply.header("vary").contains("Origin"));
}

async fn answers_carry_the_security_headers_and_no_identity(form: Form) {
    let edge = Edge::start(form).await;
    for path in ["/", "/app/x", "/api/x", "/auth/login"] {
        let reply = edge.agent.get(&edge.at(path)).send().await;
        assert_eq!(reply.status, 200, "{path}");
        assert!(
            reply.header("strict-transport-security").starts_with("max-age=31536000"),
            "{path}"
        );
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(reply.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(reply.header("x-user-id"), "", "{path}");
    }
    for path in ["/", "/app/x"] {
        let reply = edge.agent.get(&edge.at(path)).send().await;
        let policy = reply.header("content-security-policy");
        assert!(
            policy.contains("worker-src 'self' blob:") && policy.contains("object-src 'none'"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
    }
}

async fn plain_http_only_redirects_and_an_unknown_host_gets_nothing(form: Form) {
    let edge = Edge::start(form).await;
    let reply =
        edge.agent.get(&format!("http://{HOST}:{}/app/x", edge.traefik.plain.port())).send().await;
    assert!(reply.status.is_redirection(), "{}", reply.status);
    assert!(reply.header("location").starts_with("https://"));

    let request = b"GET /app/x HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n\r\n";
    let reply = raw::tls(edge.traefik.secure, &edge.ca, HOST, request).await;
    assert!(matches!(reply.status, Some(404 | 421)), "{}", reply.text);
    assert!(edge.verify.take().is_empty() && edge.protected.take().is_empty());
}
