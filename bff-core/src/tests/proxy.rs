//! What a service sees, and what it never sees.

use http::Method;
use serde_json::json;

use crate::oidc::mock::{ACCESS_TOKEN, NOW, open_proof};
use crate::testing::{Browser, World};

#[tokio::test]
async fn c62_t04_t05_only_our_word_on_identity_reaches_a_service() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    let token = world.csrf(&browser).await;
    let forged = |path: &str, method: Method| {
        browser
            .ask(method, path)
            .with_csrf(&token)
            .header("x-user-id", "evil")
            .header("x_user_id", "evil")
            .header("x-user-roles", "ADMIN")
            .header("x_tenant_id", "evil")
            .header("x-master-flags", "{}")
            .header("x-forwarded-user", "evil")
            .header("forwarded", "for=6.6.6.6")
            .header("authorization", "Bearer evil")
            .header("dpop", "evil")
            .header("x-http-method-override", "DELETE")
            .header("cookie", "other=evil")
            .header("connection", "x-user-id, authorization, x-request-id, x-kept")
            .header("x-kept", "evil")
            .header("x-client-version", "1.2")
            .header("x-client-device", &"x".repeat(1000))
            .send(&world.app)
    };
    let answer = forged("/api/orders/7?q=1", Method::POST).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let seen = world.service.last();
    assert_eq!((seen.method.as_str(), &*seen.target), ("POST", "/base/orders/7?q=1"));
    assert_eq!(seen.header("authorization"), Some(&*format!("Bearer {ACCESS_TOKEN}")));
    assert_eq!(seen.header("x-user-id"), Some("alice"));
    assert_eq!(seen.header("x-request-id"), Some("request-0001"));
    assert_eq!(seen.header("x-client-version"), Some("1.2"));

    let public = forged("/api/public", Method::POST).await;
    assert_eq!(public.status, 200);
    let mut all = world.service.seen();
    assert_eq!(all.pop().unwrap().header("x-user-id"), None);
    for seen in world.service.seen() {
        let shown = format!("{:?}", seen.headers);
        assert!(!shown.contains("evil") && !shown.contains("ADMIN"), "{shown}");
        assert!(!shown.contains(&browser.session().unwrap()) && !shown.contains(&token));
        for name in ["cookie", "dpop", "x_user_id", "x-kept", "x-client-device", "x-forwarded-for"]
        {
            assert_eq!(seen.header(name), None, "{name}");
        }
    }
    assert_eq!(browser.session().unwrap().len(), 43, "the service's cookie took the place of ours");
}

#[tokio::test]
async fn every_call_belongs_to_a_trace_the_browsers_or_one_of_ours() {
    const ID: &str = "0af7651916cd43dd8448eb211c80319c";
    const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let world = World::start().await;
    let ours = format!("00-{ID}-8448eb211c80319c-00");
    for (sent, told, state) in [
        (Some(VALID), VALID, Some("vendor=1")),
        (Some("00-evil-evil-01"), &*ours, None),
        (None, &*ours, None),
    ] {
        let mut ask = Browser::new().get("/api/public").by_our_page().instead("x-request-id", ID);
        ask = ask.header("tracestate", "vendor=1");
        if let Some(sent) = sent {
            ask = ask.header("traceparent", sent);
        }
        assert_eq!(ask.send(&world.app).await.status, 200);
        let seen = world.service.last();
        assert_eq!(seen.header("traceparent"), Some(told));
        assert_eq!(seen.header("tracestate"), state);
    }
    // What is dropped as of the connection is made anew.
    let dropped = Browser::new().get("/api/public").instead("x-request-id", ID);
    let dropped = dropped.header("traceparent", VALID).header("connection", "traceparent");
    dropped.by_our_page().send(&world.app).await;
    assert_eq!(world.service.last().header("traceparent"), Some(&*ours));
}

#[tokio::test]
async fn c61_routes_get_exactly_the_identity_they_are_configured_for() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    let stranger = Browser::new();
    let token = || world.service.last().header("authorization").map(str::to_owned);
    for (who, path, expected) in [
        (&browser, "/api/public", None),
        (&stranger, "/api/public", None),
        (&stranger, "/api/maybe", None),
        (&browser, "/api/maybe", Some(format!("Bearer {ACCESS_TOKEN}"))),
    ] {
        let answer = who.get(path).by_our_page().send(&world.app).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(token(), expected, "{path}");
    }
    let seen = world.service.seen().len();
    assert_eq!(world.call(&world.app, &stranger).await.status, 401);
    let poor = browser.get("/api/admin").by_our_page().send(&world.app).await;
    assert_eq!((poor.status, &*poor.code()), (403, "insufficient_scope"));
    assert_eq!(world.service.seen().len(), seen);

    let admin = Browser::new();
    let login = world.begin(&admin, "/auth/login").await;
    world.finish_as(&admin, &login, &json!({ "roles": ["ADMIN"] })).await;
    let rich = admin.get("/api/admin").by_our_page().send(&world.app).await;
    assert_eq!(rich.status, 200);
}

