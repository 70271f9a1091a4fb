//! `/api/auth/sessions`: users see and end their own sessions, and nobody else's.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::oidc::mock::NOW;
use crate::testing::{Browser, World};

const ALL: &str = "/api/auth/sessions";

async fn list(world: &World, browser: &Browser) -> Vec<Value> {
    let answer = browser.get(ALL).by_our_page().send(&world.app).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    answer.json()["sessions"].as_array().unwrap().clone()
}

async fn delete(world: &World, browser: &Browser, target: &str) -> crate::testing::Answer {
    let token = world.csrf(browser).await;
    browser.ask(Method::DELETE, target).with_csrf(&token).send(&world.app).await
}

async fn revoked(world: &World) -> usize {
    assert!(world.app.shutdown.drained(Duration::from_secs(10)).await);
    world.idp.seen("/revoke").len()
}

#[tokio::test]
async fn c47_my_sessions_are_listed_newest_first() {
    let world = World::start().await;
    let old = world.signed_in().await;
    world.clock.advance(100);
    let phone = Browser::new().called("Phone/1 (canary)");
    world.sign_in(&phone).await;
    let stranger = Browser::new();
    let login = world.begin(&stranger, "/auth/login").await;
    world.finish_as(&stranger, &login, &json!({ "sub": "bob" })).await;

    let listed = list(&world, &phone).await;
    assert_eq!(
        listed[0],
        json!({
            "ref": phone.reference(), "created_at": NOW + 100, "last_seen": NOW + 100,
            "device": listed[0]["device"], "current": true,
        })
    );
    assert!(listed[0]["device"].as_str().unwrap().starts_with("Phone/1 (canary"));
    assert_eq!(
        (&listed[1]["ref"], &listed[1]["current"]),
        (&json!(old.reference()), &json!(false))
    );
    assert_eq!(listed.len(), 2, "{listed:?}");

    // What is listed opens nothing.
    let thief = Browser::new();
    thief.plant(&format!("bff_session={}; Path=/", old.reference()));
    assert!(!world.is_signed_in(&thief).await);

    // A session that is over is not listed, whatever the store still holds.
    world.clock.advance(3500);
    let listed = list(&world, &phone).await;
    assert_eq!(listed.len(), 1, "{listed:?}");
}

#[tokio::test]
async fn c47_one_session_ends_and_somebody_elses_is_not_there() {
    let world = World::start().await;
    let (mine, other) = (world.signed_in().await, world.signed_in().await);
    let stranger = Browser::new();
    let login = world.begin(&stranger, "/auth/login").await;
    world.finish_as(&stranger, &login, &json!({ "sub": "bob" })).await;
    let unknown = "A".repeat(43);
    let junk = ["x", "%2e%2e", "%ff", "a%2Fb", unknown.as_str()];
    for reference in junk.into_iter().chain([stranger.reference().as_str()]) {
        let answer = delete(&world, &mine, &format!("{ALL}/{reference}")).await;
        assert_eq!((answer.status, &*answer.code()), (404, "not_found"), "{reference}");
    }
    assert!(world.is_signed_in(&stranger).await);

    let target = format!("{ALL}/{}", other.reference());
    let answer = delete(&world, &mine, &target).await;
    assert_eq!((answer.status, &*answer.body), (204, ""));
    assert!(!world.is_signed_in(&other).await);
    assert_eq!(delete(&world, &mine, &target).await.status, 404);
    assert!(world.is_signed_in(&mine).await);
}

#[tokio::test]
async fn c47_ending_the_current_session_is_a_logout() {
    let world = World::start().await;
    let mine = world.signed_in().await;
    let thief = mine.stolen();
    let answer = delete(&world, &mine, &format!("{ALL}/{}", mine.reference())).await;
    assert_eq!((answer.status, mine.session()), (204, None));
    assert!(!world.is_signed_in(&thief).await);
    assert_eq!(revoked(&world).await, 2);
}

#[tokio::test]
async fn c47_all_others_end_or_all() {
    let world = World::start().await;
    let (mine, one, two) =
        (world.signed_in().await, world.signed_in().await, world.signed_in().await);
    for query in ["?except=curent", "?except=", "?except=current&except=current", "?all"] {
        let answer = delete(&world, &mine, &format!("{ALL}{query}")).await;
        assert_eq!((answer.status, &*answer.code()), (400, "query_invalid"), "{query}");
    }
    assert_eq!(list(&world, &mine).await.len(), 3);

    let answer = delete(&world, &mine, &format!("{ALL}?except=current")).await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "ended": 2 })));
    assert!(!world.is_signed_in(&one).await && !world.is_signed_in(&two).await);
    assert!(world.is_signed_in(&mine).await && mine.session().is_some());

    let (three, thief) = (world.signed_in().await, mine.stolen());
    let answer = delete(&world, &mine, ALL).await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "ended": 2 })));
    assert_eq!(mine.session(), None);
    assert!(!world.is_signed_in(&three).await && !world.is_signed_in(&thief).await);
    assert_eq!(revoked(&world).await, 2, "of the current session, whose cookie is at hand");
}

#[tokio::test]
async fn c63_c64_other_sites_list_and_end_nothing() {
    let world = World::start().await;
    let (mine, other) = (world.signed_in().await, world.signed_in().await);
    let one = format!("{ALL}/{}", other.reference());
    let token = world.csrf(&other).await;
    let delete = |target: &str| mine.ask(Method::DELETE, target);
    for (ask, code) in [
        (mine.get(ALL), "csrf_header_missing"),
        (mine.get(ALL).header("sec-fetch-site", "cross-site"), "csrf_fetch_site"),
        (mine.get(ALL).header("origin", "https://evil.test"), "csrf_origin"),
        (delete(ALL).by_our_page(), "csrf_header_missing"),
        (delete(&one).by_our_page(), "csrf_header_missing"),
        (delete(&one).with_csrf(&token), "csrf_token_invalid"),
        (delete(ALL).header("origin", "null"), "csrf_origin"),
    ] {
        let answer = ask.send(&world.app).await;
        assert_eq!((answer.status, &*answer.code()), (403, code));
    }
    for ask in [Browser::new().get(ALL), Browser::new().ask(Method::DELETE, ALL)] {
        let answer = ask.by_our_page().send(&world.app).await;
        assert_eq!((answer.status, &*answer.code()), (401, "unauthenticated"));
    }
    assert!(world.is_signed_in(&mine).await && world.is_signed_in(&other).await);
}

#[tokio::test]
async fn c80_without_the_store_nothing_is_listed_and_nothing_claimed() {
    let world = World::start().await;
    let mine = world.signed_in().await;
    let token = world.csrf(&mine).await;
    let away = world.replica_without_store().await;
    for ask in [
        mine.get(ALL).by_our_page(),
        mine.ask(Method::DELETE, ALL).with_csrf(&token),
        mine.ask(Method::DELETE, &format!("{ALL}/{}", mine.reference())).with_csrf(&token),
    ] {
        let answer = ask.send(&away).await;
        assert_eq!((answer.status, &*answer.code()), (503, "store_unavailable"));
        assert!(answer.cookies().is_empty());
    }
    assert!(world.is_signed_in(&mine).await);
}
