//! A refresh token that is spent for a service goes the way of every other: no crash, no race and no logout
//! loses it. docs/RELIABILITY.md.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use session::faulty::Fault;

use super::faults::settled;
use super::faults_replicas::{Doomed, until};
use super::resource::{BILLS, FIRST, ORDERS, answer, get, jwt, narrow, renewed, stored, world};
use crate::oidc::mock::{ACCESS_TOKEN, Reply};
use crate::refresh::Limits;
use crate::testing::{FRESH_TOKEN, Heard, QUICK, World};

#[tokio::test]
async fn c49_a_hundred_calls_to_two_services_at_two_replicas_spend_each_refresh_token_once() {
    let world = world(&[]).await;
    let apps = [world.another().start(), world.another().start()];
    let browser = world.signed_in().await;
    // Whichever comes first: an opaque token fits every service.
    for number in 2..8 {
        world.idp.once("/token", answer(&format!("t-{number}"), "Bearer", &format!("rt-{number}")));
    }
    let paths = ["/api/orders", "/api/bills"];
    let calls = (0..100).map(|number| get(&apps[number % 2], &browser, paths[number / 2 % 2]));
    for answer in join_all(calls).await {
        assert_eq!(answer, "200");
    }
    assert_eq!(world.spent(), [FIRST, "rt-2", "rt-3", "rt-4"], "one for each service and replica");
}

#[tokio::test]
async fn c49_c53_a_refresh_and_tokens_for_services_at_once_spend_each_refresh_token_once() {
    for ahead in ["/api/orders", "/api/broad"] {
        let world = world(&[]).await;
        let apps = [world.another().start(), world.another().start()];
        let browser = world.signed_in().await;
        // So near its end that it is renewed, and so far from it that it is good for all this.
        world.clock.advance(280);
        world.gate.close();
        for number in 2..12 {
            let token = answer(&format!("t-{number}"), "Bearer", &format!("rt-{number}"));
            world.idp.once("/token", token);
        }
        let first = {
            let (app, browser) = (Arc::clone(&apps[0]), browser.clone());
            tokio::spawn(async move { get(&app, &browser, ahead).await })
        };
        world.gate.someone_waits().await;
        let calls = async {
            let calls = (0..20).map(|number| {
                let path = ["/api/orders", "/api/bills", "/api/broad"][number % 3];
                get(&apps[number % 2], &browser, path)
            });
            join_all(calls).await
        };
        let (answers, ()) = tokio::join!(calls, async {
            world.gate.open();
        });
        assert!(answers.iter().all(|answer| answer == "200"), "{answers:?}");
        assert_eq!(first.await.unwrap(), "200");
        for app in &apps {
            settled(app).await;
        }
        let spent = world.spent();
        let expected: Vec<_> = [FIRST.to_owned()]
            .into_iter()
            .chain((2..).map(|number| format!("rt-{number}")))
            .take(spent.len())
            .collect();
        assert_eq!(spent, expected, "each once, in their order");
        assert!(world.is_signed_in(&browser).await);
        let own = world.idp.seen("/token").into_iter().filter(|request| {
            request.param("grant_type") == Some("refresh_token")
                && request.param("resource").is_none()
        });
        assert_eq!(own.count(), 1, "the session's own tokens were renewed once");
    }
}

#[tokio::test]
async fn c53_a_refresh_that_waited_for_a_service_still_renews_the_session() {
    let world = world(&[]).await;
    let store = world.faulty();
    let app = world.another().over(&store).start();
    let browser = world.signed_in().await;
    world.clock.advance(200);
    world.gate.close();
    world.idp.once("/token", narrow("o", ORDERS, "rt-2"));
    world.idp.once("/token", renewed(FRESH_TOKEN, "rt-3"));
    let waiting = {
        let (app, browser) = (world.another().start(), browser.clone());
        tokio::spawn(async move { get(&app, &browser, "/api/orders").await })
    };
    world.gate.someone_waits().await;
    // The session's token is dead at another replica, which finds the lease taken, and then a session that
    // somebody changed and nobody renewed.
    world.clock.advance(101);
    let (broad, ()) = tokio::join!(get(&app, &browser, "/api/broad"), async {
        assert!(store.called("acquire_lease", 2).await);
        world.gate.open();
    });
    assert_eq!((broad, waiting.await.unwrap()), ("200".to_owned(), "200".to_owned()));
    assert_eq!(shown_for(&world, "/broad"), format!("Bearer {FRESH_TOKEN}"));
    assert_eq!(world.spent(), [FIRST, "rt-2"]);
}

