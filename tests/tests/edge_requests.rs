//! The shipped Traefik configuration in the real Traefik: what reaches a service and what reaches verify.

use std::net::Ipv4Addr;
use std::sync::Arc;

use e2e::agent::Agent;
use e2e::edge::{Edge, Form, IDENTITY, allowed, refused};
use e2e::identity::spellings;
use e2e::raw;
use e2e::service::answer;
use e2e::traefik::HOST;
use e2e::wait;
use http::{Method, Version};
use tokio::task::JoinSet;

e2e::in_both_forms!(
    the_shipped_configuration_starts_without_a_warning,
    t04_spoofed_identity_reaches_no_service_in_any_spelling,
    t04_identity_is_gone_when_verify_leaves_it_out,
    t05_a_connection_line_cannot_take_the_verified_identity_away,
    t01_t06_verify_hears_of_the_real_request_whatever_the_client_claims,
    t03_a_host_in_another_spelling_goes_past_no_rule,
    t03_a_host_in_another_script_is_another_host,
    verify_is_asked_over_one_http_2_connection,
    c62_the_session_cookie_goes_to_verify_and_not_to_the_service,
    t17_a_request_head_beyond_the_limit_stops_at_the_edge,
    one_address_is_slowed_down_and_the_others_are_not,
    t18_the_access_log_holds_no_code_no_state_and_no_cookie,
);

/// Names under which identity or routing is believed by services, beside the above.
const FOREIGN: [&str; 8] = [
    "x-forwarded-user",
    "x-forwarded-email",
    "x-auth-request-user",
    "remote-user",
    "x-original-url",
    "x-rewrite-url",
    "x-wicket-signature",
    "forwarded",
];

