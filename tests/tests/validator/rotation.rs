//! The provider rotates its keys, in each of the ways that a well-behaved one does, while customers go on.

use std::sync::Arc;

use e2e::idp::AUDIENCE;
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use serde_json::json;
use validator_lib::keysource::COOLDOWN_SECS;
use validator_lib::{Refusal, Validator};

use crate::load::Load;
use crate::scene::{Scene, bear, is_refused};
use crate::token::{self, Attacker};

const HOUR: u64 = 3_600;
/// How many new tokens of a key are enough to believe it.
const ENOUGH: u64 = 40;

async fn start() -> (Arc<Scene>, Validator) {
    let scene = Arc::new(Scene::start(&[]).await);
    let validator = scene.validator().await;
    (scene, validator)
}

/// The key that signs from now on.
async fn rotate(scene: &Scene, mode: &str) -> String {
    let kids = scene.idp.control("rotate", &json!({"mode": mode})).await["kids"].clone();
    kids[0].as_str().expect("a kid").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn t19_keys_that_are_published_promoted_and_retired_under_load_cost_nobody_anything() {
    let (scene, validator) = start().await;
    let load = Load::start(&scene, &validator);
    for cycle in 0..4 {
        rotate(&scene, "publish").await;
        // A careful provider waits until caches have run out; a hasty one does not, and has its new key
        // asked for by name.
        scene.advance(if cycle % 2 == 0 { HOUR } else { COOLDOWN_SECS }).await;
        load.rounds(2).await;
        let kid = rotate(&scene, "promote").await;
        load.signed(&kid, ENOUGH).await;
        // Retired when every token it signed is gone.
        load.only(&kid).await;
        assert_eq!(rotate(&scene, "retire").await, kid);
        load.rounds(2).await;
        scene.advance(HOUR).await;
        load.rounds(2).await;
        load.all_good();
    }
    let answers = load.stop().await;
    assert!(answers[&(200, "")] > 4 * ENOUGH, "{answers:?}");
    println!("{answers:?}, {} fetches", scene.fetches().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn t19_a_key_that_signs_at_once_costs_nobody_anything_while_the_old_ones_stay() {
    let (scene, validator) = start().await;
    let load = Load::start(&scene, &validator);
    load.rounds(1).await;
    for rotations in 1..=5 {
        scene.advance(COOLDOWN_SECS).await;
        let kid = rotate(&scene, "now").await;
        load.signed(&kid, ENOUGH).await;
        load.rounds(1).await;
        load.all_good();
        assert_eq!(scene.fetches().await, 1 + rotations);
    }
    println!("{:?}", load.stop().await);
}

/// A fetch that found what it was made for starts no cooldown: a provider may rotate as often as it likes,
/// and each new key is fetched once.
#[tokio::test(flavor = "multi_thread")]
async fn t19_several_rotations_within_one_cooldown_cost_nobody_anything() {
    let (scene, validator) = start().await;
    let load = Load::start(&scene, &validator);
    load.rounds(1).await;
    for rotations in 1..=6 {
        let kid = rotate(&scene, "now").await;
        load.signed(&kid, ENOUGH).await;
        load.rounds(1).await;
        load.all_good();
        assert_eq!(scene.fetches().await, 1 + rotations);
    }
    println!("{:?}", load.stop().await);
}

/// The cooldown that an invented kid began is over for nobody. A good token whose key was published within
/// it cannot be judged before its end; that is no fault of the token.
#[tokio::test(flavor = "multi_thread")]
async fn t19_a_key_published_in_a_cooldown_that_an_invented_one_began_is_waited_for_and_not_refused()
 {
    let (scene, validator) = start().await;
    let attacker = Attacker::new(&scene);
    let load = Load::start(&scene, &validator);
    load.rounds(1).await;
    for rotations in 1..=3 {
        let invented = bear(&validator, &attacker.token("invented")).await;
        assert!(is_refused(&invented, "key_unknown"), "{invented:?}");
        let kid = rotate(&scene, "now").await;
        let before = load.answers()[&(200, "")];
        load.signed(&kid, ENOUGH).await;
        load.no_false_401();
        let minted = scene.mint(AUDIENCE).await;
        let refusal = bear(&validator, &minted).await.expect_err("nobody can know its key");
        assert_eq!((refusal.status(), refusal.reason()), (503, "jwks_cooldown"));
        assert!(refusal.retry_after().is_some());
        assert!(refusal.challenges().is_empty(), "the owner would throw it away");
        assert!(load.answers()[&(200, "")] > before, "old keys work all along");

        scene.advance(COOLDOWN_SECS).await;
        assert!(bear(&validator, &minted).await.is_ok());
        // Nothing but 200 from here on: what is under way is done after two rounds.
        load.rounds(2).await;
        let settled = load.answers();
        load.rounds(2).await;
        let later = load.answers();
        assert_eq!(later.get(&(503, "jwks_cooldown")), settled.get(&(503, "jwks_cooldown")));
        assert_eq!(scene.fetches().await, 1 + 2 * rotations);
        scene.advance(COOLDOWN_SECS).await;
    }
    load.no_false_401();
    println!("{:?}", load.stop().await);
}

/// A key that was withdrawn in haste: its tokens are the old ones, and their owners have to learn that new
/// ones are needed, also while the cooldown forbids to ask for the key of each.
#[tokio::test(flavor = "multi_thread")]
async fn t15_tokens_of_a_key_that_was_withdrawn_are_401_as_soon_as_that_is_known_and_never_503() {
    let (scene, validator) = start().await;
    let mut old = Vec::new();
    for _ in 0..20 {
        old.push(scene.mint(AUDIENCE).await);
    }
    scene.advance(5 * COOLDOWN_SECS).await;
    // Accepted a moment ago, and remembered.
    for token in &old {
        assert!(bear(&validator, token).await.is_ok());
    }
    scene.advance(COOLDOWN_SECS).await;
    rotate(&scene, "replace").await;
    assert!(bear(&validator, &scene.mint(AUDIENCE).await).await.is_ok());
    for _ in 0..3 {
        for token in &old {
            let outcome = bear(&validator, token).await;
            assert!(is_refused(&outcome, "key_unknown"), "{outcome:?}");
        }
        scene.advance(1).await;
    }
    assert_eq!(scene.fetches().await, 3, "one for the first token, the new key, the old one");
}

/// What eight requests meet with a token whose key was published while the provider's answer to the first
/// one was on its way.
async fn overtaken(scene: &Scene, validator: &Validator, first: &str) -> [&'static str; 8] {
    scene.idp.fault("/jwks", 1, json!({"after": true, "hold": true})).await;
    let (known, minted) = tokio::join!(bear(validator, first), async {
        scene.idp.holds().await;
        let kid = rotate(scene, "now").await;
        let minted = scene.mint(AUDIENCE).await;
        assert_eq!(token::kid(&minted), kid);
        let mut late = [0; 8].map(|_| Box::pin(bear(validator, &minted)));
        // They wait for that answer before it comes.
        assert!(late.iter_mut().all(|request| request.now_or_never().is_none()));
        scene.idp.release().await;
        join_all(late).await
    });
    assert!(known.is_ok() || is_refused(&known, "key_unknown"), "{known:?}");
    let outcomes = minted.iter().map(|one| one.as_ref().map_or_else(Refusal::reason, |_| "good"));
    outcomes.collect::<Vec<_>>().try_into().expect("eight")
}

#[tokio::test(flavor = "multi_thread")]
async fn t19_a_key_published_while_keys_of_an_hour_ago_are_renewed_is_asked_for_again() {
    let (scene, validator) = start().await;
    let first = scene.mint(AUDIENCE).await;
    assert!(bear(&validator, &first).await.is_ok());
    scene.advance(HOUR).await;
    assert_eq!(overtaken(&scene, &validator, &first).await, ["good"; 8]);
    assert_eq!(scene.fetches().await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn t19_a_key_published_while_the_one_before_it_is_fetched_is_asked_for_again() {
    let (scene, validator) = start().await;
    assert!(bear(&validator, &scene.mint(AUDIENCE).await).await.is_ok());
    rotate(&scene, "now").await;
    let first = scene.mint(AUDIENCE).await;
    assert_eq!(overtaken(&scene, &validator, &first).await, ["good"; 8]);
    assert_eq!(scene.fetches().await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn t19_a_key_published_while_an_invented_one_is_asked_for_is_not_refused() {
    let (scene, validator) = start().await;
    let attacker = Attacker::new(&scene);
    assert!(bear(&validator, &scene.mint(AUDIENCE).await).await.is_ok());
    let invented = attacker.token("invented");
    assert_eq!(overtaken(&scene, &validator, &invented).await, ["jwks_cooldown"; 8]);
    scene.advance(COOLDOWN_SECS).await;
    assert!(bear(&validator, &scene.mint(AUDIENCE).await).await.is_ok());
    assert_eq!(scene.fetches().await, 3);
}
