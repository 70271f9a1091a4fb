//! The IdP fails in the middle of a refresh. docs/RELIABILITY.md has a line for each of these.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use crate::app::App;
use crate::oidc::mock::{Recorded, Reply};
use crate::testing::{Answer, Browser, FRESH_TOKEN, Heard, World};

const FIRST: &str = "canary-refresh-token";

/// Everything that went on in the background is done.
pub(super) async fn settled(app: &App) {
    assert!(app.shutdown.drained(Duration::from_secs(10)).await);
}

/// `200`, or the status and the code of the problem.
pub(super) fn outcome(answer: &Answer) -> String {
    match answer.status {
        200 => "200".to_owned(),
        status => format!("{status} {}", answer.code()),
    }
}

pub(super) async fn call(world: &World, app: &Arc<App>, browser: &Browser) -> String {
    outcome(&world.call(app, browser).await)
}

/// The session ended as one does whose tokens are lost, and the same browser signs in again.
pub(super) async fn one_clean_login(world: &World, app: &Arc<App>, browser: &Browser) {
    let spent = world.spent().len();
    let answer = world.call(app, browser).await;
    assert_eq!(outcome(&answer), "401 unauthenticated");
    assert_eq!(answer.json()["login_url"], "/auth/login");
    settled(app).await;
    assert!(!world.is_signed_in(browser).await);
    world.sign_in(browser).await;
    assert_eq!(call(world, app, browser).await, "200");
    assert_eq!(world.spent().len(), spent, "nobody tried the old token again");
}

#[tokio::test]
async fn c51_an_answer_that_is_lost_without_grace_costs_one_login_once_the_token_is_dead() {
    let (world, heard) = (World::start().await, Heard::listen());
    let app = world.another().start();
    let browser = world.signed_in().await;
    world.clock.advance(270);
    world.idp.once("/token", Reply::Drop);
    assert_eq!(call(&world, &app, &browser).await, "200");
    settled(&app).await;
    // While the access token lives, it is served and nobody is asked.
    for seconds in [1, 20, 8] {
        world.clock.advance(seconds);
        assert_eq!(call(&world, &app, &browser).await, "200");
        settled(&app).await;
    }
    assert_eq!(heard.since(), [""; 0]);
    world.clock.advance(1);
    assert_eq!(call(&world, &app, &browser).await, "401 unauthenticated");
    let ended = ["session.revoked refresh_lost", "session.refresh_lost outcome_unknown"];
    assert_eq!(heard.since(), ended);
    one_clean_login(&world, &app, &browser).await;
    assert_eq!(world.spent(), [FIRST]);
    assert_eq!(world.revoked(), [FIRST], "what descends from it is of no use to anybody");
    assert_eq!(heard.since(), [""; 0], "it is told once");
}

#[tokio::test]
async fn c51_an_answer_that_is_lost_with_a_dead_token_ends_the_session_at_once() {
    for lost in [Reply::Drop, Reply::text(200, "text/html", "?"), Reply::text(504, "x/y", "")] {
        let (world, heard) = (World::start().await, Heard::listen());
        let app = world.another().start();
        let browser = world.signed_in().await;
        world.clock.advance(301);
        world.idp.once("/token", lost);
        assert_eq!(call(&world, &app, &browser).await, "401 unauthenticated");
        let ended = ["session.revoked refresh_lost", "session.refresh_lost outcome_unknown"];
        assert_eq!(heard.since(), ended);
        one_clean_login(&world, &app, &browser).await;
        assert_eq!(world.spent(), [FIRST]);
    }
}

#[tokio::test]
async fn c51_an_answer_that_is_lost_within_grace_is_asked_for_once_more() {
    let world = World::with(&[("OIDC_REFRESH_GRACE", "30s"), ("OIDC_DPOP", "required")]).await;
    let heard = Heard::listen();
    let app = world.another().start();
    let browser = world.signed_in().await;
    world.clock.advance(301);
    world.idp.once("/token", Reply::Drop);
    world.rotates(2);
    assert_eq!(call(&world, &app, &browser).await, "200");
    assert_eq!(world.spent(), [FIRST, FIRST]);
    assert_eq!(heard.since(), ["session.refreshed"]);
    let proofs: Vec<_> = world.idp.seen("/token").iter().filter_map(Recorded::proof).collect();
    let [.., (_, first), (_, second)] = proofs.as_slice() else { panic!("two proofs: {proofs:?}") };
    assert_ne!(first["jti"], second["jti"], "a proof is for one request");
    // The next one is again the first use of its token.
    world.clock.advance(301);
    assert_eq!(call(&world, &app, &browser).await, "200");
    assert_eq!(world.spent(), [FIRST, FIRST, "canary-refresh-token-2"]);
}

#[tokio::test]
async fn c51_a_second_attempt_that_fails_is_the_last() {
    let lost = ["session.revoked refresh_lost", "session.refresh_lost outcome_unknown"];
    let refused = ["session.revoked invalid_grant", "session.refresh_lost not_forgiven"];
    for (second, at_once, told) in [
        (Reply::Drop, "401 unauthenticated", lost),
        (Reply::error(400, "invalid_grant"), "401 unauthenticated", refused),
        // Nothing was spent by this one, but nobody knows about the first.
        (Reply::text(503, "text/html", ""), "503 idp_unavailable", lost),
    ] {
        let world = World::with(&[("OIDC_REFRESH_GRACE", "30s")]).await;
        let heard = Heard::listen();
        let app = world.another().start();
        let browser = world.signed_in().await;
        world.clock.advance(301);
        world.idp.once("/token", Reply::Drop);
        world.idp.once("/token", second);
        assert_eq!(call(&world, &app, &browser).await, at_once);
        world.clock.advance(1);
        one_clean_login(&world, &app, &browser).await;
        assert_eq!(world.spent(), [FIRST, FIRST]);
        let heard: Vec<_> = heard.since();
        assert_eq!(heard, told);
    }
}

