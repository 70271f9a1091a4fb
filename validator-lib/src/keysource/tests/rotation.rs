use futures_util::FutureExt as _;
use futures_util::future::join_all;
use serde_json::json;

use super::{Scene, UNKNOWN, away};
use crate::algorithm::Algorithm;
use crate::keysource::{COOLDOWN_SECS, KeysUnavailable, VerifyError};
use crate::testkit::NOW;

const TOO_SOON: Result<(), VerifyError> =
    Err(VerifyError::Unavailable(KeysUnavailable::AskedTooRecently));

#[tokio::test]
async fn t12_a_flood_of_invented_kids_causes_one_fetch_in_a_cooldown() {
    let scene = Scene::new();
    scene.verify("k", NOW).await.unwrap();
    let before = scene.issuer.asked();
    for i in 0..10_000_u64 {
        let now = NOW + i % COOLDOWN_SECS;
        let header = crate::testkit::encode(format!(r#"{{"alg":"ES256","kid":"{i}"}}"#).as_bytes());
        let outcome = scene.keys.verify(&format!("{header}.e30.AAAA"), Algorithm::ALL, now).await;
        assert_eq!(outcome.map(drop), if i == 0 { UNKNOWN } else { TOO_SOON });
    }
    assert_eq!(scene.issuer.asked(), before + 1);
    assert_eq!(scene.verify("invented", NOW + COOLDOWN_SECS).await, UNKNOWN);
    assert_eq!(scene.issuer.asked(), before + 2);
    assert_eq!(scene.verify("k", NOW + COOLDOWN_SECS).await, Ok(()));
}

#[tokio::test]
async fn a_rotated_key_is_found_at_once_also_soon_after_the_first_fetch() {
    let scene = Scene::new();
    scene.verify("k", NOW).await.unwrap();
    scene.publish(&["k2"]);
    assert_eq!(scene.verify("k2", NOW + 1).await, Ok(()));
    assert_eq!(scene.issuer.asked(), 2);
    assert_eq!(scene.verify("k", NOW + 1).await, UNKNOWN);
}

#[tokio::test]
async fn many_callers_with_a_rotated_key_cause_one_fetch_and_none_is_refused() {
    let scene = Scene::new();
    scene.verify("k", NOW).await.unwrap();
    scene.publish(&["k2"]);
    let outcomes = join_all((0..50).map(|_| scene.verify("k2", NOW))).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(scene.issuer.asked(), 2);
}

#[tokio::test]
async fn t19_keys_that_rotate_faster_than_the_cooldown_are_each_found_at_once() {
    let scene = Scene::new();
    scene.verify("k", NOW).await.unwrap();
    let kids = ["k", "k2", "k3", "k4", "k5"];
    for known in 2..=kids.len() {
        scene.publish(&kids[..known]);
        for kid in &kids[..known] {
            assert_eq!(scene.verify(kid, NOW + 1).await, Ok(()));
        }
        assert_eq!(scene.issuer.asked(), known);
    }
    // What was found gives nobody a second fetch.
    for _ in 0..10 {
        scene.verify("invented", NOW + 2).await.unwrap_err();
    }
    assert_eq!(scene.issuer.asked(), kids.len() + 1);
}

#[tokio::test]
async fn t19_a_key_published_in_the_cooldown_of_an_invented_one_is_waited_for() {
    let scene = Scene::new();
    scene.verify("k", NOW).await.unwrap();
    assert_eq!(scene.verify("invented", NOW).await, UNKNOWN);
    scene.publish(&["k", "k2"]);
    assert_eq!(scene.verify("k2", NOW + 1).await, TOO_SOON);
    assert_eq!(scene.verify("k", NOW + 1).await, Ok(()));
    assert_eq!(scene.issuer.asked(), 2);
    assert_eq!(scene.verify("k2", NOW + COOLDOWN_SECS).await, Ok(()));
    assert_eq!(scene.issuer.asked(), 3);
}

/// Its owner has to learn that a new token is needed, whatever others ask for.
#[tokio::test]
async fn t15_a_token_of_a_withdrawn_key_is_refused_also_within_a_cooldown() {
    let scene = Scene::new();
    scene.verify("k", NOW).await.unwrap();
    let later = NOW + 600;
    scene.publish(&["k2"]);
    assert_eq!(scene.verify("k2", later).await, Ok(()));
    assert_eq!(scene.verify("invented", later).await, UNKNOWN);
    let asked = scene.issuer.asked();
    for (claims, outcome) in [
        (json!({"iat": NOW}), UNKNOWN),
        (json!({"iat": later - 61}), UNKNOWN),
        // Perhaps as new as the set, by a clock that is behind.
        (json!({"iat": later - 60}), TOO_SOON),
        (json!({"iat": later + 1}), TOO_SOON),
        (json!({"iat": null}), TOO_SOON),
        (json!({"iat": "then"}), UNKNOWN),
        (json!({"iat": u64::MAX}), UNKNOWN),
    ] {
        assert_eq!(scene.verify_with("k", claims.clone(), later).await, outcome, "{claims}");
    }
    assert_eq!(scene.issuer.asked(), asked);
}

/// The answer to a question that somebody asked before says nothing of a key published since.
#[tokio::test]
async fn t19_a_key_published_while_an_answer_is_under_way_is_asked_for_again() {
    for (first, now) in [("k", NOW + 600), ("k2", NOW)] {
        let scene = Scene::new();
        scene.publish(&["k"]);
        scene.verify("k", NOW).await.unwrap();
        scene.publish(&["k", "k2"]);
        let mut early = Box::pin(scene.verify(first, now));
        assert_eq!((&mut early).now_or_never(), None);
        scene.publish(&["k", "k2", "k3"]);
        let outcomes = join_all((0..10).map(|_| scene.verify("k3", now))).await;
        assert!(outcomes.iter().all(Result::is_ok), "{first}: {outcomes:?}");
        assert_eq!(early.await, Ok(()));
        assert_eq!(scene.issuer.asked(), 3, "{first}");
    }
}

#[tokio::test]
async fn t19_a_key_published_while_an_invented_one_is_asked_for_is_waited_for() {
    let scene = Scene::new();
    scene.verify("k", NOW).await.unwrap();
    let mut invented = Box::pin(scene.verify("invented", NOW));
    assert_eq!((&mut invented).now_or_never(), None);
    scene.publish(&["k", "k2"]);
    assert_eq!(scene.verify("k2", NOW).await, TOO_SOON);
    assert_eq!(invented.await, UNKNOWN);
    assert_eq!(scene.verify("k2", NOW + COOLDOWN_SECS).await, Ok(()));
    assert_eq!(scene.issuer.asked(), 3);
}

#[tokio::test]
async fn the_answer_to_an_abandoned_question_replaces_no_later_one() {
    for late in [Ok(()), Err(())] {
        let scene = Scene::new();
        if late.is_err() {
            scene.issuer.answer(away());
        }
        let mut abandoned = Box::pin(scene.verify("k", NOW));
        assert_eq!((&mut abandoned).now_or_never(), None);
        scene.publish(&["k", "k2"]);
        assert_eq!(scene.verify("k2", NOW + 60).await, Ok(()));
        assert_eq!(abandoned.await.map_err(drop), late);
        scene.publish(&["k", "k2", "k3"]);
        assert_eq!(scene.verify("k2", NOW + 60).await, Ok(()));
        assert_eq!(scene.issuer.asked(), 2);
        assert_eq!(scene.verify("k3", NOW + 60).await, Ok(()));
    }
}

#[tokio::test]
async fn the_answer_to_an_abandoned_question_has_nobody_ask_a_third_time() {
    let scene = Scene::new();
    let mut abandoned = Box::pin(scene.verify("k", NOW));
    assert_eq!((&mut abandoned).now_or_never(), None);
    scene.publish(&["k", "k2"]);
    let mut next = Box::pin(scene.verify("k2", NOW + 60));
    assert_eq!((&mut next).now_or_never(), None);
    assert_eq!(abandoned.await, Ok(()));
    // The second question is still open.
    assert_eq!(tokio::join!(scene.verify("k2", NOW + 60), next), (Ok(()), Ok(())));
    assert_eq!(scene.issuer.asked(), 2);
}
