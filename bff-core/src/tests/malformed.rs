//! Input that nobody in good faith sends: always refused with a problem, never an error of ours,
//! never a session.

use http::Method;

use crate::testing::{Answer, Browser, World};

/// Every refusal is a 4xx problem; none names what was sent.
fn assert_refused(what: &str, answer: &Answer) {
    assert!((400..500).contains(&answer.status), "{what}: {answer:?}");
    answer.code();
    assert!(!answer.body.contains("canary"), "{what}: {answer:?}");
}

#[tokio::test]
async fn t08_t17_odd_cookies_are_no_session() {
    let world = World::start().await;
    let session = world.signed_in().await.session().unwrap();
    let mut cookies: Vec<Vec<u8>> = vec![
        b"bff_session".to_vec(),
        b"bff_session=".to_vec(),
        b"bff_session=canary".to_vec(),
        b"bff_session=\"canary\"".to_vec(),
        b"bff_session=\xff\xfe".to_vec(),
        b"=;=;;; bff_session=;".to_vec(),
        b"bff_session_login_=; bff_session_login_canary=1.2".to_vec(),
        [b"bff_session=".as_slice(), &[b'A'; 43]].concat(),
        [b"bff_session=".as_slice(), &[b'A'; 5000]].concat(),
        format!("BFF_SESSION={session}").into_bytes(),
        format!("bff_session={session}=").into_bytes(),
        format!("bff_session=\"{session}\"").into_bytes(),
        format!("bff_session= {session}").into_bytes(),
        format!("bff_session={}", session.to_ascii_uppercase()).into_bytes(),
        format!("bff_session={session}; bff_session={session}").into_bytes(),
        format!("bff_session_chunks=99999999; bff_session.0={session}").into_bytes(),
        b"a=b; ".repeat(4000),
        b"bff_session_login_AAAAAAAAAAAAAAAA=1.x; ".repeat(1500),
    ];
    let padding = "a".repeat(66_000);
    cookies.push(format!("a={padding}; bff_session={session}").into_bytes());
    for cookie in cookies {
        let what = String::from_utf8_lossy(&cookie).chars().take(60).collect::<String>();
        let send = |ask: crate::testing::Ask| ask.raw("cookie", &cookie).send(&world.app);
        let call = send(Browser::new().get("/api/orders/1").by_our_page()).await;
        assert_eq!(call.status, 401, "{what}");
        assert_refused(&what, &call);
        let told = send(Browser::new().get("/api/auth/session")).await;
        assert_eq!((told.status, &told.json()["authenticated"]), (200, &false.into()), "{what}");
        assert_refused(&what, &send(Browser::new().get("/auth/callback?state=x&code=y")).await);
        assert!(send(Browser::new().get("/auth/logout")).await.status < 500, "{what}");
        world.idp.always("/par", crate::oidc::mock::pushed("urn:example:1"));
        let login = send(Browser::new().get("/auth/login")).await;
        assert_eq!(login.status, 303, "{what}");
        assert!(login.cookies().len() <= 51, "{what}: {}", login.cookies().len());
    }
    assert!(world.service.seen().is_empty());
}

#[tokio::test]
async fn t17_t18_odd_headers_are_refused() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    for (name, value) in [
        ("x-forwarded-host", "canary.evil"),
        ("x-forwarded-proto", "canary"),
        ("host", "canary.evil"),
    ] {
        let doubled = browser.get("/api/auth/session").header(name, value).send(&world.app).await;
        assert_eq!((doubled.status, &*doubled.code()), (400, "header_ambiguous"), "{name}");
        assert_eq!(doubled.header("x-content-type-options"), Some("nosniff"));
    }
    let token = world.csrf(&browser).await;
    for (name, value) in [
        ("x-forwarded-host", "canary/../x"),
        ("x-forwarded-host", ""),
        ("x-forwarded-proto", "gopher"),
        ("x-forwarded-for", "canary"),
        ("user-agent", "\u{1}canary"),
        ("origin", "canary"),
        ("origin", ""),
        ("x-csrf-token", "canary"),
        ("x-csrf-token", ""),
    ] {
        if value.contains('\u{1}') {
            continue;
        }
        let ask = browser.stolen().post("/api/orders/1").with_csrf(&token).instead(name, value);
        let answer = ask.send(&world.app).await;
        assert_refused(&format!("{name}: {value:?}"), &answer);
    }
    assert!(world.service.seen().is_empty());
    assert!(world.is_signed_in(&browser).await);
}

#[tokio::test]
async fn t17_t18_odd_queries_and_forms_are_refused() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    let long = "a".repeat(20_000);
    for query in [
        "",
        "?",
        "?&&&",
        "?=",
        "?state",
        "?state=%",
        "?state=%ff%fe&code=%00",
        "?state[]=canary",
        "?code=canary",
        "?error=canary",
        "?response=canary",
        "?id_token=canary&state=canary",
        "?state=canary&state=canary",
        &format!("?state={long}"),
        &format!("?{long}"),
    ] {
        let answer = browser.get(&format!("/auth/callback{query}")).send(&world.app).await;
        assert_refused(query, &answer);
    }
    let with_login = || {
        let browser = Browser::new();
        browser.plant("bff_session_login_AAAAAAAAAAAAAAAA=1.x; Path=/auth");
        browser
    };
    for form in [&b""[..], b"%", b"\xff\xfe", b"state=canary&code=canary", &vec![b'a'; 70_000]] {
        let answer = with_login().post("/auth/callback").form(form.to_vec()).send(&world.app).await;
        assert_refused("form", &answer);
    }
    let json = with_login().post("/auth/callback").header("content-type", "application/json");
    assert_refused("json", &json.send(&world.app).await);
    let much = browser.post("/auth/logout").form(vec![b'a'; 70_000]).send(&world.app).await;
    assert_refused("logout form", &much);
    for query in [
        "max_age=canary",
        "max_age=99999999999999999999",
        "prompt=canary",
        &format!("login_hint={long}"),
    ] {
        let answer = browser.get(&format!("/auth/login?{query}")).send(&world.app).await;
        assert_refused(query, &answer);
    }
    assert!(world.idp.seen("/token").len() == 1 && world.is_signed_in(&browser).await);
}

#[tokio::test]
async fn t17_methods_that_nobody_listed_are_refused() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    for path in [
        "/auth/login",
        "/auth/callback",
        "/auth/logout",
        "/api/auth/session",
        "/api/auth/refresh",
        "/health",
        "/.well-known/jwks.json",
        "/api/orders/1",
    ] {
        for method in ["PUT", "PATCH", "TRACE", "CONNECT", "PROPFIND", "get"] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let answer = browser.ask(method.clone(), path).send(&world.app).await;
            assert_refused(&format!("{method} {path}"), &answer);
            if answer.status == 405 {
                assert!(answer.header("allow").is_some(), "{method} {path}: {answer:?}");
            }
        }
    }
    assert!(world.is_signed_in(&browser).await);
}