fn shown_for(world: &World, path: &str) -> String {
    let seen = world.service.seen();
    let call = seen.iter().rev().find(|seen| seen.target.starts_with(path)).unwrap();
    call.header("authorization").unwrap().to_owned()
}

#[tokio::test]
async fn c55_c81_an_issuer_that_is_away_costs_nothing() {
    for reply in [Reply::error(503, "temporarily_unavailable"), Reply::error(429, "slow_down")] {
        let world = world(&[]).await;
        let browser = world.signed_in().await;
        world.idp.once("/token", reply);
        assert_eq!(get(&world.app, &browser, "/api/orders").await, "503 idp_unavailable");
        assert_eq!(get(&world.app, &browser, "/api/orders").await, "503 idp_unavailable");
        assert_eq!(world.spent(), [FIRST], "left alone for a second");
        assert_eq!(get(&world.app, &browser, "/api/broad").await, "200");
        world.clock.advance(1);
        world.idp.once("/token", narrow("o", ORDERS, "rt-2"));
        assert_eq!(get(&world.app, &browser, "/api/orders").await, "200");
        assert_eq!(world.spent(), [FIRST, FIRST], "it was not spent");
    }
}

#[tokio::test]
async fn c51_an_answer_that_is_lost_leaves_the_session_its_access_token() {
    let (world, heard) = (world(&[]).await, Heard::listen());
    let app = world.another().start();
    let browser = world.signed_in().await;
    world.idp.once("/token", Reply::Drop);
    assert_eq!(get(&app, &browser, "/api/orders").await, "503 idp_unavailable");
    for _ in 0..3 {
        world.clock.advance(90);
        assert_eq!(get(&app, &browser, "/api/broad").await, "200");
        assert_eq!(get(&app, &browser, "/api/bills").await, "503 idp_unavailable");
    }
    assert_eq!((world.spent(), heard.since()), (vec![FIRST.to_owned()], vec![]));
    world.clock.advance(31);
    assert_eq!(get(&app, &browser, "/api/broad").await, "401 unauthenticated");
    let ended = ["session.revoked refresh_lost", "session.refresh_lost outcome_unknown"];
    assert_eq!(heard.since(), ended);
    assert_eq!(world.spent(), [FIRST], "nobody sends it again");
}

#[tokio::test]
async fn c51_within_grace_a_lost_answer_is_asked_for_once_more() {
    let world = world(&[("OIDC_REFRESH_GRACE", "30s")]).await;
    let browser = world.signed_in().await;
    world.idp.once("/token", Reply::Drop);
    world.idp.once("/token", narrow("o", ORDERS, "rt-2"));
    assert_eq!(get(&world.app, &browser, "/api/orders").await, "200");
    world.idp.once("/token", narrow("b", BILLS, "rt-3"));
    assert_eq!(get(&world.app, &browser, "/api/bills").await, "200");
    assert_eq!(world.spent(), [FIRST, FIRST, "rt-2"]);

    // The second attempt is the last; the session goes on until its access token ends.
    for second in [Reply::error(400, "invalid_grant"), Reply::error(400, "invalid_target")] {
        let (world, heard) = (self::world(&[("OIDC_REFRESH_GRACE", "30s")]).await, Heard::listen());
        let browser = world.signed_in().await;
        world.idp.once("/token", Reply::Drop);
        world.idp.once("/token", second);
        assert_eq!(get(&world.app, &browser, "/api/orders").await, "503 idp_unavailable");
        assert_eq!(get(&world.app, &browser, "/api/broad").await, "200");
        assert_eq!(heard.since(), [""; 0]);
        world.clock.advance(301);
        assert_eq!(get(&world.app, &browser, "/api/broad").await, "401 unauthenticated");
        assert_eq!(world.spent(), [FIRST, FIRST]);
    }
}

