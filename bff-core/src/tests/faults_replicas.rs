//! A replica dies, stands still or has another time in the middle of a refresh. docs/RELIABILITY.md has
//! a line for each of these.

use std::sync::Arc;
use std::time::Duration;

use session::faulty::{Fault, FaultyStore};
use shell::clock::{Clock as _, ManualClock};
use tokio::runtime::{Builder, Runtime};

use super::faults::{call, one_clean_login, settled};
use crate::app::App;
use crate::oidc::mock::Reply;
use crate::refresh::Limits;
use crate::testing::{Browser, Heard, QUICK, World};

const FIRST: &str = "canary-refresh-token";

/// A process of its own, as far as tasks, timers and connections go: all of it ends at once.
pub(super) struct Doomed(Runtime);

impl Doomed {
    pub(super) fn start() -> Self {
        Self(Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap())
    }

    /// A call that nobody will see answered.
    pub(super) fn call(&self, app: &Arc<App>, browser: &Browser, path: &'static str) {
        let (app, browser) = (Arc::clone(app), browser.clone());
        self.0.spawn(async move {
            browser.get(path).by_our_page().send(&app).await;
        });
    }

    pub(super) fn kill(self) {
        self.0.shutdown_background();
    }
}

pub(super) async fn until(done: impl Fn() -> bool) {
    let waiting = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), waiting).await.unwrap();
}

async fn due(grace: &str) -> (World, FaultyStore, Arc<App>, Browser) {
    let world = World::with(&[("OIDC_REFRESH_GRACE", grace)]).await;
    let store = world.faulty();
    let app = world.another().over(&store).start();
    let browser = world.signed_in().await;
    world.clock.advance(301);
    (world, store, app, browser)
}

#[tokio::test]
async fn c52_a_replica_that_dies_before_the_idp_answered_is_replaced_within_its_lease() {
    for (grace, spent) in [("0", 1), ("30s", 2)] {
        let (world, _, dying, browser) = due(grace).await;
        let (other, heard) = (world.another().start(), Heard::listen());
        world.idp.once("/token", Reply::Hang);
        let doomed = Doomed::start();
        doomed.call(&dying, &browser, "/api/orders/1");
        until(|| world.refreshes() == 1).await;
        doomed.kill();
        if grace == "0" {
            one_clean_login(&world, &other, &browser).await;
            let ended = ["session.revoked refresh_lost", "session.refresh_lost outcome_unknown"];
            assert_eq!(heard.since(), ended);
        } else {
            world.rotates(1);
            assert_eq!(call(&world, &other, &browser).await, "200");
            assert_eq!(heard.since(), ["session.refreshed"]);
        }
        assert_eq!(world.spent(), vec![FIRST; spent], "grace {grace}");
    }
}

#[tokio::test]
async fn c52_a_replica_that_dies_before_it_stored_what_the_idp_answered() {
    for (grace, spent) in [("0", 1), ("30s", 2)] {
        let (world, store, dying, browser) = due(grace).await;
        let (other, heard) = (world.another().start(), Heard::listen());
        world.rotates(spent);
        store.fail("replace", Fault::Hangs, 1);
        let doomed = Doomed::start();
        doomed.call(&dying, &browser, "/api/orders/1");
        assert!(store.called("replace", 1).await);
        doomed.kill();
        if grace == "0" {
            one_clean_login(&world, &other, &browser).await;
            let ended = ["session.revoked refresh_lost", "session.refresh_lost outcome_unknown"];
            assert_eq!(heard.since(), ended);
        } else {
            assert_eq!(call(&world, &other, &browser).await, "200");
            assert_eq!(heard.since(), ["session.refreshed"]);
        }
        assert_eq!(world.spent(), vec![FIRST; spent], "grace {grace}");
    }
}

#[tokio::test]
async fn c52_a_replica_that_dies_before_it_sent_or_after_it_stored_costs_nothing() {
    for dies_at in ["intend", "release_lease"] {
        let (world, store, dying, browser) = due("0").await;
        let other = world.another().start();
        world.rotates(2);
        store.fail(dies_at, Fault::Hangs, 1);
        let doomed = Doomed::start();
        doomed.call(&dying, &browser, "/api/orders/1");
        assert!(store.called(dies_at, 1).await);
        doomed.kill();
        assert_eq!(call(&world, &other, &browser).await, "200");
        assert_eq!(world.spent(), [FIRST], "dies at {dies_at}");
    }
}

