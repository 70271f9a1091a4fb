//! Redis comes back with nothing, at each step.

use e2e::stack::Stack;
use e2e::{clock, wait};
use http::Method;
use serde_json::json;

use super::{Scene, TOGETHER};

/// Access tokens that are dead at once, for a refresh at the next call; the one after it lives an hour.
async fn expired(plan: e2e::stack::Plan) -> (Scene, e2e::agent::Agent) {
    let scene = Scene::of(plan.idp("OP_AT_TTL", "1")).await;
    let agent = scene.signed_in("alice").await;
    scene.stack.idp.access_token_lifetime(3600).await;
    clock::reach(clock::now() + 2).await;
    (scene, agent)
}

#[tokio::test(flavor = "multi_thread")]
async fn c80_a_redis_that_lost_everything_signs_nobody_out_and_brings_nobody_back() {
    let mut scene = Scene::start().await;
    let (alice, bob) = (scene.signed_in("alice").await, scene.signed_in("bob").await);
    let (reply, ended) = scene.sign_out(&alice).await;
    assert!(reply.status.is_success(), "{}", reply.text());
    scene.redis_loses_all().await;
    scene.lives(&bob).await;
    scene.has_ended(&ended).await;
    assert!(
        scene.counted("bff_sessions_restored_total").await
            + scene.counted("bff_sessions_read_from_database_total").await
            >= 1
    );
    assert_eq!(scene.stack.keys("bff:session:").await.len(), 1);

    // The lists are there as well: the provider can end it.
    let told = scene.stack.idp.control("logout", &json!({"sub": "bob"})).await;
    assert_eq!(told[0]["ok"], true, "{told}");
    scene.has_ended(&bob).await;
}

