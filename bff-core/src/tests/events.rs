//! What a page hears of its session.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use session::id::SessionId;
use session::store::Store as _;

use crate::app::App;
use crate::oidc::mock::NOW;
use crate::testing::{Browser, Events, FRESH_TOKEN, World};

/// A signed-in browser with an open stream that has said `ready`. From here on time is the test's: what
/// waits for nothing but timers goes on at once.
async fn listening(world: &World, app: &Arc<App>) -> (Browser, Events) {
    let browser = world.signed_in().await;
    let mut events = Events::open(&browser, app).await;
    events.expect("ready").await;
    (browser, events)
}

async fn log_out(world: &World, browser: &Browser) {
    let token = world.csrf(browser).await;
    let answer = browser.post("/auth/logout").with_csrf(&token).send(&world.app).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn c66_a_stream_begins_at_once_and_is_kept_by_no_cache() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    let mut events = Events::open(&browser, &world.app).await;
    let header = |name: &str| events.headers.get(name).map(|value| value.to_str().unwrap());
    assert_eq!(header("content-type"), Some("text/event-stream"));
    assert_eq!(header("cache-control"), Some("no-store"));
    assert_eq!(header("x-accel-buffering"), Some("no"));
    assert_eq!(header("vary"), Some("Cookie"));
    let ready = json!({ "expires_at": NOW + 28_800, "idle_expires_at": NOW + 3_600 });
    assert_eq!(events.expect("ready").await, ready);
}

#[tokio::test]
async fn c66_without_a_session_or_from_elsewhere_there_is_no_stream() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    let ask = |browser: &Browser| browser.get("/api/auth/events");
    for (ask, status, code) in [
        (ask(&Browser::new()).by_our_page(), 401, "unauthenticated"),
        (ask(&browser), 403, "csrf_header_missing"),
        (ask(&browser).header("sec-fetch-site", "same-site"), 403, "csrf_fetch_site"),
        (ask(&browser).by_our_page().header("origin", "https://evil.test"), 403, "csrf_origin"),
    ] {
        let answer = ask.send(&world.app).await;
        assert_eq!((answer.status, &*answer.code()), (status, code));
    }
}

#[tokio::test]
async fn c66_c44_a_logout_at_another_replica_ends_the_stream_at_once() {
    let world = World::start().await;
    let other = world.replica();
    let (browser, mut events) = listening(&world, &other).await;
    let (stranger, mut untouched) = listening(&world, &other).await;
    log_out(&world, &browser).await;
    assert_eq!(events.expect_at_once("revoked").await, json!({ "reason": "ended" }));
    assert_eq!(events.any().await, None);
    assert!(world.is_signed_in(&stranger).await);
    tokio::time::pause();
    assert_eq!(untouched.any().await.unwrap().0, "", "a sign of life");
}

#[tokio::test]
async fn c66_news_that_were_lost_are_late_by_a_quarter_of_a_minute_at_most() {
    let world = World::start().await;
    let (browser, mut events) = listening(&world, &world.app).await;
    let id = SessionId::parse(browser.session().unwrap().as_bytes()).unwrap();
    assert_eq!(world.app.store.delete(&id.store_key()).await, Ok(true));
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    events.expect("revoked").await;
    assert!(begun.elapsed() <= Duration::from_secs(16), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn c66_a_refresh_is_told() {
    let world = World::start().await;
    let (browser, mut events) = listening(&world, &world.replica()).await;
    world.clock.advance(301);
    world.idp.once("/token", world.fresh_tokens());
    assert_eq!(world.call(&world.app, &browser).await.status, 200);
    let told = events.expect_at_once("refreshed").await;
    assert_eq!(told, json!({ "expires_at": NOW + 28_800, "idle_expires_at": NOW + 3_901 }));
    assert!(!told.to_string().contains(FRESH_TOKEN));
}

#[tokio::test]
async fn c41_an_end_that_comes_near_is_told_once_and_again_after_a_use() {
    let world = World::start().await;
    let (browser, mut events) = listening(&world, &world.app).await;
    tokio::time::pause();
    world.clock.advance(3_479);
    assert_eq!(events.any().await.unwrap().0, "", "121 seconds are left");
    world.clock.advance(1);
    let told = json!({
        "expires_at": NOW + 28_800, "idle_expires_at": NOW + 3_600, "in": 120,
    });
    assert_eq!(events.expect("expiring").await, told);
    world.clock.advance(20);
    assert_eq!(events.any().await.unwrap().0, "", "it was told");
    assert_eq!(browser.get("/api/auth/session").send(&world.app).await.status, 200);
    assert_eq!(events.expect("refreshed").await["idle_expires_at"], NOW + 7_100);
    world.clock.advance(3_500);
    assert_eq!(events.expect("expiring").await["in"], 100);
}

#[tokio::test]
async fn c41_a_session_that_ends_by_itself_ends_its_stream() {
    let world = World::start().await;
    let (_browser, mut events) = listening(&world, &world.app).await;
    tokio::time::pause();
    world.clock.advance(3_600);
    assert_eq!(events.expect("revoked").await, json!({ "reason": "expired" }));
    assert_eq!(events.any().await, None);
}

#[tokio::test]
async fn c42_a_stream_does_not_extend_the_session() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    world.clock.advance(61);
    let mut events = Events::open(&browser, &world.app).await;
    events.expect("ready").await;
    tokio::time::pause();
    for _ in 0..50 {
        world.clock.advance(60);
        assert_eq!(events.any().await.unwrap().0, "");
    }
    assert_eq!(world.session_of(&browser).await["idle_expires_at"], NOW + 3_600);
}

#[tokio::test]
async fn c66_the_end_of_the_process_ends_every_stream_at_once() {
    let world = World::start().await;
    let (_browser, mut events) = listening(&world, &world.app).await;
    let begun = tokio::time::Instant::now();
    world.app.shutdown.begin();
    assert_eq!(events.any().await, None);
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert!(world.app.shutdown.drained(Duration::from_secs(1)).await);
}

#[tokio::test]
async fn c66_a_browser_that_goes_away_leaves_nothing_behind() {
    let world = World::start().await;
    let (_browser, events) = listening(&world, &world.app).await;
    assert!(format!("{:?}", world.app.live).contains("taken: 1"));
    drop(events);
    assert!(format!("{:?}", world.app.live).contains("taken: 0"));
}

#[tokio::test]
async fn c66_a_stream_too_many_ends_the_oldest_of_that_session() {
    let world = World::start().await;
    let (browser, mut oldest) = listening(&world, &world.app).await;
    let mut streams = Vec::new();
    for _ in 0..20 {
        streams.push(Events::open(&browser, &world.app).await);
    }
    assert_eq!(oldest.any().await, None);
    streams[0].expect("ready").await;
}
