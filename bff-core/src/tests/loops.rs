//! Logins that succeed and lead nowhere, and everything that only looks like them.

use crate::testing::{Answer, Browser, World};

const COUNT: &str = "bff_session_loop";

/// Signs in without ever using the session.
async fn round(world: &World, browser: &Browser) {
    let login = world.begin(browser, "/auth/login?return_to=/app").await;
    assert_eq!(world.finish(browser, &login).await.location(), "/app");
}

fn times(browser: &Browser) -> usize {
    browser.value(COUNT).map_or(0, |value| value.split('.').count())
}

fn retry_link(page: &Answer) -> String {
    let (_, rest) = page.body.split_once("id=\"retry\" href=\"").unwrap();
    rest.split_once('"').unwrap().0.replace("&amp;", "&")
}

#[tokio::test]
async fn c20_the_sixth_login_without_a_used_session_explains_and_asks_nobody() {
    let world = World::start().await;
    let browser = Browser::new();
    for seconds in 0..5 {
        round(&world, &browser).await;
        assert_eq!(times(&browser), seconds + 1);
        world.clock.advance(10);
    }
    let pushed = world.idp.seen("/par").len();
    let target = "/auth/login?return_to=/app%3Fa=%22b&prompt=login&x=%3Cscript%3E";
    let page = browser.get(target).navigating().send(&world.app).await;
    assert_eq!(page.status, 400);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert!(page.body.contains("login_loop") && page.body.contains("request-0001"), "{page:?}");
    assert!(!page.body.contains("script"), "{}", page.body);
    let told = browser.get(target).by_our_page().send(&world.app).await;
    assert_eq!((told.status, &*told.code()), (400, "login_loop"));
    assert!(told.json()["retry_url"].as_str().unwrap().starts_with("/auth/login?"));
    assert_eq!(world.idp.seen("/par").len(), pushed, "a login began");

    // The link begins a login all the same, as it was asked for, and the count begins anew.
    let link = retry_link(&page);
    let login = world.begin(&browser, &link).await;
    assert_eq!(world.idp.seen("/par").pop().unwrap().param("prompt"), Some("login"));
    assert_eq!(times(&browser), 0);
    assert_eq!(world.finish(&browser, &login).await.location(), "/app?a=%22b");
    assert_eq!(times(&browser), 1);
    round(&world, &browser).await;
}

#[tokio::test]
async fn c20_a_loop_within_one_second_is_one_too() {
    let world = World::start().await;
    let browser = Browser::new();
    for _ in 0..5 {
        round(&world, &browser).await;
    }
    let stopped = browser.get("/auth/login").by_our_page().send(&world.app).await;
    assert_eq!(stopped.code(), "login_loop");
}

/// Nobody sends a program round in circles, so its logins are meant.
#[tokio::test]
async fn c20_a_program_that_keeps_its_session_may_sign_in_as_often_as_it_likes() {
    let world = World::start().await;
    let browser = Browser::new();
    for _ in 0..8 {
        round(&world, &browser).await;
    }
    let without = format!("{COUNT}={}", browser.value(COUNT).unwrap());
    let lost = Browser::new().get("/auth/login").header("cookie", &without);
    assert_eq!(lost.send(&world.app).await.code(), "login_loop");
}

#[tokio::test]
async fn c20_logins_that_lie_apart_are_no_loop() {
    let world = World::start().await;
    let browser = Browser::new();
    for _ in 0..20 {
        round(&world, &browser).await;
        world.clock.advance(15);
    }
}

#[tokio::test]
async fn c13_c20_ten_tabs_that_come_back_at_once_count_once() {
    let world = World::start().await;
    let browser = Browser::new();
    for seconds in 1..=4 {
        let mut tabs = Vec::new();
        for _ in 0..10 {
            tabs.push(world.begin(&browser, "/auth/login").await);
        }
        for tab in &tabs {
            assert_eq!(world.finish(&browser, tab).await.status, 303);
        }
        assert_eq!(times(&browser), seconds);
    }
}

#[tokio::test]
async fn c20_a_tab_that_was_left_long_ago_hides_no_loop() {
    let world = World::start().await;
    let browser = Browser::new();
    let left = world.begin(&browser, "/auth/login").await;
    for _ in 0..5 {
        round(&world, &browser).await;
    }
    assert_eq!(world.finish(&browser, &left).await.status, 303);
    assert_eq!(
        browser.get("/auth/login").by_our_page().send(&world.app).await.code(),
        "login_loop"
    );
}

#[tokio::test]
async fn c20_whoever_uses_the_session_is_in_no_loop() {
    let world = World::start().await;
    let browser = Browser::new();
    for how in 0..12 {
        round(&world, &browser).await;
        assert_eq!(times(&browser), 1);
        if how % 2 == 0 {
            assert!(world.is_signed_in(&browser).await);
        } else {
            assert_eq!(world.call(&world.app, &browser).await.status, 200);
        }
        assert_eq!(times(&browser), 0);
        assert!(world.service.seen().iter().all(|seen| seen.header("cookie").is_none()));
    }
}

#[tokio::test]
async fn c20_whoever_signs_in_and_out_is_in_no_loop() {
    let world = World::start().await;
    let browser = Browser::new();
    for _ in 0..8 {
        round(&world, &browser).await;
        // The confirmation page is no logout, and what it links to is.
        let asked = browser.get("/auth/logout").navigating().send(&world.app).await;
        assert_eq!(times(&browser), 1);
        let (_, rest) = asked.body.split_once("action=\"").unwrap();
        let link = rest.split_once('"').unwrap().0;
        assert_eq!(browser.get(link).navigating().send(&world.app).await.status, 200);
        assert_eq!(times(&browser), 0);
    }
}

#[tokio::test]
async fn c20_a_session_that_only_another_client_could_use_is_a_loop() {
    let world = World::start().await;
    let browser = Browser::new();
    for _ in 0..5 {
        round(&world, &browser).await;
        // The network changes between the login and everything else.
        let elsewhere = browser.at("198.51.100.7");
        assert!(!world.is_signed_in(&elsewhere).await);
        assert_eq!(world.call(&world.app, &elsewhere).await.status, 401);
    }
    assert_eq!(
        browser.get("/auth/login").by_our_page().send(&world.app).await.code(),
        "login_loop"
    );
}

#[tokio::test]
async fn t17_odd_counts_stop_nobody() {
    let world = World::start().await;
    let now = world.app.now();
    let full = [now; 5].map(|time| time.to_string()).join(".");
    for odd in [
        format!("{COUNT}="),
        format!("{COUNT}=x.y.z.a.b"),
        format!("{COUNT}={full}.{now}"),
        format!("{COUNT}={full}; {COUNT}={full}"),
        format!("{COUNT}2={full}"),
        format!("{COUNT}={}", "9".repeat(4_000)),
        format!("{COUNT}=0.0.0.0.0"),
    ] {
        let browser = Browser::new();
        world.idp.always("/par", crate::oidc::mock::pushed("urn:example:1"));
        let login = browser.get("/auth/login").header("cookie", &odd).send(&world.app).await;
        assert_eq!(login.status, 303, "{odd}");
    }
    let stopped = Browser::new().get("/auth/login").header("cookie", &format!("{COUNT}={full}"));
    assert_eq!(stopped.send(&world.app).await.code(), "login_loop");
}