/// Verify reaches Redis alone, and lists there what it ends.
#[tokio::test(flavor = "multi_thread")]
async fn c48_c80_a_session_that_verify_ended_stays_ended_when_redis_loses_everything() {
    const FIREFOX: &str = "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0";
    let mut scene = Scene::start().await;
    let (alice, bob) = (scene.signed_in("alice").await, scene.signed_in("bob").await);
    let shown = scene.stack.ask_verify(&alice, "/app/").header("user-agent", FIREFOX);
    assert_eq!(shown.send().await.status, 401);
    wait::until("PostgreSQL was told of the end", TOGETHER, async || {
        let sessions = scene.stack.redis.keys("bff:session:").await.len();
        let listed = scene.stack.redis.keys("bff:ended").await.len();
        ((sessions, listed) == (1, 0)).then_some(())
    })
    .await;
    scene.redis_loses_all().await;
    scene.lives(&bob).await;
    scene.has_ended(&alice).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c80_what_an_administrator_holds_against_a_user_outlives_redis() {
    const TOKEN: &str = "admin-canary-1f6b0c2d9e8a7453";
    let plan = Stack::plan().bff("BFF_ADMIN_TOKENS", format!("ops:{TOKEN}"));
    let mut scene = Scene::of(plan).await;
    let carol = scene.signed_in("carol").await;
    let path = "/admin/users/carol/flags";
    let flagged = scene.stack.admin(Method::PUT, path, &json!({"suspended": true})).await;
    assert!(flagged.status.is_success(), "{}", flagged.text());
    scene.redis_loses_all().await;
    wait::until("she is known, and kept out", TOGETHER, async || {
        let answers = scene.answers(&carol).await;
        assert!(answers.iter().all(|(_, status)| matches!(status, 403 | 502..=504)), "{answers:?}");
        answers.iter().all(|(_, status)| *status == 403).then_some(())
    })
    .await;
    scene.complete().await;
    // A login does not get past it.
    let again = scene.stack.agent();
    scene.stack.sign_in_directly(&again, "carol").await;
    assert_eq!(scene.stack.ask_verify(&again, "/app/").send().await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn c80_a_login_whose_state_redis_lost_is_begun_again() {
    let mut scene = Scene::start().await;
    let (agent, bff) = (scene.stack.agent(), scene.stack.bff_address);
    let callback = scene.stack.up_to_the_callback(&agent, "alice", bff).await;
    scene.redis_loses_all().await;
    scene.complete().await;
    let landed = scene.stack.visit_bff(bff, &agent, &callback).send().await;
    assert_eq!(scene.stack.cookie(&agent), "", "{}", landed.text());
    scene.stack.sign_in_directly(&agent, "alice").await;
    scene.lives(&agent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c80_a_login_during_which_redis_loses_everything_makes_a_session_that_lives() {
    let mut scene = Scene::start().await;
    let (agent, bff) = (scene.stack.agent(), scene.stack.bff_address);
    let callback = scene.stack.up_to_the_callback(&agent, "alice", bff).await;
    scene.stack.idp.fault("/token", 1, json!({"hold": true, "after": true})).await;
    let origin = scene.stack.origin.clone();
    let tab = agent.tab();
    let landing = tokio::spawn(async move {
        let call = e2e::stack::to_bff(&origin, bff, &tab, Method::GET, &callback);
        let call = call.header("accept", "text/html").header("sec-fetch-mode", "navigate");
        (call.header("sec-fetch-site", "none").send().await, tab)
    });
    scene.stack.idp.holds().await;
    scene.redis_loses_all().await;
    scene.complete().await;
    scene.stack.idp.release().await;
    let (landed, agent) = landing.await.expect("it is answered");
    assert_eq!(landed.status, 303, "{}", landed.text());
    scene.lives(&agent).await;
    scene.redis_loses_all().await;
    scene.lives(&agent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c56_a_redis_that_lost_everything_before_a_refresh_costs_nothing() {
    let (mut scene, agent) = expired(Stack::plan()).await;
    scene.redis_loses_all().await;
    scene.lives(&agent).await;
    scene.spent_once().await;
    assert_eq!(scene.stack.idp.count("grant refresh_token").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn c56_tokens_that_come_when_redis_has_lost_everything_are_kept() {
    let (mut scene, agent) = expired(Stack::plan()).await;
    scene.stack.idp.fault("/token", 1, json!({"hold": true, "after": true})).await;
    let (origin, bff, tab) = (scene.stack.origin.clone(), scene.stack.bff_address, agent.tab());
    let call = tokio::spawn(async move {
        e2e::stack::to_bff(&origin, bff, &tab, Method::GET, "/api/echo/x").send().await
    });
    scene.stack.idp.holds().await;
    scene.redis_loses_all().await;
    scene.stack.idp.release().await;
    let reply = call.await.expect("it is answered");
    assert!(matches!(reply.status.as_u16(), 200 | 503), "{}", reply.text());
    scene.lives(&agent).await;
    scene.spent_once().await;
    assert_eq!(scene.stack.idp.count("grant refresh_token").await, 1, "its tokens were lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn c56_tokens_that_were_rotated_before_redis_lost_everything_are_kept() {
    let (mut scene, agent) = expired(Stack::plan()).await;
    let bff = scene.stack.bff_address;
    assert_eq!(scene.call(bff, &agent).await.status, 200);
    scene.stack.upstream.take();
    assert_eq!(scene.call(bff, &agent).await.status, 200);
    let before = scene.stack.upstream.take();
    scene.redis_loses_all().await;
    scene.lives(&agent).await;
    scene.stack.upstream.take();
    assert_eq!(scene.call(bff, &agent).await.status, 200);
    let after = scene.stack.upstream.take();
    assert_eq!(before[0].header("authorization"), after[0].header("authorization"));
    scene.spent_once().await;
    assert_eq!(scene.stack.idp.count("grant refresh_token").await, 1);
}

/// Without the setting verify goes by Redis alone, and lets in again who was restored.
#[tokio::test(flavor = "multi_thread")]
async fn c80_verify_that_was_not_told_of_the_database_goes_by_redis_alone() {
    let plan = Stack::plan().durable().forwardauth("FORWARDAUTH_DURABLE_SESSIONS", "false");
    let mut scene = Scene { stack: plan.twice().start().await };
    scene.complete().await;
    let agent = scene.signed_in("alice").await;
    // Nobody gives anything back while PostgreSQL stands still.
    scene.told().await;
    scene.postgres().freeze();
    scene.redis_is_emptied().await;
    wait::until("verify has found redis", TOGETHER, async || {
        let status = scene.stack.ask_verify(&agent, "/app/").send().await.status.as_u16();
        assert!(matches!(status, 401 | 503), "{status}");
        (status == 401).then_some(())
    })
    .await;
    scene.postgres().thaw();
    wait::until("the session is back", TOGETHER, async || {
        (scene.stack.ask_verify(&agent, "/app/").send().await.status == 200).then_some(())
    })
    .await;
}

/// Of a Redis that lost everything nobody knows who has a session, while PostgreSQL is away as well.
#[tokio::test(flavor = "multi_thread")]
async fn c80_while_both_are_without_sessions_nobody_is_told_to_sign_in() {
    let mut scene = Scene::start().await;
    let agent = scene.signed_in("alice").await;
    scene.told().await;
    scene.postgres().kill().await;
    scene.redis_is_emptied().await;
    let until = clock::now() + 4;
    while clock::now() < until {
        let answers = scene.answers(&agent).await;
        assert!(answers.iter().all(|(_, status)| *status == 503), "{answers:?}");
    }
    scene.postgres().restart().await;
    scene.lives(&agent).await;
}