#[tokio::test]
async fn c53_an_idp_slower_than_the_lease_is_waited_for() {
    let (world, store, app, browser) = due("0").await;
    let other = world.another().start();
    world.rotates(1);
    world.gate.close();
    let (here, there, ()) =
        tokio::join!(call(&world, &app, &browser), call(&world, &other, &browser), async {
            // Twice as long as an untended lease lasts.
            assert!(store.called("extend_lease", 6).await);
            world.gate.open();
        });
    assert_eq!((&*here, &*there), ("200", "200"));
    assert_eq!(world.spent(), [FIRST]);
}

#[tokio::test]
async fn c52_an_answer_that_comes_when_another_replica_took_over_is_still_heard() {
    let (world, store, silent, browser) = due("0").await;
    let patient = Limits { last_word: Duration::from_secs(5), ..QUICK };
    let watched = world.faulty();
    let other = world.another().over(&watched).limits(patient).start();
    world.rotates(1);
    world.gate.close();
    store.fail("extend_lease", Fault::Away, usize::MAX);
    let (here, there, ()) =
        tokio::join!(call(&world, &silent, &browser), call(&world, &other, &browser), async {
            // The other has the lease, and found the token spent.
            assert!(watched.called("intend", 2).await);
            world.gate.open();
        });
    assert_eq!((&*here, &*there), ("200", "200"));
    assert_eq!(world.spent(), [FIRST]);
}

#[tokio::test]
async fn c52_an_answer_that_comes_after_the_session_was_given_up_revives_nothing() {
    let (world, store, silent, browser) = due("0").await;
    let (other, heard) = (world.another().start(), Heard::listen());
    world.rotates(1);
    world.gate.close();
    store.fail("extend_lease", Fault::Away, usize::MAX);
    let (here, ()) = tokio::join!(call(&world, &silent, &browser), async {
        world.gate.someone_waits().await;
        assert_eq!(call(&world, &other, &browser).await, "401 unauthenticated");
        world.gate.open();
    });
    assert_eq!(here, "401 unauthenticated");
    settled(&silent).await;
    settled(&other).await;
    assert!(!world.is_signed_in(&browser).await);
    assert_eq!(world.spent(), [FIRST]);
    assert_eq!(world.revoked(), [FIRST, "canary-refresh-token-2"], "nothing good is left behind");
    let ended = ["session.revoked refresh_lost", "session.refresh_lost outcome_unknown"];
    assert_eq!(heard.since(), ended);
}

#[tokio::test]
async fn c52_a_replica_that_took_over_within_grace_and_the_one_it_replaced_agree() {
    let (world, store, silent, browser) = due("30s").await;
    let other = world.another().start();
    world.rotates(3);
    world.gate.close();
    store.fail("extend_lease", Fault::Away, usize::MAX);
    let (here, there, ()) =
        tokio::join!(call(&world, &silent, &browser), call(&world, &other, &browser), async {
            world.gate.so_many_wait(2).await;
            world.gate.open();
        });
    assert_eq!((&*here, &*there), ("200", "200"));
    assert_eq!(world.spent(), [FIRST, FIRST]);
    settled(&silent).await;
    settled(&other).await;
    assert_eq!(world.revoked(), [""; 0], "either would take the other along");
    let shown = world.service.seen();
    let [one, two] = shown.as_slice() else { panic!("{shown:?}") };
    assert_eq!(one.header("authorization"), two.header("authorization"), "one pair of tokens won");
}

#[tokio::test]
async fn clocks_that_differ_by_minutes_neither_end_a_session_nor_storm_the_idp() {
    let world = World::start().await;
    let now = world.clock.unix_seconds();
    let clocks = [ManualClock::at(now - 120), world.clock.clone(), ManualClock::at(now + 120)];
    let heard = Heard::listen();
    let browser = world.signed_in().await;
    let apps = clocks.each_ref().map(|clock| world.another().at(clock).start());
    world.rotates(40);
    for step in 0..120 {
        for app in &apps {
            assert_eq!(call(&world, app, &browser).await, "200", "step {step}");
            settled(app).await;
        }
        for clock in &clocks {
            clock.advance(30);
        }
    }
    let spent = world.spent();
    // An hour of tokens that live five minutes.
    assert!((12..=20).contains(&spent.len()), "{}", spent.len());
    let different: std::collections::HashSet<_> = spent.iter().collect();
    assert_eq!(different.len(), spent.len(), "no token is spent twice");
    assert!(heard.since().iter().all(|event| event == "session.refreshed"));
}
