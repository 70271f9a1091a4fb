//! Cookies as browsers receive them.

use crate::testing::{Browser, World};

/// The attributes of the one cookie among `set` whose name begins with `name`.
fn attributes(set: &[String], name: &str) -> String {
    let mut found = set.iter().filter(|cookie| cookie.starts_with(name));
    let cookie = found.next().unwrap_or_else(|| panic!("{name} in {set:?}"));
    assert!(found.next().is_none(), "{name} twice in {set:?}");
    cookie.split_once("; ").unwrap().1.to_owned()
}

fn sorted(cookie: &str) -> Vec<&str> {
    let mut parts: Vec<_> = cookie.split("; ").collect();
    parts.sort_unstable();
    parts
}

#[tokio::test]
async fn c35_c36_c39_cookies_are_set_and_cleared_with_the_same_attributes() {
    let lax = "HttpOnly; SameSite=Lax; Secure; Path=/";
    let strict = "HttpOnly; SameSite=Strict; Secure; Path=/; Domain=app.example";
    let narrow = "HttpOnly; SameSite=Lax; Secure; Path=/auth";
    let cases = [
        (&[][..], "bff_session", lax, narrow),
        (&[("BFF_COOKIE_NAME", "__Host-sid")], "__Host-sid", lax, lax),
        (
            &[("BFF_COOKIE_DOMAIN", ".app.example"), ("BFF_COOKIE_SAMESITE", "Strict")],
            "bff_session",
            strict,
            narrow,
        ),
    ];
    for (changes, name, session_attributes, login_attributes) in cases {
        let world = World::with(changes).await;
        let browser = Browser::new();
        world.idp.always("/par", crate::oidc::mock::pushed("urn:example:1"));
        let begun = browser.get("/auth/login").send(&world.app).await.cookies();
        let login_cookie = format!("{name}_login_");
        let timed = format!("{login_attributes}; Max-Age=600");
        assert_eq!(attributes(&begun, &login_cookie), timed);

        let login = world.begin(&browser, "/auth/login").await;
        let landed = world.finish(&browser, &login).await.cookies();
        assert_eq!(attributes(&landed, &format!("{name}=")), session_attributes);
        let cleared = format!("{login_attributes}; Max-Age=0");
        assert_eq!(attributes(&landed, &login_cookie), cleared);
        assert_eq!(browser.value(name).unwrap().len(), 43);

        let token = world.csrf(&browser).await;
        let left = browser.post("/auth/logout").with_csrf(&token).send(&world.app).await;
        let cleared = format!("{name}=; {session_attributes}; Max-Age=0");
        let set = left.cookies();
        assert!(set.iter().any(|cookie| sorted(cookie) == sorted(&cleared)), "{set:?}");
        assert_eq!(browser.value(name), None);
    }
}

#[tokio::test]
async fn c37_two_session_cookies_are_none_and_both_are_taken_away() {
    let world = World::with(&[("BFF_COOKIE_DOMAIN", "app.example")]).await;
    let browser = world.signed_in().await;
    browser.plant("bff_session=tossed; Path=/");
    let probe = browser.stolen().get("/api/auth/session").send(&world.app).await;
    assert_eq!(probe.json()["authenticated"], false);
    let answer = world.call(&world.app, &browser).await;
    assert_eq!((answer.status, answer.code()), (401, "ambiguous_session".to_owned()));
    let set = answer.cookies();
    assert!(set.iter().any(|cookie| !cookie.contains("Domain")), "{set:?}");
    assert!(set.iter().any(|cookie| cookie.contains("Domain=app.example")), "{set:?}");
    assert_eq!(browser.session(), None);
    assert!(world.service.seen().is_empty());
}

#[tokio::test]
async fn c37_a_login_with_two_session_cookies_leaves_one_that_works() {
    let world = World::with(&[("BFF_COOKIE_DOMAIN", "app.example")]).await;
    let browser = world.signed_in().await;
    browser.plant("bff_session=tossed; Path=/");
    let login = world.begin(&browser, "/auth/login").await;
    world.finish(&browser, &login).await;
    assert!(world.is_signed_in(&browser).await);
}

/// Where a page that leads on leads to.
fn leads_to(answer: &crate::testing::Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let url = answer.body.split("content=\"0; url=").nth(1).expect("a page that leads on");
    url.split('"').next().unwrap().replace("&amp;", "&")
}

#[tokio::test]
async fn c36_a_strict_cookie_is_asked_for_from_a_page_of_ours_before_a_login_begins() {
    let world = World::with(&[("BFF_COOKIE_SAMESITE", "Strict")]).await;
    let browser = Browser::new();
    let from = |site: &'static str, target: &str| {
        browser.get(target).navigating().header("sec-fetch-site", site)
    };
    let linked = from("cross-site", "/auth/login?return_to=%2Fa%3Fb%3D1").send(&world.app).await;
    let again = leads_to(&linked);
    assert_eq!(again, "/auth/login?return_to=%2Fa%3Fb%3D1&returned=true");
    assert!(linked.cookies().is_empty(), "nothing has begun: {linked:?}");
    // Nobody is signed in: the login begins, and its way back is a page as well.
    let login = world.begin(&browser, &again).await;
    let landed = world.finish(&browser, &login).await;
    assert_eq!(leads_to(&landed), "/a?b=1");
    assert!(browser.session().is_some());

    // Now somebody is: back to where the link led, unless it asked for more than a session.
    let back = from("same-origin", &again).send(&world.app).await;
    assert_eq!((back.status, back.header("location")), (303, Some("/a?b=1")));
    let stronger = format!("{again}&prompt=login");
    assert_ne!(
        from("same-origin", &stronger).send(&world.app).await.header("location"),
        Some("/a?b=1")
    );
}

#[tokio::test]
async fn c12_c36_a_callback_that_is_over_finds_a_strict_session_from_a_page_of_ours() {
    let world = World::with(&[("BFF_COOKIE_SAMESITE", "Strict")]).await;
    let browser = Browser::new();
    let login = world.begin(&browser, "/auth/login").await;
    world.finish(&browser, &login).await;
    let over = world.callback(&login.state);
    let call = |browser: &Browser, target: &str, site: &'static str| {
        browser.get(target).navigating().header("sec-fetch-site", site)
    };
    // As a browser sends it again from the IdP's page: without the session.
    let replayed = call(&Browser::new(), &over, "cross-site").send(&world.app).await;
    let once_more = leads_to(&replayed);
    assert_eq!(once_more, "/auth/callback?over", "no code and no state in a page");
    let known = call(&browser, &once_more, "same-origin").send(&world.app).await;
    assert_eq!((known.status, known.header("location")), (303, Some("/")));
    for site in ["same-origin", "cross-site"] {
        let nobody = call(&Browser::new(), &once_more, site).send(&world.app).await;
        assert_eq!(nobody.status, 400);
        assert!(nobody.body.contains("login_unknown"), "{nobody:?}");
    }
}

#[tokio::test]
async fn c36_a_lax_cookie_needs_no_page_in_between() {
    let world = World::start().await;
    world.idp.always("/par", crate::oidc::mock::pushed("urn:example:1"));
    let browser = Browser::new();
    let linked = browser.get("/auth/login").navigating().header("sec-fetch-site", "cross-site");
    assert_eq!(linked.send(&world.app).await.status, 303);
}
