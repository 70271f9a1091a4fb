//! Logout, refresh and slide at once, in every order that a thousand seeds find.

use std::collections::BTreeMap;
use std::sync::Arc;

use session::faulty::FaultyStore;
use session::id::SessionId;
use session::store::Store as _;

use super::faults::settled;
use crate::app::App;
use crate::testing::World;

/// One replica and its way to the store.
type Place = (Arc<App>, FaultyStore);

/// How far the refresh and the slides were when the logout was answered.
fn stage(places: &[Place; 2], before: [usize; 2]) -> &'static str {
    let since = |place: usize| places[place].1.calls().split_off(before[place]);
    let (refreshing, ending) = (since(0), since(1));
    let has = |calls: &[&str], call: &str| calls.contains(&call);
    match () {
        () if has(&refreshing, "replace") => "replaced",
        () if has(&refreshing, "intend") => "intended",
        () if has(&refreshing, "slide") || has(&ending, "slide") => "slid",
        () => "nothing",
    }
}

/// One session that is logged out while it is used at both replicas.
async fn interleave(world: &World, places: &[Place; 2], seed: u64) -> &'static str {
    let [(here, _), (there, _)] = places;
    let browser = world.signed_in().await;
    let csrf = world.csrf(&browser).await;
    let key = SessionId::parse(browser.session().unwrap().as_bytes()).unwrap().store_key();
    // Its token is dead, and it is due to slide.
    world.clock.advance(301);
    for (number, (_, store)) in (0_u64..).zip(places) {
        store.pace(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(number));
    }
    let before = [places[0].1.calls().len(), places[1].1.calls().len()];
    let same = browser.stolen();
    let logout = async {
        for _ in 0..(seed % 7) * (seed % 11) * 4 {
            tokio::task::yield_now().await;
        }
        browser.post("/auth/logout").with_csrf(&csrf).send(there).await;
        stage(places, before)
    };
    let (called, looked, stage) = tokio::join!(
        world.call(here, &same),
        same.get("/api/auth/session").by_our_page().send(there),
        logout
    );
    assert!(matches!(called.status, 200 | 401), "seed {seed}: {called:?}");
    assert_eq!(looked.status, 200, "seed {seed}");
    settled(here).await;
    settled(there).await;
    let left = places[0].1.load(&key).await;
    assert_eq!(left, Ok(None), "seed {seed}: the session came back");
    assert_eq!(world.call(there, &same).await.status, 401, "seed {seed}");
    stage
}

#[tokio::test]
async fn t15_c44_a_session_that_is_logged_out_never_comes_back() {
    let world = World::start().await;
    let places: [Place; 2] = std::array::from_fn(|_| {
        let store = world.faulty();
        (world.another().over(&store).start(), store)
    });
    world.idp.always("/token", world.fresh_tokens());
    let mut stages = BTreeMap::<_, usize>::new();
    for seed in 1..=1_000 {
        *stages.entry(Box::pin(interleave(&world, &places, seed)).await).or_default() += 1;
    }
    // The seeds reach every stage of a refresh, or they prove little.
    for stage in ["nothing", "slid", "intended", "replaced"] {
        assert!(stages.get(stage).is_some_and(|count| *count >= 10), "{stage}: {stages:?}");
    }
}
