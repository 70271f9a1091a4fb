//! What verify and services hear.

use e2e::edge::IDENTITY;
use e2e::gate::Kind;
use e2e::identity::spellings;
use e2e::raw;
use e2e::traefik::HOST;
use http::Method;

use crate::scene::{GOOD, Scene};

crate::with_each!(
    t04_every_request_ends_where_it_belongs,
    t01_a_path_is_refused_or_made_plain_before_it_is_looked_at,
    t04_identity_is_gone_when_verify_leaves_it_out,
    t12_verify_hears_the_clients_token_and_the_service_does_not,
    t05_a_connection_line_cannot_take_the_verified_identity_away,
    t01_t06_verify_and_services_hear_of_the_real_request_whatever_the_client_claims,
    a_body_reaches_the_service_whole_and_verify_not_at_all,
);

async fn t04_every_request_ends_where_it_belongs(kind: Kind) {
    let scene = Scene::start(kind).await;
    let names = IDENTITY.map(|(name, _)| name).into_iter().chain([
        "x-forwarded-user",
        "x-auth-request-user",
        "remote-user",
        "x-original-url",
        "x-rewrite-url",
        "x-wicket-signature",
        "forwarded",
    ]);
    let spoofed: Vec<_> =
        names.flat_map(spellings).map(|name| format!("\r\n{name}: evil-{name}")).collect();
    let spoofed = spoofed.concat();
    for (line, cookie, status, reached) in [
        ("GET /auth/login?return_to=%2F", "", 200, "bff"),
        ("POST /auth/logout", "", 200, "bff"),
        ("GET /.well-known/jwks.json", "", 200, "bff"),
        ("GET /api/auth/session", GOOD, 200, "bff"),
        ("PUT /api/orders?a=b", GOOD, 200, "bff"),
        ("GET /", GOOD, 200, "spa"),
        ("GET /a/page", "", 200, "spa"),
        ("GET /app/", "", 401, ""),
        ("POST /app/x", "bff_session=bad", 401, ""),
        ("OPTIONS /app/x", "", 401, ""),
        ("GET /app/x", "bff_session=banned", 403, ""),
        ("GET /app/x?a=b", GOOD, 200, "app"),
        ("DELETE /app/x", GOOD, 200, "app"),
        ("HEAD /app/x", GOOD, 200, "app"),
        ("GET /app%2fx", GOOD, 400, ""),
    ] {
        let cookie_line =
            if cookie.is_empty() { String::new() } else { format!("\r\nCookie: {cookie}") };
        let reply = scene.raw(&format!("{line} HTTP/1.1{spoofed}{spoofed}{cookie_line}")).await;
        assert_eq!(reply.status, Some(status), "{line} {cookie}: {}", reply.text);
        for (name, service) in [("bff", &scene.bff), ("app", &scene.app), ("spa", &scene.spa)] {
            let seen = service.take();
            assert_eq!(seen.len(), usize::from(name == reached), "{line} {cookie}: {name}");
            for seen in seen {
                assert_eq!(format!("{} {}", seen.method, seen.target()), line);
                assert!(
                    !format!("{:?}", seen.headers).contains("evil"),
                    "{line}: {:?}",
                    seen.headers
                );
                for (identity, value) in IDENTITY {
                    let expected = if name == "app" { vec![value.to_owned()] } else { Vec::new() };
                    assert_eq!(seen.all(identity), expected, "{line}: {identity}");
                }
                let cookies = if name == "bff" { cookie } else { "" };
                assert_eq!(seen.all("cookie").concat(), cookies, "{line}");
            }
        }
        let head = reply.text.to_lowercase();
        assert!(!head.contains("leaked"), "{line}: {}", reply.text);
        if reached == "app" || reached == "spa" {
            assert!(
                head.contains("content-security-policy: default-src 'self'; script-src"),
                "{line}: {head}"
            );
        }
        if status == 200 {
            assert!(head.contains("strict-transport-security: max-age=31536000"), "{line}: {head}");
            assert!(head.contains("x-content-type-options: nosniff"), "{line}: {head}");
        }
    }
}