#[tokio::test]
async fn c51_c81_a_second_attempt_that_finds_nobody_is_made_when_the_idp_is_back() {
    let world = World::with(&[("OIDC_REFRESH_GRACE", "30s")]).await;
    let heard = Heard::listen();
    let browser = world.signed_in().await;
    world.clock.advance(301);
    // Goes away with the first request that it reads.
    let going = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/token", going.local_addr().unwrap());
    let read = tokio::spawn(async move {
        let (mut stream, _) = going.accept().await.unwrap();
        drop(going);
        stream.read(&mut [0; 1024]).await.unwrap()
    });
    world.idp.metadata(&json!({ "token_endpoint": endpoint }));
    let away = world.another().start();
    assert_eq!(call(&world, &away, &browser).await, "503 idp_unavailable");
    assert!(read.await.unwrap() > 0, "the first attempt was made");

    world.idp.metadata(&json!({ "token_endpoint": world.gate.url("/token") }));
    world.rotates(1);
    assert_eq!(call(&world, &world.another().start(), &browser).await, "200");
    assert_eq!(world.spent(), [FIRST]);
    assert_eq!(heard.since(), ["session.refreshed"]);
}

#[tokio::test]
async fn c51_a_body_that_never_ends_is_a_lost_answer() {
    for (grace, attempts) in [("0", 1), ("1s", 1), ("30s", 2)] {
        let world = World::with(&[("OIDC_REFRESH_GRACE", grace)]).await;
        let app = world.another().idp_timeout(Duration::from_millis(1_100)).start();
        let browser = world.signed_in().await;
        world.clock.advance(301);
        world.rotates(2);
        world.gate.stall_after(150);
        let answer = call(&world, &app, &browser).await;
        assert_eq!(answer, "401 unauthenticated", "grace {grace}");
        assert_eq!(world.spent(), vec![FIRST; attempts], "grace {grace}");
    }
}

#[tokio::test]
async fn c55_c81_what_never_reached_the_idp_is_sent_later() {
    let world = World::start().await;
    let heard = Heard::listen();
    let browser = world.signed_in().await;
    world.clock.advance(301);
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for endpoint in [
        // No TLS there, and nobody there.
        world.gate.url("/token").replace("http:", "https:"),
        format!("http://{nobody}/token"),
    ] {
        world.idp.metadata(&json!({ "token_endpoint": endpoint }));
        let away = world.another().start();
        assert_eq!(call(&world, &away, &browser).await, "503 idp_unavailable");
    }
    assert_eq!(world.spent(), [""; 0]);
    world.idp.metadata(&json!({ "token_endpoint": world.gate.url("/token") }));
    world.rotates(1);
    assert_eq!(call(&world, &world.another().start(), &browser).await, "200");
    assert_eq!(world.spent(), [FIRST]);
    assert_eq!(heard.since(), ["session.refreshed"]);
}

#[tokio::test]
async fn c57_tokens_of_unknown_life_are_renewed_by_the_hour_and_by_name() {
    let world = World::start().await;
    let app = world.another().start();
    let browser = world.signed_in().await;
    let unknown = |number: usize| {
        let token = format!("{FRESH_TOKEN}-{number}");
        Reply::json(200, json!({ "access_token": token, "token_type": "Bearer" }))
    };
    world.clock.advance(301);
    world.idp.once("/token", unknown(1));
    assert_eq!(call(&world, &app, &browser).await, "200");
    let csrf = world.csrf(&browser).await;
    let refresh = async || browser.post("/api/auth/refresh").with_csrf(&csrf).send(&app).await;
    assert_eq!(refresh().await.status, 200);
    assert_eq!(world.refreshes(), 1, "just renewed");
    world.clock.advance(60);
    world.idp.once("/token", unknown(2));
    assert_eq!(refresh().await.status, 200);
    assert_eq!(world.refreshes(), 2);
    // Early renewal, an hour after the last.
    world.clock.advance(3_500);
    world.idp.once("/token", unknown(3));
    assert_eq!(call(&world, &app, &browser).await, "200");
    settled(&app).await;
    assert_eq!(world.refreshes(), 3);
    // One that fails changes nothing for the user: nobody knows that the token is dead.
    world.clock.advance(3_500);
    world.idp.once("/token", Reply::Drop);
    assert_eq!(refresh().await.status, 200);
    assert_eq!(call(&world, &app, &browser).await, "200");
}

#[tokio::test]
async fn a_nudge_begins_what_is_due_and_waits_for_nothing() {
    let world = World::start().await;
    let app = world.another().start();
    let browser = world.signed_in().await;
    let id = browser.session().unwrap();
    let session = async || {
        let id = session::id::SessionId::parse(id.as_bytes()).unwrap();
        app.session_by_id(id).await.unwrap().unwrap()
    };
    app.refresh_if_due(&session().await);
    settled(&app).await;
    assert_eq!(world.refreshes(), 0);
    world.clock.advance(280);
    world.rotates(1);
    let due = session().await;
    for _ in 0..10 {
        app.refresh_if_due(&due);
    }
    settled(&app).await;
    assert_eq!(world.refreshes(), 1);
    assert_eq!(session().await.stored.version, 2);
}