#[tokio::test]
async fn c68_a_call_without_a_session_is_told_so_and_never_redirected() {
    let world = World::start().await;
    for ask in [
        Browser::new().get("/api/orders/1"),
        Browser::new().get("/api/orders/1").navigating(),
        Browser::new().get("/api/orders/1").header("accept", "text/html"),
        Browser::new().post("/api/orders/1").header("x-csrf-token", "1"),
        Browser::new().post("/api/auth/refresh"),
    ] {
        let answer = ask.send(&world.app).await;
        assert_eq!((answer.status, &*answer.code()), (401, "unauthenticated"));
        assert_eq!(answer.json()["login_url"], "/auth/login");
        assert!(answer.header("www-authenticate").is_some());
        assert_eq!(answer.header("location"), None);
        assert!(answer.cookies().is_empty());
    }
}

#[tokio::test]
async fn c59_only_listed_pairs_of_method_and_path_are_reachable() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    let token = world.csrf(&browser).await;
    for (method, path, status) in [
        (Method::PUT, "/api/orders/1", 405),
        (Method::DELETE, "/api/public", 405),
        (Method::GET, "/api/orders/../public", 400),
        (Method::GET, "/api/orders/%2e%2e/admin", 400),
        (Method::GET, "/api/orders//1", 400),
        (Method::GET, "/api/orders/a%2fb", 400),
        (Method::GET, "/api/nowhere", 404),
        (Method::GET, "/", 404),
    ] {
        let answer = browser.ask(method.clone(), path).with_csrf(&token).send(&world.app).await;
        assert_eq!(answer.status, status, "{method} {path}");
        answer.code();
        if status == 405 {
            assert!(answer.header("allow").unwrap().contains("POST"), "{answer:?}");
        }
    }
    assert!(world.service.seen().is_empty());
}

#[tokio::test]
async fn c26_c27_a_bound_token_goes_with_a_proof_for_the_services_own_url() {
    let world = World::with(&[("OIDC_DPOP", "required")]).await;
    let browser = world.signed_in().await;
    for nonce in [None, Some("service-nonce")] {
        let answer = browser.get("/api/orders/7?q=1").by_our_page().send(&world.app).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("dpop-nonce"), None, "that was between the service and us");
        let seen = world.service.last();
        assert_eq!(seen.header("authorization"), Some(&*format!("DPoP {ACCESS_TOKEN}")));
        let (header, claims) = open_proof(seen.header("dpop").unwrap());
        assert_eq!(header["typ"], "dpop+jwt");
        assert_eq!(claims["htm"], "GET");
        assert_eq!(claims["htu"], format!("{}/base/orders/7", world.service.url));
        assert_eq!(claims["iat"], NOW);
        assert_eq!(claims["nonce"].as_str(), nonce);
        let hash = ring::digest::digest(&ring::digest::SHA256, ACCESS_TOKEN.as_bytes());
        let hash = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, hash);
        assert_eq!(claims["ath"], hash);
    }
    // The key is the one that the code was exchanged with.
    let (exchange, _) = world.idp.seen("/token").pop().unwrap().proof().unwrap();
    let (call, _) = open_proof(world.service.last().header("dpop").unwrap());
    assert_eq!(exchange["jwk"], call["jwk"]);
}

#[tokio::test]
async fn bodies_pass_and_an_upgrade_is_refused() {
    let world = World::start().await;
    let ask = Browser::new().post("/api/public").form("a=1&b=2");
    assert_eq!(ask.send(&world.app).await.status, 200);
    assert_eq!(world.service.last().body, "a=1&b=2");
    let upgrade = Browser::new().get("/api/public").header("upgrade", "websocket");
    let answer = upgrade.header("connection", "upgrade").send(&world.app).await;
    assert_eq!((answer.status, &*answer.code()), (400, "upgrade_not_available"));
    let gone = Browser::new().get("/api/gone").send(&world.app).await;
    assert_eq!((gone.status, &*gone.code()), (502, "upstream_unreachable"));
}
