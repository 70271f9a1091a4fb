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
