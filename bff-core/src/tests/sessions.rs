//! The life of a session, by our clock.

use serde_json::json;

use crate::oidc::mock::{NOW, Reply};
use crate::testing::{Answer, Browser, World};

#[tokio::test]
async fn c41_a_session_that_is_not_used_ends() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    world.clock.advance(3599);
    assert!(world.is_signed_in(&browser).await);
    world.clock.advance(1);
    assert!(!world.is_signed_in(&browser).await);
    let answer = world.call(&world.app, &browser).await;
    assert_eq!((answer.status, answer.code()), (401, "unauthenticated".to_owned()));
}

#[tokio::test]
async fn c41_a_session_that_is_used_ends_all_the_same() {
    let world = World::with(&[("SESSION_TTL", "2h"), ("SESSION_IDLE_TTL", "30m")]).await;
    let browser = world.signed_in().await;
    for _ in 0..5 {
        world.clock.advance(20 * 60);
        let told = browser.get("/api/auth/session").send(&world.app).await.json();
        assert_eq!(told["authenticated"], true);
        assert_eq!(told["expires_at"], NOW + 2 * 3600);
        settle(&world).await;
    }
    world.clock.advance(20 * 60);
    assert!(!world.is_signed_in(&browser).await);
}

#[tokio::test]
async fn c42_a_probe_does_not_extend_the_session() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    for _ in 0..59 {
        world.clock.advance(60);
        let told = world.session_of(&browser).await;
        assert_eq!(told["idle_expires_at"], NOW + 3600);
    }
    world.clock.advance(60);
    assert!(!world.is_signed_in(&browser).await);
}

#[tokio::test]
async fn c42_a_use_extends_the_session_with_at_most_one_write_a_minute() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    let stored = || async { world.session_of(&browser).await["idle_expires_at"].clone() };
    let told = || async {
        let answer = browser.get("/api/auth/session").send(&world.app).await;
        settle(&world).await;
        answer.json()["idle_expires_at"].clone()
    };
    world.clock.advance(59);
    assert_eq!((told().await, stored().await), ((NOW + 3600).into(), (NOW + 3600).into()));
    world.clock.advance(1);
    // What the page is told is what the store will hold.
    assert_eq!((told().await, stored().await), ((NOW + 3660).into(), (NOW + 3660).into()));
    world.clock.advance(59);
    assert_eq!((told().await, stored().await), ((NOW + 3660).into(), (NOW + 3660).into()));
    let token = world.csrf(&browser).await;
    world.clock.advance(61);
    let answer = browser.post("/api/auth/refresh").with_csrf(&token).send(&world.app).await;
    assert_eq!(answer.json()["idle_expires_at"], NOW + 3780);
}

#[tokio::test]
async fn c71_what_a_session_sees_is_in_no_shared_cache() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    let told = browser.get("/api/auth/session").send(&world.app).await;
    let called = world.call(&world.app, &browser).await;
    for answer in [told, called] {
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{answer:?}");
        let vary: Vec<_> = answer.headers.get_all("vary").iter().collect();
        assert!(vary.iter().any(|vary| vary.as_bytes() == b"Cookie"), "{answer:?}");
    }
}

/// Until what a request left to do in the background is done.
async fn settle(world: &World) {
    assert!(world.app.shutdown.drained(std::time::Duration::from_secs(5)).await);
}

async fn with_expiry(world: &World, session_expiry: serde_json::Value) -> (Browser, Answer) {
    let browser = Browser::new();
    let login = world.begin(&browser, "/auth/login").await;
    let answer =
        world.finish_as(&browser, &login, &json!({ "session_expiry": session_expiry })).await;
    (browser, answer)
}

#[tokio::test]
async fn c41_a_session_ends_when_the_idp_says() {
    let world = World::start().await;
    let (browser, _) = with_expiry(&world, json!(NOW + 600)).await;
    assert_eq!(world.session_of(&browser).await["expires_at"], NOW + 600);
    // Use moves the idle deadline, and never beyond.
    world.clock.advance(120);
    let told = browser.get("/api/auth/session").send(&world.app).await.json();
    assert_eq!(
        (&told["expires_at"], &told["idle_expires_at"]),
        (&json!(NOW + 600), &json!(NOW + 600))
    );
    settle(&world).await;
    world.clock.advance(480);
    assert!(!world.is_signed_in(&browser).await);

    // It shortens, and never lengthens.
    let now = world.app.now();
    let (browser, _) = with_expiry(&world, json!(now + 1_000_000)).await;
    assert_eq!(world.session_of(&browser).await["expires_at"], now + 28_800);
    let (browser, _) =
        with_expiry(&world, serde_json::from_str(&format!("{}.5", now + 60)).unwrap()).await;
    assert_eq!(world.session_of(&browser).await["expires_at"], now + 60);
    for over in [json!(now), json!(0), json!("soon"), json!(-1), json!({})] {
        let (browser, answer) = with_expiry(&world, over.clone()).await;
        assert_eq!((answer.status, &*answer.code()), (400, "session_expiry_past"), "{over}");
        assert_eq!(browser.names(), [""; 0]);
    }
}

#[tokio::test]
async fn c41_a_refresh_may_shorten_a_session() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    world.clock.advance(301);
    let now = world.app.now();
    for (said, expected) in [(now + 900, now + 900), (now + 5000, now + 900)] {
        let at = world.app.now();
        let claims = json!({ "iat": at, "exp": at + 300, "nonce": null, "session_expiry": said });
        let mut fresh = json!({
            "access_token": "canary-fresh-token", "token_type": "Bearer", "expires_in": 300,
        });
        fresh["id_token"] = world.idp.id_token("", &claims).into();
        world.idp.once("/token", Reply::json(200, fresh));
        let token = world.csrf(&browser).await;
        let answer = browser.post("/api/auth/refresh").with_csrf(&token).send(&world.app).await;
        assert_eq!(answer.json()["expires_at"], expected, "{answer:?}");
        world.clock.advance(301);
    }
}