#[tokio::test]
async fn c52_nothing_is_sent_that_could_not_be_written_down_and_nothing_used_that_was_not_stored() {
    let world = world(&[]).await;
    let store = world.faulty();
    let app = world.another().over(&store).start();
    let browser = world.signed_in().await;
    store.fail("intend", Fault::Away, usize::MAX);
    assert_eq!(get(&app, &browser, "/api/orders").await, "503 idp_unavailable");
    assert_eq!(world.spent(), [""; 0]);
    store.heal();
    settled(&app).await;

    // Stored late, the token is used late.
    for fault in [Fault::Away, Fault::AnswerLost] {
        let path = if fault == Fault::Away { "/api/orders" } else { "/api/bills" };
        world.clock.advance(1);
        let next = format!("rt-{path}");
        world.idp.once("/token", answer(path, "Bearer", &next));
        store.fail("replace", fault, 3);
        assert_eq!(get(&app, &browser, path).await, "200", "{fault:?}");
    }
    assert_eq!(world.spent(), [FIRST, "rt-/api/orders"]);
    world.clock.advance(301);
    world.idp.once("/token", renewed(FRESH_TOKEN, "rt-9"));
    assert_eq!(get(&app, &browser, "/api/broad").await, "200");
    assert_eq!(world.spent().pop().unwrap(), "rt-/api/bills", "nothing was lost");
}

#[tokio::test]
async fn c56_a_refresh_token_that_is_never_stored_shows_no_service_a_token() {
    let (world, heard) = (world(&[]).await, Heard::listen());
    let store = world.faulty();
    let app = world.another().over(&store).start();
    let browser = world.signed_in().await;
    world.idp.once("/token", narrow("o", ORDERS, "rt-2"));
    store.fail("replace", Fault::Away, usize::MAX);
    assert_eq!(get(&app, &browser, "/api/orders").await, "503 idp_unavailable");
    assert_eq!(heard.since(), ["session.refresh_lost not_stored"]);
    assert!(world.service.seen().is_empty());
    store.heal();
    assert_eq!(get(&app, &browser, "/api/broad").await, "200", "as long as its token lives");
    world.clock.advance(301);
    assert_eq!(get(&app, &browser, "/api/broad").await, "401 unauthenticated");
    assert_eq!(world.spent(), [FIRST]);
}

#[tokio::test]
async fn t15_a_logout_wins_over_a_token_that_is_under_way() {
    let world = world(&[]).await;
    let browser = world.signed_in().await;
    world.idp.once("/token", narrow("o", ORDERS, "rt-2"));
    let csrf = world.csrf(&browser).await;
    world.gate.close();
    let (answer, ()) = tokio::join!(get(&world.app, &browser, "/api/orders"), async {
        world.gate.someone_waits().await;
        let logout = browser.clone().post("/auth/logout").with_csrf(&csrf).send(&world.app).await;
        assert_eq!(logout.status, 200);
        world.gate.open();
    });
    assert_eq!(answer, "401 unauthenticated");
    settled(&world.app).await;
    assert!(world.service.seen().is_empty() && !world.is_signed_in(&browser).await);
    assert!(world.revoked().contains(&"rt-2".to_owned()), "nobody could use it");
    let revoked = world.idp.seen("/revoke");
    let token = jwt("o", &json!(ORDERS));
    assert!(revoked.iter().any(|one| one.param("token") == Some(&*token)), "nor the token");
}

#[tokio::test]
async fn c52_a_replica_that_dies_before_the_idp_answered_or_it_stored_what_came() {
    for (dies_at, grace, left) in [
        ("/token", "0", "503 idp_unavailable"),
        ("/token", "30s", "200"),
        ("replace", "0", "503 idp_unavailable"),
        ("replace", "30s", "200"),
    ] {
        let world = world(&[("OIDC_REFRESH_GRACE", grace)]).await;
        let store = world.faulty();
        let dying = world.another().over(&store).start();
        let (other, heard) = (world.another().start(), Heard::listen());
        let browser = world.signed_in().await;
        let doomed = Doomed::start();
        if dies_at == "/token" {
            world.idp.once("/token", Reply::Hang);
        } else {
            world.idp.once("/token", narrow("lost", ORDERS, "rt-2"));
            store.fail("replace", Fault::Hangs, 1);
        }
        doomed.call(&dying, &browser, "/api/orders");
        if dies_at == "/token" {
            until(|| world.refreshes() == 1).await;
        } else {
            assert!(store.called("replace", 1).await);
        }
        doomed.kill();
        // Within grace the IdP gives the same once more, and all goes on; without, the session has its
        // access token, and ends with it.
        world.idp.once("/token", narrow("o", ORDERS, "rt-2"));
        assert_eq!(get(&other, &browser, "/api/orders").await, left, "{dies_at}, grace {grace}");
        assert_eq!(get(&other, &browser, "/api/broad").await, "200");
        assert_eq!(heard.since(), [""; 0]);
        let spent = if left == "200" { 2 } else { 1 };
        assert_eq!(world.spent(), vec![FIRST; spent], "{dies_at}, grace {grace}");
        if left == "200" {
            world.clock.advance(301);
            world.idp.once("/token", renewed(FRESH_TOKEN, "rt-3"));
            assert_eq!(get(&other, &browser, "/api/broad").await, "200");
            assert_eq!(world.spent(), [FIRST, FIRST, "rt-2"]);
        }
    }
}

