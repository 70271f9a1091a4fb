//! The store fails in the middle of a refresh. docs/RELIABILITY.md has a line for each of these.

use std::sync::Arc;
use std::time::Duration;

use session::edge::EdgeView;
use session::faulty::{Fault, FaultyStore};
use session::id::SessionId;
use session::store::{Store as _, Swap};

use super::faults::{call, one_clean_login, settled};
use crate::app::App;
use crate::refresh::Limits;
use crate::testing::{Browser, Heard, QUICK, World};

const FIRST: &str = "canary-refresh-token";
const ALWAYS: usize = usize::MAX;

/// A world with a dead access token, and a replica whose way to the store can fail.
async fn due(grace: &str) -> (World, FaultyStore, Arc<App>, Browser, Heard) {
    let world = World::with(&[("OIDC_REFRESH_GRACE", grace)]).await;
    let store = world.faulty();
    let app = world.another().over(&store).start();
    let browser = world.signed_in().await;
    world.clock.advance(301);
    (world, store, app, browser, Heard::listen())
}

#[tokio::test]
async fn c56_tokens_that_are_not_stored_at_first_are_stored_in_the_end() {
    for fault in [Fault::Away, Fault::AnswerLost] {
        let (world, store, _, browser, heard) = due("0").await;
        let patient = Limits { store: Duration::from_secs(10), ..QUICK };
        let app = world.another().over(&store).limits(patient).start();
        world.rotates(2);
        store.fail("replace", fault, 3);
        assert_eq!(call(&world, &app, &browser).await, "200");
        assert_eq!(heard.since(), ["session.refreshed"], "{fault:?}");
        world.clock.advance(301);
        assert_eq!(call(&world, &app, &browser).await, "200");
        assert_eq!(world.spent(), [FIRST, "canary-refresh-token-2"], "{fault:?}");
        assert_eq!(world.revoked(), [""; 0]);
    }
}

#[tokio::test]
async fn c56_tokens_that_are_never_stored_cost_one_login() {
    let (world, store, app, browser, heard) = due("0").await;
    world.rotates(1);
    store.fail("replace", Fault::Away, ALWAYS);
    assert_eq!(call(&world, &app, &browser).await, "503 idp_unavailable");
    assert_eq!(heard.since(), ["session.refresh_lost not_stored"]);
    assert_eq!(world.revoked(), [""; 0], "a write whose answer was lost may have happened");
    store.heal();
    world.clock.advance(1);
    one_clean_login(&world, &app, &browser).await;
    assert_eq!(world.spent(), [FIRST]);
    let ended = ["session.revoked refresh_lost", "session.refresh_lost outcome_unknown"];
    assert_eq!(heard.since(), ended);
}

#[tokio::test]
async fn c56_tokens_that_are_never_stored_come_again_within_grace() {
    let (world, store, app, browser, heard) = due("30s").await;
    world.rotates(2);
    store.fail("replace", Fault::Away, ALWAYS);
    assert_eq!(call(&world, &app, &browser).await, "503 idp_unavailable");
    store.heal();
    world.clock.advance(1);
    assert_eq!(call(&world, &app, &browser).await, "200");
    assert_eq!(world.spent(), [FIRST, FIRST]);
    assert_eq!(heard.since(), ["session.refresh_lost not_stored", "session.refreshed"]);
}

#[tokio::test]
async fn c52_nothing_is_sent_that_could_not_be_written_down_before() {
    for fault in [Fault::Away, Fault::AnswerLost] {
        let (world, store, app, browser, heard) = due("0").await;
        store.fail("intend", fault, ALWAYS);
        store.fail("forget_intent", Fault::Away, 3);
        assert_eq!(call(&world, &app, &browser).await, "503 idp_unavailable");
        assert_eq!(world.spent(), [""; 0], "{fault:?}");
        // What was perhaps written is taken back in the background.
        settled(&app).await;
        store.heal();
        world.clock.advance(1);
        world.rotates(1);
        assert_eq!(call(&world, &app, &browser).await, "200", "{fault:?}");
        assert_eq!(world.spent(), [FIRST]);
        assert_eq!(heard.since(), ["session.refreshed"]);
    }
}

