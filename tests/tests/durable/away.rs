//! Redis or PostgreSQL is away, at each step, and comes back with what it had.

use e2e::stack::Stack;
use e2e::{clock, wait};
use http::Method;
use rustix::process::Signal;
use serde_json::json;

use super::{Scene, TOGETHER};

#[tokio::test(flavor = "multi_thread")]
async fn c80_while_redis_is_away_bff_serves_sessions_and_verify_sends_nobody_away() {
    let mut scene = Scene::start().await;
    let agent = scene.signed_in("alice").await;
    scene.told().await;
    scene.stack.redis.kill();
    wait::until("bff serves the session", TOGETHER, async || {
        let answers = scene.answers(&agent).await;
        assert!(answers.iter().all(|(_, status)| matches!(status, 200 | 502..=504)), "{answers:?}");
        let of = |name, wanted| {
            let mut named = answers.iter().filter(|(who, _)| *who == name);
            named.all(|(_, status)| *status == wanted)
        };
        (of("bff", 200) && of("verify", 503)).then_some(())
    })
    .await;
    scene.is_counted("bff_sessions_read_from_database_total").await;
    scene.stack.redis.restart().await;
    scene.lives(&agent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c70_who_signs_out_while_redis_is_away_stays_signed_out_when_it_comes_back_with_the_session()
 {
    let mut scene = Scene::start().await;
    let (alice, bob) = (scene.signed_in("alice").await, scene.signed_in("bob").await);
    // What Redis has on its disk it will have again.
    scene.stack.redis.ask(&[b"CONFIG", b"SET", b"appendfsync", b"always"]).await;
    scene.told().await;
    scene.stack.redis.kill();
    let (reply, ended) = scene.sign_out(&alice).await;
    assert!(reply.status.is_success(), "{}", reply.text());
    let bff = scene.stack.bff_address;
    assert_eq!(scene.call(bff, &ended).await.status, 401, "of a session that has ended");
    scene.stack.redis.restart().await;
    scene.has_ended(&ended).await;
    scene.lives(&bob).await;
    assert_eq!(scene.stack.keys("bff:session:").await.len(), 1);
    scene.is_counted("bff_sessions_ended_again_total").await;
    scene.redis_loses_all().await;
    scene.lives(&bob).await;
    scene.has_ended(&ended).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c75_a_logout_at_the_provider_while_redis_is_away_is_carried_out() {
    let mut scene = Scene::start().await;
    let (alice, bob) = (scene.signed_in("alice").await, scene.signed_in("bob").await);
    scene.stack.redis.ask(&[b"CONFIG", b"SET", b"appendfsync", b"always"]).await;
    scene.told().await;
    scene.stack.redis.kill();
    // What is held against her access token has to wait for Redis, and the answer says so; the session does not.
    scene.stack.idp.control("logout", &json!({"sub": "alice"})).await;
    let bff = scene.stack.bff_address;
    assert_eq!(scene.call(bff, &alice).await.status, 401);
    scene.stack.redis.restart().await;
    scene.has_ended(&alice).await;
    scene.lives(&bob).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c56_tokens_that_come_while_redis_is_away_are_kept_though_it_comes_back_with_the_old_ones()
{
    let mut scene = Scene::of(Stack::plan().idp("OP_AT_TTL", "1")).await;
    let agent = scene.signed_in("alice").await;
    scene.stack.idp.access_token_lifetime(3600).await;
    scene.stack.redis.ask(&[b"CONFIG", b"SET", b"appendfsync", b"always"]).await;
    clock::reach(clock::now() + 2).await;
    scene.stack.idp.fault("/token", 1, json!({"hold": true, "after": true})).await;
    let (origin, bff, tab) = (scene.stack.origin.clone(), scene.stack.bff_address, agent.tab());
    let call = tokio::spawn(async move {
        e2e::stack::to_bff(&origin, bff, &tab, Method::GET, "/api/echo/x").send().await
    });
    scene.stack.idp.holds().await;
    scene.told().await;
    scene.stack.redis.kill();
    scene.stack.idp.release().await;
    let reply = call.await.expect("it is answered");
    assert_eq!(reply.status, 200, "{}", reply.text());
    scene.stack.redis.restart().await;
    scene.complete().await;
    scene.lives(&agent).await;
    scene.spent_once().await;
    assert_eq!(scene.stack.idp.count("grant refresh_token").await, 1, "its tokens were lost");
}

/// Nothing waits for PostgreSQL, and what it missed it is told.
async fn without_postgres(freeze: bool) {
    let mut scene = Scene::start().await;
    let (alice, bob) = (scene.signed_in("alice").await, scene.signed_in("bob").await);
    if freeze {
        scene.postgres().freeze();
    } else {
        scene.postgres().kill().await;
    }
    let carol = scene.signed_in("carol").await;
    for agent in [&alice, &bob, &carol] {
        let answers = scene.answers(agent).await;
        assert!(answers.iter().all(|(_, status)| *status == 200), "{answers:?}");
    }
    let (reply, ended) = scene.sign_out(&alice).await;
    assert!(reply.status.is_success(), "{}", reply.text());
    let answers = scene.answers(&ended).await;
    assert!(answers.iter().all(|(_, status)| *status == 401), "{answers:?}");
    wait::until("what it missed is counted", TOGETHER, async || {
        (scene.counted("bff_database_writes_missed_total").await >= 2).then_some(())
    })
    .await;

    if freeze {
        scene.postgres().thaw();
    } else {
        scene.postgres().restart().await;
    }
    scene.redis_loses_all().await;
    scene.lives(&bob).await;
    scene.lives(&carol).await;
    scene.has_ended(&ended).await;
    assert_eq!(scene.counted("bff_database_writes_lost_total").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn c80_a_killed_postgres_stops_nothing_and_is_told_what_it_missed() {
    without_postgres(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c80_a_frozen_postgres_stops_nothing_and_is_told_what_it_missed() {
    without_postgres(true).await;
}

/// Programs that start before PostgreSQL does use it once it is there.
#[tokio::test(flavor = "multi_thread")]
async fn c80_a_bff_that_starts_without_postgres_finds_it_later() {
    let mut scene = Scene::start().await;
    scene.postgres().kill().await;
    let agent = scene.stack.agent();
    scene.stack.bff.restart(&agent).await;
    let alice = scene.signed_in("alice").await;
    scene.postgres().restart().await;
    wait::until("PostgreSQL has the session", TOGETHER, async || {
        let known = "SELECT count(*) FROM wicketgate_sessions WHERE NOT ended";
        (scene.postgres().query(known) == "1").then_some(())
    })
    .await;
    scene.redis_loses_all().await;
    scene.lives(&alice).await;
}

/// What it missed is in the memory of one replica, which has the time of its last requests to tell it.
#[tokio::test(flavor = "multi_thread")]
async fn c80_a_bff_that_ends_tells_postgres_what_it_missed_as_long_as_it_drains() {
    let mut scene = Scene::of(Stack::plan().idp("OP_AT_TTL", "1")).await;
    let alice = scene.signed_in("alice").await;
    scene.stack.idp.access_token_lifetime(3600).await;
    let bob = scene.signed_in("bob").await;
    clock::reach(clock::now() + 2).await;
    scene.told().await;
    // Frozen, because a start could take longer than `bff` waits for the provider.
    scene.postgres().freeze();
    // At the replica that is to end.
    let (reply, _) = scene.sign_out(&bob).await;
    assert!(reply.status.is_success(), "{}", reply.text());
    // The path of a revocation begins as that of what is to be held.
    wait::until("his tokens are revoked", TOGETHER, async || {
        (scene.stack.idp.count("POST /token/revocation").await >= 2).then_some(())
    })
    .await;
    scene.stack.idp.fault("/token", 1, json!({"hold": true, "after": true})).await;
    let (origin, bff, tab) = (scene.stack.origin.clone(), scene.stack.bff_address, alice.tab());
    let call = tokio::spawn(async move {
        e2e::stack::to_bff(&origin, bff, &tab, Method::GET, "/api/echo/x").send().await
    });
    scene.stack.idp.holds().await;

    let agent = scene.stack.agent();
    let ready = format!("http://{}/health/ready", scene.stack.bff.admin);
    scene.stack.bff.process().signal(Signal::TERM);
    wait::until("the end has begun", TOGETHER, async || {
        let reply = agent.get(&ready).try_send().await;
        (!reply.is_ok_and(|reply| reply.status == 200)).then_some(())
    })
    .await;
    scene.postgres().thaw();
    wait::until("PostgreSQL knows of the end", TOGETHER, async || {
        let known = "SELECT count(*) FROM wicketgate_sessions WHERE ended";
        (scene.postgres().query(known) == "1").then_some(())
    })
    .await;
    scene.stack.idp.release().await;
    assert_eq!(call.await.expect("it is answered").status, 200);
    let status = scene.stack.bff.process().end(TOGETHER).await;
    assert!(status.success(), "{status}");
    assert!(!scene.stack.bff.log().contains("lacks what it missed"), "{}", scene.stack.bff.log());
}
