//! Requests that another site made the browser send.

use http::Method;

use crate::testing::{APP, Answer, Browser, LISTED, World};

async fn post(world: &World, browser: &Browser, headers: &[(&'static str, &str)]) -> Answer {
    let ask = browser.post("/api/orders/1");
    let ask = headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value));
    ask.send(&world.app).await
}

#[tokio::test]
async fn c63_c64_only_our_own_script_writes() {
    let world = World::start().await;
    let (browser, other) = (world.signed_in().await, world.signed_in().await);
    let token = world.csrf(&browser).await;
    let foreign = world.csrf(&other).await;
    let right = ("x-csrf-token", &*token);
    let refused: [(&[(&str, &str)], &str); 11] = [
        (&[], "csrf_header_missing"),
        (&[("origin", APP)], "csrf_header_missing"),
        (&[("sec-fetch-site", "same-origin")], "csrf_header_missing"),
        (&[("x-csrf-token", "1")], "csrf_token_invalid"),
        (&[("x-csrf-token", &foreign), ("origin", APP)], "csrf_token_invalid"),
        (&[("origin", "https://evil.test"), right], "csrf_origin"),
        (&[("origin", "https://sub.app.example"), right], "csrf_origin"),
        (&[("origin", "http://app.example"), right], "csrf_origin"),
        (&[("origin", "null"), right], "csrf_origin"),
        (&[("sec-fetch-site", "cross-site"), right], "csrf_fetch_site"),
        (&[("sec-fetch-site", "same-site"), right], "csrf_fetch_site"),
    ];
    for (headers, code) in refused {
        let answer = post(&world, &browser, headers).await;
        assert_eq!((answer.status, &*answer.code()), (403, code), "{headers:?}");
    }
    assert!(world.service.seen().is_empty());
    for allowed in [&[right][..], &[("origin", APP), right], &[("origin", LISTED), right]] {
        assert_eq!(post(&world, &browser, allowed).await.status, 200, "{allowed:?}");
    }
    assert_eq!(world.service.seen().len(), 3);
}

#[tokio::test]
async fn c63_reading_needs_the_header_or_the_browsers_word() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    let token = world.csrf(&browser).await;
    let bare = browser.get("/api/orders/1").send(&world.app).await;
    assert_eq!((bare.status, &*bare.code()), (403, "csrf_header_missing"));
    let typed = browser.get("/api/orders/1").header("sec-fetch-site", "none");
    assert_eq!(typed.send(&world.app).await.status, 403);
    assert_eq!(world.call(&world.app, &browser).await.status, 200);
    let strict = browser.get("/api/strict").by_our_page().send(&world.app).await;
    assert_eq!((strict.status, &*strict.code()), (403, "csrf_header_missing"));
    let strict = browser.get("/api/strict").with_csrf(&token).send(&world.app).await;
    assert_eq!(strict.status, 200);
}

#[tokio::test]
async fn c65_a_preflight_echoes_listed_origins_exactly() {
    let world = World::start().await;
    let preflight = |origin: &'static str| {
        let ask = Browser::new().ask(Method::OPTIONS, "/api/orders/1").header("origin", origin);
        let ask = ask.header("access-control-request-method", "POST");
        ask.header("access-control-request-headers", "x-csrf-token").send(&world.app)
    };
    let answer = preflight(LISTED).await;
    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    assert_eq!(answer.header("access-control-allow-origin"), Some(LISTED));
    assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
    assert!(answer.header("access-control-allow-methods").unwrap().contains("POST"));
    assert!(answer.header("access-control-allow-headers").unwrap().contains("x-csrf-token"));
    assert_eq!(answer.header("vary"), Some("Origin"));
    for stranger in ["null", "https://evil.test", "https://admin.example.evil.test", "*"] {
        let answer = preflight(stranger).await;
        assert_eq!((answer.status, &*answer.code()), (403, "csrf_origin"), "{stranger}");
        for name in answer.headers.keys() {
            assert!(!name.as_str().starts_with("access-control-"), "{stranger}: {name}");
        }
        assert!(answer.header("vary").unwrap().contains("Origin"));
    }
    assert!(world.service.seen().is_empty());
}

#[tokio::test]
async fn c65_c68_a_listed_page_can_read_that_nobody_is_signed_in() {
    let world = World::start().await;
    let ask = Browser::new().get("/api/orders/1").header("origin", LISTED);
    let answer = ask.send(&world.app).await;
    assert_eq!((answer.status, &*answer.code()), (401, "unauthenticated"));
    assert_eq!(answer.header("access-control-allow-origin"), Some(LISTED));
    assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
    assert!(answer.header("vary").unwrap().contains("Origin"));

    // The service's own `*` is not repeated.
    let browser = world.signed_in().await;
    let token = world.csrf(&browser).await;
    let ask = browser.get("/api/orders/1").header("origin", LISTED);
    let answer = ask.header("x-csrf-token", &token).send(&world.app).await;
    assert_eq!(answer.status, 200);
    let origins: Vec<_> = answer.headers.get_all("access-control-allow-origin").iter().collect();
    assert_eq!(origins, [LISTED]);
}
