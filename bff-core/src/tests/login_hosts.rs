//! Where a login begins when we are reached under several hosts: its cookie must be where the IdP sends
//! the browser back to.

use crate::oidc::mock;
use crate::testing::{Answer, Browser, World};

const DYNAMIC: [(&str, &str); 2] =
    [("BFF_DYNAMIC_CALLBACK", "true"), ("BFF_ALLOWED_REDIRECT_HOSTS", "app.example,shop.example")];

async fn login_at(world: &World, browser: &Browser, host: &str, query: &str) -> Answer {
    world.idp.always("/par", mock::pushed("urn:example:1"));
    let target = format!("/auth/login{query}");
    browser.get(&target).navigating().instead("x-forwarded-host", host).send(&world.app).await
}

fn redirect_uri(world: &World) -> String {
    world.idp.seen("/par").pop().unwrap().param("redirect_uri").unwrap().to_owned()
}

#[tokio::test]
async fn a_login_begins_at_the_host_that_the_browser_comes_back_to() {
    for (changes, host, moves_to, lands_on) in [
        (&DYNAMIC[..], "app.example", None, "https://app.example"),
        (&DYNAMIC, "shop.example", None, "https://shop.example"),
        (&DYNAMIC, "SHOP.example:443", None, "https://shop.example"),
        (&DYNAMIC, "shop.example:8443", Some("https://app.example"), "https://app.example"),
        (&DYNAMIC, "evil.test", Some("https://app.example"), "https://app.example"),
        (&DYNAMIC, "app.example.evil.test", Some("https://app.example"), "https://app.example"),
        (&[], "app.example", None, "https://app.example"),
        (&[], "www.app.example", Some("https://app.example"), "https://app.example"),
        (&[("BFF_DEFAULT_HOST", "")], "any.example", None, "https://any.example"),
        (
            &[("BFF_DEFAULT_HOST", "login.example:8443")],
            "app.example",
            Some("https://login.example:8443"),
            "https://login.example:8443",
        ),
    ] {
        let world = World::with(changes).await;
        let browser = Browser::new();
        let query = "?return_to=%2Fa%3Fb%3Dc%26d&prompt=login";
        let mut answer = login_at(&world, &browser, host, query).await;
        assert_eq!(answer.status, 303, "{host}");
        if let Some(home) = moves_to {
            let rest = answer.location().strip_prefix(home).unwrap();
            assert_eq!(rest, "/auth/login?return_to=%2Fa%3Fb%3Dc%26d&prompt=login&moved=true");
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            assert!(answer.cookies().is_empty() && world.idp.seen("/par").is_empty());
            let (_, query) = rest.split_once('?').unwrap();
            let home = home.strip_prefix("https://").unwrap();
            answer = login_at(&world, &browser, home, &format!("?{query}")).await;
        }
        assert!(answer.location().starts_with(&world.idp.issuer), "{host}: {answer:?}");
        assert_eq!(redirect_uri(&world), format!("{lands_on}/auth/callback"), "{host}");
        assert_eq!(world.idp.seen("/par").pop().unwrap().param("moved"), None);
    }
}

/// What is no browser keeps no cookie for hosts: it is served as it asks, with the configured redirect URI.
#[tokio::test]
async fn what_does_not_navigate_is_sent_to_no_other_host() {
    let world = World::with(&DYNAMIC).await;
    world.idp.always("/par", mock::pushed("urn:example:1"));
    let asked = Browser::new().get("/auth/login").instead("x-forwarded-host", "evil.test");
    assert!(asked.send(&world.app).await.location().starts_with(&world.idp.issuer));
    assert_eq!(redirect_uri(&world), "https://app.example/auth/callback");
}

#[tokio::test]
async fn a_proxy_that_tells_the_wrong_host_makes_no_loop() {
    let world = World::start().await;
    let browser = Browser::new();
    let moved = login_at(&world, &browser, "inside.example", "").await;
    let query = moved.location().split_once('?').unwrap().1.to_owned();
    let begun = login_at(&world, &browser, "inside.example", &format!("?{query}")).await;
    assert!(begun.location().starts_with(&world.idp.issuer), "{begun:?}");
}

#[tokio::test]
async fn c16_a_session_that_two_hosts_share_leads_back_to_the_one_that_was_left() {
    let shared = [
        ("BFF_COOKIE_DOMAIN", ".app.example"),
        ("BFF_ALLOWED_REDIRECT_HOSTS", "shop.app.example,elsewhere.example"),
    ];
    for (changes, host, target, back) in [
        (&shared[..], "shop.app.example", "?return_to=/a?b=c", "https://shop.app.example/a?b=c"),
        (&shared, "shop.app.example", "", "https://shop.app.example/"),
        (&shared, "shop.app.example", "?return_to=//evil.test", "https://shop.app.example/"),
        // Listed, but without the session: a way back would only begin another login.
        (&shared, "elsewhere.example", "?return_to=/a", "/a"),
        // Not listed.
        (&shared, "other.app.example", "?return_to=/a", "/a"),
        (&shared[1..], "shop.app.example", "?return_to=/a", "/a"),
    ] {
        let world = World::with(changes).await;
        let browser = Browser::new();
        let moved = login_at(&world, &browser, host, target).await;
        let path = moved.location().strip_prefix("https://app.example").unwrap().to_owned();
        let login = world.begin(&browser, &path).await;
        assert_eq!(world.finish(&browser, &login).await.location(), back, "{host}{target}");
    }
}
