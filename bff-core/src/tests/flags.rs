//! What administrators hold against a user counts on the next request, everywhere.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use session::flags::Standing;
use session::id::{SessionId, StoreKey};
use session::store::Store as _;

use crate::sessions::{Cause, Flags};
use crate::testing::{Browser, World, ask_admin, begin_directly};

const SUSPENDED: Flags = Flags { suspended: true, banned: false };
const NONE: Flags = Flags { suspended: false, banned: false };

async fn set(world: &World, flags: &Value) -> Value {
    let answer = ask_admin(&world.app, Method::PUT, "/admin/users/alice/flags", flags).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// As verify reads it.
async fn standing(world: &World, key: &StoreKey) -> Standing {
    let view = world.app.store.edge_view(key).await.unwrap().unwrap();
    let edge = world.app.config.clients.edge_keys.open(key, view).unwrap();
    Standing::of(edge.master_flags())
}

#[tokio::test]
async fn a_suspended_user_is_outside_on_the_next_request_and_may_leave() {
    let world = World::administered(&[]).await;
    let other = world.replica();
    let (browser, second) = (world.signed_in().await, world.signed_in().await);
    let key = StoreKey::parse(&browser.reference()).unwrap();
    let token = world.csrf(&browser).await;
    let expected = json!({ "flags": { "suspended": true, "banned": false }, "sessions": 2 });
    assert_eq!(set(&world, &json!({ "suspended": true })).await, expected);
    for ask in [
        browser.get("/api/orders/1").by_our_page(),
        browser.get("/api/auth/sessions").by_our_page(),
        browser.post("/api/auth/refresh").with_csrf(&token),
    ] {
        let answer = ask.send(&other).await;
        assert_eq!((answer.status, &*answer.code()), (403, "suspended"));
    }
    assert_eq!(standing(&world, &key).await, Standing::Suspended);
    assert_eq!(set(&world, &json!({ "suspend": true })).await["sessions"], 0, "nothing new");

    // It counts for a session to come, too.
    let third = world.signed_in().await;
    assert_eq!(world.call(&other, &third).await.status, 403);

    let answer = browser.post("/auth/logout").with_csrf(&token).send(&other).await;
    assert_eq!(answer.status, 200);
    assert_eq!(world.app.store.load(&key).await, Ok(None));

    assert_eq!(set(&world, &json!({})).await["sessions"], 2);
    assert_eq!(world.call(&other, &second).await.status, 200);
    assert_eq!(world.call(&other, &third).await.status, 200);
    assert_eq!(world.app.flags(&world.alice().index()).await, Ok(NONE));
}

#[tokio::test]
async fn flags_are_of_one_user_at_one_issuer() {
    let world = World::administered(&[]).await;
    let alice = world.signed_in().await;
    for target in [
        "/admin/users/bob/flags",
        "/admin/users/alice/flags?iss=https://other.example",
        "/admin/users/alice/flags?tenant=t1",
    ] {
        let answer = ask_admin(&world.app, Method::PUT, target, &json!({ "banned": true })).await;
        assert_eq!((answer.status, &answer.json()["sessions"]), (200, &json!(0)));
    }
    assert_eq!(world.call(&world.app, &alice).await.status, 200);
}

#[tokio::test]
async fn a_late_slide_takes_no_flag_away() {
    let world = World::administered(&[]).await;
    let browser = world.signed_in().await;
    let key = StoreKey::parse(&browser.reference()).unwrap();
    let before = world.app.store.edge_view(&key).await.unwrap().unwrap();
    set(&world, &json!({ "suspended": true })).await;
    // A slide that read the view before the flag was set.
    let late = world.app.store.slide(&key, &before, before.clone(), Duration::from_secs(60)).await;
    assert_eq!(late, Ok(session::store::Swap::Stale));
    assert_eq!(standing(&world, &key).await, Standing::Suspended);
}

#[tokio::test]
async fn a_refresh_that_began_before_takes_no_flag_away() {
    let world = World::administered(&[]).await;
    let browser = world.signed_in().await;
    let key = StoreKey::parse(&browser.reference()).unwrap();
    world.clock.advance(301);
    world.idp.once("/token", world.fresh_tokens());
    world.gate.close();
    let (_, ()) = tokio::join!(world.call(&world.app, &browser), async {
        world.gate.someone_waits().await;
        set(&world, &json!({ "banned": true })).await;
        world.gate.open();
    });
    assert_eq!(world.refreshes(), 1);
    assert_eq!(standing(&world, &key).await, Standing::Banned);
}

#[tokio::test]
async fn a_login_and_an_administrator_never_miss_each_other() {
    let world = World::administered(&[]).await;
    let login = world.logged_in().await;
    let (pair, index) = (world.pair(), world.alice().index());
    let [here, there] = &pair.apps;
    for seed in 1..=1_000 {
        let flags = if seed % 2 == 0 { SUSPENDED } else { NONE };
        pair.pace(seed);
        let (begun, set) = tokio::join!(
            begin_directly(here, &login, Duration::ZERO),
            there.set_flags(&index, flags)
        );
        set.unwrap();
        let key = begun.unwrap().store_key();
        let expected = if flags == SUSPENDED { Standing::Suspended } else { Standing::Good };
        assert_eq!(standing(&world, &key).await, expected, "seed {seed}");
        assert_eq!(world.app.end_key(&key, Cause::rule("test")).await, Ok(true));
    }
}

#[tokio::test]
async fn of_two_administrators_one_has_the_last_word_in_every_session() {
    let world = World::administered(&[]).await;
    let keys: Vec<_> = world.sessions(4).await.iter().map(SessionId::store_key).collect();
    let (pair, index) = (world.pair(), world.alice().index());
    let [here, there] = &pair.apps;
    let mut suspended = 0;
    for seed in 1..=500 {
        pair.pace(seed);
        let (one, other) =
            tokio::join!(here.set_flags(&index, SUSPENDED), there.set_flags(&index, NONE));
        one.unwrap();
        other.unwrap();
        let said = world.app.flags(&index).await.unwrap();
        suspended += usize::from(said == SUSPENDED);
        let expected = if said == SUSPENDED { Standing::Suspended } else { Standing::Good };
        for key in &keys {
            assert_eq!(standing(&world, key).await, expected, "seed {seed}");
        }
    }
    assert!((50..=450).contains(&suspended), "the seeds prove little: {suspended}");
}

#[tokio::test]
async fn t08_a_note_that_cannot_be_read_locks_out() {
    use session::shelf::Shelf as _;
    let world = World::administered(&[]).await;
    let note = format!("flags:{}", world.alice().index());
    world.app.store.put_note(&note, "{".into(), None).await.unwrap();
    let browser: Browser = world.signed_in().await;
    assert_eq!(world.call(&world.app, &browser).await.status, 403);
}