/// What the gate looks at is what the service gets.
async fn t01_a_path_is_refused_or_made_plain_before_it_is_looked_at(kind: Kind) {
    let scene = Scene::start(kind).await;
    for path in
        ["/app//x", "/x/../app/x", "/app/./x", "/app/%2e%2e/x", "/app/..%2fx", "/x/%2e%2e/app/x"]
    {
        for cookie in ["", GOOD] {
            let reply = scene.raw(&format!("GET {path} HTTP/1.1\r\nCookie: {cookie}")).await;
            let reached: Vec<_> =
                [&scene.bff, &scene.app, &scene.spa].iter().flat_map(|each| each.take()).collect();
            if kind != Kind::Envoy || path.contains("%2f") {
                assert_eq!((reply.status, reached.len()), (Some(400), 0), "{path}");
            }
            for seen in reached {
                let plain = ["/app/x", "/x"].contains(&seen.target());
                assert!(plain && (seen.target() == "/x" || cookie == GOOD), "{path}: {seen:?}");
            }
        }
    }
}

async fn t04_identity_is_gone_when_verify_leaves_it_out(kind: Kind) {
    let scene = Scene::start(kind).await;
    let head = "GET /app/x HTTP/1.1\r\nCookie: bff_session=nobody\r\nX-User-ID: evil\r\nAuthorization: Bearer evil";
    let reply = scene.raw(head).await;
    assert_eq!(reply.status, Some(200), "{}", reply.text);
    let seen = scene.app.take().remove(0);
    assert_eq!(
        (seen.all("x-user-id").concat(), seen.all("authorization").concat()),
        (String::new(), String::new())
    );
}

async fn t12_verify_hears_the_clients_token_and_the_service_does_not(kind: Kind) {
    let scene = Scene::start(kind).await;
    let names = "\r\nX-Wicketgate-Authorization: Bearer evil\r\nX-Wicketgate-Proto: evil";
    for (line, heard) in [("", ""), ("\r\nAuthorization: Bearer own", "Bearer own")] {
        let head = format!("GET /app/x HTTP/1.1\r\nCookie: {GOOD}{line}{names}");
        assert_eq!(scene.raw(&head).await.status, Some(200));
        let asked = scene.verify.take().remove(0);
        assert_eq!(asked.all("authorization").concat(), heard);
        assert_eq!(asked.header("x-forwarded-proto"), "https");
        let seen = scene.app.take().remove(0);
        assert_eq!(seen.all("authorization"), [""; 0]);
        assert!(!format!("{:?}", seen.headers).contains("own"), "{:?}", seen.headers);
    }
    // The BFF has routes for tokens.
    let head = "GET /api/x HTTP/1.1\r\nAuthorization: Bearer own";
    assert_eq!(scene.raw(head).await.status, Some(200));
    assert_eq!(scene.bff.take().remove(0).header("authorization"), "Bearer own");
}

async fn t05_a_connection_line_cannot_take_the_verified_identity_away(kind: Kind) {
    let scene = Scene::start(kind).await;
    for lines in [
        "Connection: close, X-User-ID",
        "Connection: close, x-user-id, X-User-Roles, X-Forwarded-Uri, X-Forwarded-For, Cookie",
        "Connection: Upgrade, X-User-ID, close\r\nUpgrade: websocket",
    ] {
        let reply = scene.raw(&format!("GET /app/x HTTP/1.1\r\nCookie: {GOOD}\r\n{lines}")).await;
        if kind == Kind::Envoy && reply.status == Some(400) {
            assert!(scene.app.take().is_empty(), "{lines}");
            continue;
        }
        assert_eq!(reply.status, Some(200), "{lines}: {}", reply.text);
        let seen = scene.app.take().remove(0);
        for (name, value) in IDENTITY {
            assert_eq!(seen.all(name), [value], "{lines}");
        }
        let asked = scene.verify.take().remove(0);
        assert_eq!(asked.header("x-forwarded-uri"), "/app/x", "{lines}");
        let proto = if lines.contains("websocket") { "wss" } else { "https" };
        assert_eq!(asked.header("x-forwarded-proto"), proto, "{lines}");
    }
}