#[tokio::test]
async fn c52_an_answer_of_the_journal_that_is_lost_is_asked_for_again() {
    for grace in ["0", "30s"] {
        let (world, store, app, browser, _) = due(grace).await;
        world.rotates(1);
        store.fail("intend", Fault::AnswerLost, 3);
        assert_eq!(call(&world, &app, &browser).await, "200");
        assert_eq!(world.spent(), [FIRST]);
    }
}

#[tokio::test]
async fn c55_a_token_that_was_not_spent_is_good_again_though_the_store_forgets_late() {
    let (world, store, _, browser, heard) = due("0").await;
    let patient = Limits { last_word: Duration::from_secs(5), ..QUICK };
    let app = world.another().over(&store).limits(patient).start();
    world.idp.once("/token", crate::oidc::mock::Reply::text(503, "text/html", ""));
    store.fail("forget_intent", Fault::Away, 5);
    assert_eq!(call(&world, &app, &browser).await, "503 idp_unavailable");
    // Asked before it was forgotten, nobody ends the session at once.
    world.clock.advance(1);
    world.rotates(1);
    assert_eq!(call(&world, &app, &browser).await, "200");
    assert_eq!(world.spent(), [FIRST, FIRST], "the first was refused unspent");
    assert_eq!(heard.since(), ["session.refreshed"]);
}

#[tokio::test]
async fn t15_a_store_that_comes_back_empty_holds_no_session_and_gets_none() {
    let (world, store, app, browser, heard) = due("0").await;
    world.rotates(1);
    world.gate.close();
    let (answer, ()) = tokio::join!(call(&world, &app, &browser), async {
        world.gate.someone_waits().await;
        store.restart();
        world.gate.open();
    });
    assert_eq!(answer, "401 unauthenticated");
    settled(&app).await;
    assert_eq!(world.spent(), [FIRST]);
    assert_eq!(world.revoked(), ["canary-refresh-token-2"], "nobody could use them");
    let key = SessionId::parse(browser.session().unwrap().as_bytes()).unwrap().store_key();
    assert_eq!(store.load(&key).await, Ok(None));
    assert_eq!(call(&world, &app, &browser).await, "401 unauthenticated");
    assert_eq!(heard.since(), [""; 0]);
}

#[tokio::test]
async fn new_tokens_go_on_top_of_what_else_was_changed_meanwhile() {
    let (world, store, app, browser, _) = due("0").await;
    world.rotates(2);
    world.gate.close();
    let (answer, ()) = tokio::join!(call(&world, &app, &browser), async {
        world.gate.someone_waits().await;
        let id = SessionId::parse(browser.session().unwrap().as_bytes()).unwrap();
        let session = app.session_by_id(id).await.unwrap().unwrap();
        let (key, old) = (session.key, &session.stored.edge);
        let view = EdgeView { groups: "changed".into(), ..session.edge.to_view() };
        let new = session.edge.reseal(&key, &view).unwrap();
        let keep = Duration::from_secs(600);
        assert_eq!(store.slide(&key, old, new, keep).await, Ok(Swap::Done));
        world.gate.open();
    });
    assert_eq!(answer, "200");
    let id = SessionId::parse(browser.session().unwrap().as_bytes()).unwrap();
    let session = app.session_by_id(id).await.unwrap().unwrap();
    assert_eq!((session.stored.version, session.edge.groups()), (2, &b"changed"[..]));
    world.clock.advance(301);
    assert_eq!(call(&world, &app, &browser).await, "200");
    assert_eq!(world.spent(), [FIRST, "canary-refresh-token-2"], "nothing was lost");
}