async fn the_shipped_configuration_starts_without_a_warning(form: Form) {
    let edge = Edge::start(form).await;
    let log = edge.traefik.log();
    let complaints: Vec<_> = log
        .lines()
        .filter(|line| {
            [r#""level":"warn""#, r#""level":"error""#].iter().any(|level| line.contains(level))
        })
        .collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
}

async fn t04_spoofed_identity_reaches_no_service_in_any_spelling(form: Form) {
    let edge = Edge::start(form).await;
    let names = IDENTITY.iter().map(|(name, _)| *name).chain(FOREIGN);
    let lines: Vec<_> =
        names.flat_map(spellings).map(|name| format!("\r\n{name}: evil-{name}")).collect();
    let spoofed = lines.concat();
    for (path, service) in [
        ("/app/x", &edge.protected),
        ("/api/x", &edge.bff),
        ("/auth/login", &edge.bff),
        ("/x", &edge.pages),
    ] {
        for method in ["GET", "POST", "OPTIONS", "HEAD"] {
            let reply = edge.raw(&format!("{method} {path} HTTP/1.1{spoofed}{spoofed}")).await;
            assert_eq!(reply.status, Some(200), "{method} {path}: {}", reply.text);
            for seen in service.take() {
                for (name, value) in &seen.headers {
                    let value = String::from_utf8_lossy(value.as_bytes());
                    assert!(!value.contains("evil"), "{method} {path}: {name}: {value}");
                }
                if path == "/app/x" {
                    for (name, value) in IDENTITY {
                        assert_eq!(seen.all(name), [value], "{method} {path}");
                    }
                }
            }
        }
    }
}

async fn t04_identity_is_gone_when_verify_leaves_it_out(form: Form) {
    let edge = Edge::start(form).await;
    edge.verify_says(|| answer(200, "text/plain", ""));
    let reply =
        edge.raw("GET /app/x HTTP/1.1\r\nX-User-ID: evil\r\nAuthorization: Bearer evil").await;
    assert_eq!(reply.status, Some(200));
    let seen = edge.protected.take().remove(0);
    assert_eq!((seen.header("x-user-id"), seen.header("authorization")), ("", ""));
}

async fn t05_a_connection_line_cannot_take_the_verified_identity_away(form: Form) {
    const TRUSTED: [&str; 9] = [
        "x-user-id, x-user-roles, close",
        "Authorization",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Forwarded-Method",
        "X-Forwarded-Port",
        "X-Forwarded-Proto",
        "X-Forwarded-Uri",
        "X-Real-Ip",
    ];
    let edge = Edge::start(form).await;
    for named in TRUSTED.into_iter().chain(IDENTITY.into_iter().map(|(name, _)| name)) {
        let reply = edge.raw(&format!("GET /app/x HTTP/1.1\r\nConnection: close, {named}")).await;
        assert_eq!(reply.status, Some(200), "{named}: {}", reply.text);
        let seen = edge.protected.take().remove(0);
        for (name, value) in IDENTITY {
            assert_eq!(seen.all(name), [value], "{named}");
        }
        let asked = edge.verify.take().remove(0);
        for (name, value) in
            [("uri", "/app/x"), ("method", "GET"), ("proto", "https"), ("for", "127.0.0.1")]
        {
            assert_eq!(asked.header(&format!("x-forwarded-{name}")), value, "{named}");
        }
        assert!(asked.header("x-forwarded-host").starts_with(HOST), "{named}");
        for (path, service) in
            [("/app/x", &edge.protected), ("/api/x", &edge.bff), ("/x", &edge.pages)]
        {
            let reply =
                edge.raw(&format!("GET {path} HTTP/1.1\r\nConnection: close, {named}")).await;
            assert_eq!(reply.status, Some(200), "{path}, {named}: {}", reply.text);
            let seen = service.take().remove(0);
            for (name, value) in [("proto", "https"), ("for", "127.0.0.1")] {
                assert_eq!(seen.header(&format!("x-forwarded-{name}")), value, "{path}, {named}");
            }
            assert!(seen.header("x-forwarded-host").starts_with(HOST), "{path}, {named}");
        }
        edge.verify.take();
    }
}

async fn t01_t06_verify_hears_of_the_real_request_whatever_the_client_claims(form: Form) {
    let edge = Edge::start(form).await;
    let claims = "\r\nX-Forwarded-Uri: /public\r\nX-Forwarded-Method: OPTIONS\r\nX-Forwarded-Host: evil.test\
        \r\nX-Forwarded-Proto: http\r\nX-Forwarded-Port: 1\r\nX-Forwarded-For: 6.6.6.6\r\nX-Real-Ip: 6.6.6.6\
        \r\nX-Forwarded-Prefix: /evil\r\nForwarded: for=6.6.6.6\r\nX_Forwarded_Uri: /public\
        \r\nX-Forwarded-Scheme: http";
    let reply = edge.raw(&format!("DELETE /app/a?b=c HTTP/1.1{claims}{claims}")).await;
    assert_eq!(reply.status, Some(200), "{}", reply.text);
    let asked = edge.verify.take().remove(0);
    assert_eq!(asked.method, Method::GET);
    assert_eq!(asked.target(), "/auth/forward");
    for (name, value) in [
        ("x-forwarded-uri", "/app/a?b=c"),
        ("x-forwarded-method", "DELETE"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-for", "127.0.0.1"),
    ] {
        assert_eq!(asked.all(name), [value], "{name}");
    }
    assert_eq!(asked.all("x-forwarded-host"), [format!("{HOST}:{}", edge.traefik.secure.port())]);
    for value in asked.headers.values() {
        let value = String::from_utf8_lossy(value.as_bytes());
        assert!(!value.contains("evil") && !value.contains("6.6.6.6"), "{:?}", asked.headers);
    }
    for name in ["forwarded", "x-forwarded-prefix", "x-forwarded-scheme", "x_forwarded_uri"] {
        assert!(asked.all(name).is_empty(), "{name}: {:?}", asked.headers);
    }
    assert!(!asked.all("x-forwarded-port").contains(&"1".to_owned()), "{:?}", asked.headers);
}

async fn t03_a_host_in_another_spelling_goes_past_no_rule(form: Form) {
    let edge = Edge::start(form).await;
    let port = edge.traefik.secure.port();
    let with_port = format!("APP.Wicket.Test:{port}");
    let hosts = [
        "APP.WICKET.TEST",
        "app.wicket.test.",
        "App.Wicket.Test.",
        "app.wicket.test:1",
        &with_port,
    ];
    let ask = async |host: &str| {
        let request = format!("GET /app/x HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        raw::tls(edge.traefik.secure, &edge.ca, HOST, request.as_bytes()).await
    };
    edge.verify_says(refused);
    for host in hosts {
        let reply = ask(host).await;
        assert!(matches!(reply.status, Some(401 | 404 | 421)), "{host}: {}", reply.text);
        assert!(edge.protected.take().is_empty(), "{host}");
    }
    edge.verify.take();
    edge.verify_says(allowed);
    for host in hosts {
        let reply = ask(host).await;
        let (asked, reached) = (edge.verify.take().len(), edge.protected.take().len());
        assert_eq!(asked, reached, "{host}: {}", reply.text);
        assert_eq!(reached == 1, reply.status == Some(200), "{host}: {}", reply.text);
    }
    assert_eq!(ask(&with_port).await.status, Some(200));
}

/// Names that a lenient reader of internationalised names (IDNA) takes for the protected host, and a neighbour in another script.
async fn t03_a_host_in_another_script_is_another_host(form: Form) {
    let edge = Edge::start(form).await;
    edge.verify_says(allowed);
    for host in [
        "\u{ff41}pp.wicket.test",
        "app\u{3002}wicket.test",
        "a\u{ad}pp.wicket.test",
        "\u{430}pp.wicket.test",
        "%61pp.wicket.test",
        "xn--app-.wicket.test",
        "b\u{fc}cher.wicket.test",
        "xn--bcher-kva.wicket.test",
    ] {
        let request = format!("GET /app/x HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let reply = raw::tls(edge.traefik.secure, &edge.ca, HOST, request.as_bytes()).await;
        assert!(matches!(reply.status, Some(400 | 404 | 421)), "{host}: {}", reply.text);
        assert!(edge.protected.take().is_empty() && edge.verify.take().is_empty(), "{host}");
    }
}

async fn verify_is_asked_over_one_http_2_connection(form: Form) {
    let edge = Arc::new(Edge::start(form).await);
    let mut load = JoinSet::new();
    for _ in 0..16 {
        let edge = Arc::clone(&edge);
        load.spawn(async move {
            for _ in 0..5 {
                assert_eq!(edge.agent.get(&edge.at("/app/x")).send().await.status, 200);
            }
        });
    }
    load.join_all().await;
    let asked = edge.verify.take();
    assert_eq!(asked.len(), 80);
    assert!(asked.iter().all(|seen| seen.version == Version::HTTP_2), "{:?}", asked[0].version);
    let connections: std::collections::BTreeSet<_> =
        asked.iter().map(|seen| seen.connection).collect();
    assert!(connections.len() <= 2, "{} connections for 16 at once", connections.len());
}

async fn c62_the_session_cookie_goes_to_verify_and_not_to_the_service(form: Form) {
    let edge = Edge::start(form).await;
    let head = "GET /app/x HTTP/1.1\r\nCookie: bff_session=secret; theme=dark\r\nCookie: other=1";
    assert_eq!(edge.raw(head).await.status, Some(200));
    assert!(edge.verify.take().remove(0).all("cookie").join("; ").contains("bff_session=secret"));
    assert_eq!(edge.protected.take().remove(0).all("cookie"), [""; 0]);
}

async fn t17_a_request_head_beyond_the_limit_stops_at_the_edge(form: Form) {
    let edge = Edge::start(form).await;
    let cookie = "x".repeat(64 * 1024);
    let reply = edge.raw(&format!("GET /app/x HTTP/1.1\r\nCookie: a={cookie}")).await;
    assert_eq!(reply.status, Some(431), "{}", &reply.text[..reply.text.len().min(200)]);
    assert!(edge.verify.take().is_empty());
}

async fn one_address_is_slowed_down_and_the_others_are_not(form: Form) {
    let edge = Edge::start(form).await;
    let hasty = Arc::new(Agent::from_address(&edge.ca, Ipv4Addr::new(127, 0, 0, 9)));
    let url = edge.at("/x");
    let mut load = JoinSet::new();
    for _ in 0..400 {
        let (hasty, url) = (Arc::clone(&hasty), url.clone());
        load.spawn(async move { hasty.get(&url).send().await.status.as_u16() });
    }
    let statuses = load.join_all().await;
    assert!(statuses.contains(&429), "400 requests at once passed");
    assert_eq!(edge.agent.get(&url).send().await.status, 200);
}

async fn t18_the_access_log_holds_no_code_no_state_and_no_cookie(form: Form) {
    let edge = Edge::start(form).await;
    let url = edge.at("/auth/callback?code=canary-code&state=canary-state");
    let reply = edge.agent.get(&url).header("cookie", "bff_session=canary-cookie").send().await;
    assert_eq!(reply.status, 200);
    let log = wait::until("the access is logged", wait::START, async || {
        let log = edge.traefik.log();
        log.contains("/auth/callback").then_some(log)
    })
    .await;
    assert!(!log.contains("canary"), "{log}");
}
