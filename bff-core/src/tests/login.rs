//! Beginning a login, and landing where one wanted to be.

use std::time::Duration;

use session::shelf::Shelf as _;

use crate::testing::{Browser, World};

fn login_cookies(browser: &Browser) -> usize {
    browser.names().iter().filter(|name| name.starts_with("bff_session_login_")).count()
}

#[tokio::test]
async fn c16_the_browser_lands_where_it_wanted_to_be() {
    let world = World::start().await;
    let browser = Browser::new();
    let target = "/auth/login?return_to=%2Forders%3Fid%3D1%26next%3D%252Fx";
    let login = world.begin(&browser, target).await;
    assert_eq!(login.redirect_uri, "https://app.example/auth/callback");
    let answer = world.finish(&browser, &login).await;
    assert_eq!((answer.status, answer.location()), (303, "/orders?id=1&next=%2Fx"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let session = world.session_of(&browser).await;
    assert_eq!(session["authenticated"], true);
    assert_eq!(session["user"]["id"], "alice");
    assert_eq!(login_cookies(&browser), 0);

    for elsewhere in [
        "//evil.test",
        "https://evil.test/",
        "/\\evil.test",
        "/%2f/evil.test",
        "/%255cevil.test",
        "%2f%2fevil.test",
        "/\t/evil.test",
        "/auth/logout",
    ] {
        let query: String = url::form_urlencoded::byte_serialize(elsewhere.as_bytes()).collect();
        let login = world.begin(&browser, &format!("/auth/login?return_to={query}")).await;
        assert_eq!(world.finish(&browser, &login).await.location(), "/", "{elsewhere}");
        assert!(world.is_signed_in(&browser).await);
    }
}

#[tokio::test]
async fn c13_ten_logins_at_once_all_land() {
    let world = World::start().await;
    let browser = Browser::new();
    let mut logins = Vec::new();
    for tab in 0..10 {
        logins.push(world.begin(&browser, &format!("/auth/login?return_to=/tab/{tab}")).await);
    }
    for (tab, login) in logins.iter().enumerate().rev() {
        let answer = world.finish(&browser, login).await;
        assert_eq!((answer.status, answer.location()), (303, &*format!("/tab/{tab}")));
        assert!(world.is_signed_in(&browser).await);
    }
    assert_eq!(login_cookies(&browser), 0);
}

#[tokio::test]
async fn c05_a_reload_of_the_login_pushes_a_request_of_its_own() {
    let world = World::start().await;
    let browser = Browser::new();
    world.begin(&browser, "/auth/login").await;
    world.begin(&browser, "/auth/login").await;
    let pushed = world.idp.seen("/par");
    assert_eq!((pushed.len(), login_cookies(&browser)), (2, 2));
    for name in ["state", "nonce", "code_challenge"] {
        assert_ne!(pushed[0].param(name), pushed[1].param(name), "{name}");
    }
}

#[tokio::test]
async fn c14_abandoned_logins_stay_few_and_the_youngest_stay() {
    let world = World::start().await;
    let browser = Browser::new();
    let mut begun = Vec::new();
    for _ in 0..200 {
        world.clock.advance(1);
        begun.push(world.begin(&browser, "/auth/login").await);
        assert!(login_cookies(&browser) <= 12);
    }
    let (last, abandoned) = begun.split_last().unwrap();
    assert_eq!(world.finish(&browser, last).await.status, 303);
    assert!(world.app.shutdown.drained(Duration::from_secs(5)).await);
    let mut stored = 0;
    for login in abandoned {
        let name = login.state.get(..16).unwrap();
        stored += usize::from(world.app.store.take_login(name).await.unwrap().is_some());
    }
    assert_eq!((stored, login_cookies(&browser)), (11, 11));
}

#[tokio::test]
async fn c14_t17_cookies_that_are_no_logins_are_taken_away_and_the_store_is_not_asked() {
    let world = World::start().await;
    let (browser, other) = (Browser::new(), Browser::new());
    let login = world.begin(&other, "/auth/login").await;
    for number in 0..60 {
        browser.plant(&format!("bff_session_login_{number:0>16}=1.x; Path=/auth"));
    }
    // Not even one whose name is right.
    let name = login.state.get(..16).unwrap();
    browser.plant(&format!("bff_session_login_{name}=1.x; Path=/auth"));
    world.begin(&browser, "/auth/login").await;
    assert_eq!(login_cookies(&browser), 12);
    assert!(world.app.shutdown.drained(Duration::from_secs(5)).await);
    assert_eq!(world.finish(&other, &login).await.status, 303);
}

#[tokio::test]
async fn c14_a_prefetch_begins_nothing() {
    let world = World::start().await;
    let browser = Browser::new();
    for (name, value) in [
        ("sec-purpose", "prefetch"),
        ("sec-purpose", "prefetch;prerender"),
        ("purpose", "prefetch"),
        ("x-moz", "prefetch"),
        ("next-router-prefetch", "1"),
    ] {
        let answer = browser.get("/auth/login").header(name, value).send(&world.app).await;
        assert_eq!(answer.status, 204, "{name}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    for path in ["/auth/login", "/auth/callback", "/auth/logout"] {
        assert_eq!(browser.ask(http::Method::HEAD, path).send(&world.app).await.status, 204);
    }
    assert!(browser.names().is_empty() && world.idp.seen("/par").is_empty());
}

#[tokio::test]
async fn c15_t14_a_login_replaces_the_session_id_and_the_old_one_is_dead() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    let thief = browser.stolen();
    world.sign_in(&browser).await;
    assert_ne!(browser.session(), thief.session());
    assert!(!world.is_signed_in(&thief).await);
    assert!(world.is_signed_in(&browser).await);

    // One that somebody made up is not taken over.
    let planted = "A".repeat(43);
    let browser = Browser::new();
    browser.plant(&format!("bff_session={planted}; Path=/"));
    world.sign_in(&browser).await;
    assert_ne!(browser.session().unwrap(), planted);
}

#[tokio::test]
async fn c15_c48_a_login_from_elsewhere_ends_the_session_that_waits_there() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    let at_home = browser.stolen();
    let moved = browser.at("198.51.100.7");
    assert!(!world.is_signed_in(&moved).await);
    world.sign_in(&moved).await;
    assert!(!world.is_signed_in(&at_home).await, "the cookie left behind still worked");
}

#[tokio::test]
async fn c22_only_known_parameters_reach_the_idp() {
    let world = World::start().await;
    let browser = Browser::new();
    let query = "prompt=login&acr_values=gold&max_age=60&login_hint=alice&ui_locales=de\
                 &scope=admin&client_id=evil&redirect_uri=https://evil.test&state=mine&nonce=n\
                 &response_mode=fragment&code_challenge=c&request=jwt&claims=x&resource=y";
    world.begin(&browser, &format!("/auth/login?{query}")).await;
    let pushed = world.idp.seen("/par").pop().unwrap();
    let of = |name: &str| pushed.param(name);
    assert_eq!(of("prompt"), Some("login"));
    assert_eq!(of("max_age"), Some("60"));
    assert_eq!(of("scope"), Some("openid profile email offline_access"));
    assert_eq!(of("client_id"), Some("client"));
    assert_eq!(of("redirect_uri"), Some("https://app.example/auth/callback"));
    assert!(of("state") != Some("mine") && of("nonce") != Some("n"));
    for dropped in ["response_mode", "request", "claims", "resource"] {
        assert_eq!(of(dropped), None, "{dropped}");
    }
    for bad in [
        "prompt=evil",
        "max_age=-1",
        "max_age=1&max_age=2",
        "login_hint=%00",
        "return_to=/&return_to=/",
    ] {
        let answer = browser.get(&format!("/auth/login?{bad}")).send(&world.app).await;
        assert_eq!(answer.status, 400, "{bad}");
        answer.code();
    }
}

#[tokio::test]
async fn t13_a_logout_leads_back_to_the_host_it_left_where_that_is_listed() {
    let dynamic = [
        ("BFF_DYNAMIC_CALLBACK", "true"),
        ("BFF_ALLOWED_REDIRECT_HOSTS", "app.example,shop.example"),
    ];
    for (changes, host, lands_on) in [
        (&dynamic[..], "shop.example", "https://shop.example"),
        (&dynamic[..], "evil.test", "https://app.example"),
        (&[][..], "shop.example", "https://app.example"),
    ] {
        let world = World::with(changes).await;
        let browser = world.signed_in().await;
        let link = world.session_of(&browser).await["logout_url"].as_str().unwrap().to_owned();
        let logout = browser.get(&link).instead("x-forwarded-host", host);
        let answer = logout.header("accept", "application/json").send(&world.app).await.json();
        let back = url::form_urlencoded::byte_serialize(lands_on.as_bytes()).collect::<String>();
        let end_session = answer["end_session_url"].as_str().unwrap();
        let expected = format!("post_logout_redirect_uri={back}%2Fauth%2Flogin");
        assert!(end_session.ends_with(&expected), "{end_session}");
    }
}