async fn t01_t06_verify_and_services_hear_of_the_real_request_whatever_the_client_claims(
    kind: Kind,
) {
    let scene = Scene::start(kind).await;
    let claims = "\r\nX-Forwarded-Uri: /public\r\nX-Forwarded-Method: OPTIONS\r\nX-Forwarded-Host: evil.test\
        \r\nX-Forwarded-Proto: http\r\nX-Forwarded-Port: 1\r\nX-Forwarded-For: 6.6.6.6\r\nX-Real-Ip: 6.6.6.6\
        \r\nX-Forwarded-Prefix: /evil\r\nForwarded: for=6.6.6.6\r\nX_Forwarded_Uri: /public\
        \r\nX-Forwarded-Scheme: http";
    let host = format!("{HOST}:{}", scene.gate.address.port());
    let cookies = "\r\nCookie: bff_session=good\r\nCookie: second=1";
    let reply = scene
        .raw(&format!("DELETE /app/a?policy=none&b=c HTTP/1.1{claims}{claims}{cookies}"))
        .await;
    assert_eq!(reply.status, Some(200), "{}", reply.text);
    let asked = scene.verify.take().remove(0);
    // Envoy asks with the method of the request.
    assert_eq!(asked.method, if kind == Kind::Envoy { Method::DELETE } else { Method::GET });
    assert!(["/auth/forward", "/auth/verify"].contains(&asked.target()), "{}", asked.target());
    for (name, value) in [
        ("x-forwarded-uri", "/app/a?policy=none&b=c"),
        ("x-forwarded-method", "DELETE"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-host", &host),
    ] {
        assert_eq!(asked.all(name), [value], "{name}");
    }
    let shown = asked.all("cookie").join("; ");
    assert!(shown.contains("bff_session=good") && shown.contains("second=1"), "{shown}");
    scene.app.take();

    // The BFF believes the gate, so it must hear the gate alone.
    scene.raw(&format!("GET /auth/login HTTP/1.1{claims}{claims}")).await;
    let seen = scene.bff.take().remove(0);
    for (name, value) in [
        ("x-forwarded-proto", "https"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-host", &host),
    ] {
        assert_eq!(seen.all(name), [value], "{name}");
    }
    for seen in [asked, seen] {
        let heard = format!("{:?}", seen.headers);
        assert!(!heard.contains("evil") && !heard.contains("6.6.6.6"), "{heard}");
    }
}

async fn a_body_reaches_the_service_whole_and_verify_not_at_all(kind: Kind) {
    let scene = Scene::start(kind).await;
    let body = "x".repeat(512 * 1024);
    let call = scene.agent.request(Method::POST, &scene.at("/app/x")).header("cookie", GOOD);
    let reply = call.header("expect", "100-continue").body(body.clone()).send().await;
    assert_eq!(reply.status, 200);
    assert_eq!(scene.app.take().remove(0).body, body);
    let chunked = "POST /app/x HTTP/1.1\r\nTransfer-Encoding: chunked\r\nCookie: bff_session=good\r\nConnection: close";
    let request = format!(
        "{chunked}\r\nHost: {HOST}:{}\r\n\r\n7\r\nchunked\r\n0\r\n\r\n",
        scene.gate.address.port()
    );
    let reply = raw::tls(scene.gate.address, &scene.ca, HOST, request.as_bytes()).await;
    assert_eq!(reply.status, Some(200), "{}", reply.text);
    assert_eq!(scene.app.take().remove(0).body, "chunked");
    for asked in scene.verify.take() {
        assert!(asked.body.is_empty());
        assert!(["", "0"].contains(&asked.header("content-length")), "{:?}", asked.headers);
        assert_eq!(asked.header("expect"), "");
    }
}