#[tokio::test]
async fn c52_a_replica_that_dies_before_it_sent_or_after_it_stored_costs_nothing() {
    for (dies_at, spent) in [("intend", [FIRST, "rt-2"]), ("release_lease", [FIRST, "rt-2"])] {
        let world = world(&[]).await;
        let store = world.faulty();
        let dying = world.another().over(&store).start();
        let other = world.another().start();
        let browser = world.signed_in().await;
        world.idp.once("/token", narrow("1", ORDERS, "rt-2"));
        world.idp.once("/token", narrow("2", ORDERS, "rt-3"));
        store.fail(dies_at, Fault::Hangs, 1);
        let doomed = Doomed::start();
        doomed.call(&dying, &browser, "/api/orders");
        assert!(store.called(dies_at, 1).await);
        doomed.kill();
        assert_eq!(get(&other, &browser, "/api/orders").await, "200", "dies at {dies_at}");
        world.clock.advance(301);
        world.idp.once("/token", renewed(FRESH_TOKEN, "rt-4"));
        assert_eq!(get(&other, &browser, "/api/broad").await, "200");
        assert_eq!(world.spent()[..2], spent, "dies at {dies_at}");
    }
}

/// A replica that lost its lease spends the refresh token for a service, and within grace another one does
/// for the session.
#[tokio::test]
async fn c52_new_tokens_of_the_session_stand_whichever_of_two_replicas_is_heard_first() {
    for service_first in [true, false] {
        let world = world(&[("OIDC_REFRESH_GRACE", "30s")]).await;
        let patient = Limits { store: Duration::from_secs(10), ..QUICK };
        let ways = [world.faulty(), world.faulty()];
        let apps = ways.each_ref().map(|way| world.another().over(way).limits(patient).start());
        let browser = world.signed_in().await;
        world.clock.advance(200);
        // Whichever comes first: an opaque token fits all.
        world.idp.once("/token", renewed("t-2", "rt-2"));
        world.idp.once("/token", renewed("t-3", "rt-3"));
        ways[0].fail("extend_lease", Fault::Away, usize::MAX);
        world.gate.close();
        let begin = |place: usize, path: &'static str| {
            let (app, browser) = (Arc::clone(&apps[place]), browser.clone());
            tokio::spawn(async move { get(&app, &browser, path).await })
        };
        let service = begin(0, "/api/orders");
        world.gate.someone_waits().await;
        world.clock.advance(101);
        let broad = begin(1, "/api/broad");
        world.gate.so_many_wait(2).await;
        // One of them cannot store what it got before the other has.
        let (first, second, late) =
            if service_first { (service, broad, &ways[1]) } else { (broad, service, &ways[0]) };
        late.fail("replace", Fault::Away, usize::MAX);
        world.gate.open();
        assert_eq!(first.await.unwrap(), "200", "{service_first}");
        late.heal();
        assert_eq!(second.await.unwrap(), "200", "{service_first}");
        for app in &apps {
            settled(app).await;
        }
        let session = stored(&apps[1], &browser).await;
        let shown = shown_for(&world, "/broad");
        assert_eq!(shown, format!("Bearer {}", session.access_token), "{service_first}");
        assert_ne!(session.access_token, ACCESS_TOKEN, "{service_first}");
        assert_eq!(session.refresh_token, format!("r{}", session.access_token), "of one answer");
        assert_eq!(world.spent(), [FIRST, FIRST]);
        assert_eq!(world.revoked(), [""; 0], "either would take the other along");
    }
}
