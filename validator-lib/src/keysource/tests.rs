use std::sync::Arc;

use futures_util::FutureExt as _;
use serde_json::{Value, json};

use super::{
    COOLDOWN_SECS, FetchError, Fetched, KeysUnavailable, RemoteKeys, STALE_SECS, VerifyError,
    max_age,
};
use crate::algorithm::Algorithm;
use crate::jws::JwsError;
use crate::keyset::KeySetError;
use crate::testkit::{FakeIssuer, NOW, Signer, jwks};

mod rotation;

const URL: &str = "https://auth.example.com/jwks";

fn source(issuer: &FakeIssuer) -> RemoteKeys<FakeIssuer> {
    RemoteKeys::new(issuer.clone(), URL)
}

fn away() -> Result<Fetched, FetchError> {
    Err(FetchError::Network("refused".to_owned()))
}

fn fresh(body: Vec<u8>, max_age: u64) -> Fetched {
    Fetched { body, max_age: Some(max_age) }
}

const UNKNOWN: Result<(), VerifyError> = Err(VerifyError::Token(JwsError::UnknownKey));

struct Scene {
    issuer: FakeIssuer,
    keys: RemoteKeys<FakeIssuer>,
    signer: Signer,
}

impl Scene {
    fn new() -> Self {
        let signer = Signer::new(Algorithm::ES256);
        let issuer = FakeIssuer::serving(jwks(&[signer.jwk("k")]));
        Self { keys: source(&issuer), issuer, signer }
    }

    async fn verify(&self, kid: &str, now: u64) -> Result<(), VerifyError> {
        self.verify_with(kid, json!({"iat": now}), now).await
    }

    async fn verify_with(&self, kid: &str, claims: Value, now: u64) -> Result<(), VerifyError> {
        let token = self.signer.access_token(kid, claims);
        self.keys.verify(&token, Algorithm::ALL, now).await.map(drop)
    }

    fn publish(&self, kids: &[&str]) {
        let keys: Vec<_> = kids.iter().map(|kid| self.signer.jwk(kid)).collect();
        // The same key by several names is as good as several keys.
        self.issuer.answer(Ok(fresh(jwks(&keys), 600)));
    }
}

#[tokio::test]
async fn keys_are_fetched_when_first_needed_and_then_kept() {
    let scene = Scene::new();
    assert_eq!(scene.issuer.asked(), 0);
    for _ in 0..10 {
        assert_eq!(scene.verify("k", NOW).await, Ok(()));
    }
    assert_eq!(scene.issuer.asked(), 1);
}

#[tokio::test]
async fn many_callers_at_once_cause_one_fetch() {
    let scene = Scene::new();
    let callers = (0..100).map(|_| scene.verify("k", NOW));
    let outcomes = futures_util::future::join_all(callers).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(scene.issuer.asked(), 1);
}

#[tokio::test]
async fn the_time_a_set_is_kept_follows_max_age_within_bounds() {
    for (asked_for, kept) in [(0, 60), (1, 60), (600, 600), (86_400, 3_600)] {
        let scene = Scene::new();
        scene.issuer.answer(Ok(fresh(jwks(&[scene.signer.jwk("k")]), asked_for)));
        scene.verify("k", NOW).await.unwrap();
        scene.verify("k", NOW + kept - 1).await.unwrap();
        assert_eq!(scene.issuer.asked(), 1, "{asked_for}");
        scene.verify("k", NOW + kept).await.unwrap();
        assert_eq!(scene.issuer.asked(), 2, "{asked_for}");
    }
}

#[tokio::test]
async fn a_wrong_signature_of_a_known_key_asks_nobody() {
    let scene = Scene::new();
    scene.verify("k", NOW).await.unwrap();
    let stranger = Signer::new(Algorithm::ES256).access_token("k", json!({}));
    let outcome = scene.keys.verify(&stranger, Algorithm::ALL, NOW).await;
    assert_eq!(outcome.unwrap_err(), VerifyError::Token(JwsError::BadSignature));
    assert_eq!(scene.issuer.asked(), 1);
}

#[tokio::test]
async fn t19_an_issuer_that_was_never_reached_is_an_outage_asked_for_once_in_a_cooldown() {
    let scene = Scene::new();
    scene.issuer.answer(away());
    for now in [NOW, NOW + 1, NOW + COOLDOWN_SECS - 1] {
        let refused = scene.verify("k", now).await.unwrap_err();
        assert!(matches!(refused, VerifyError::Unavailable(KeysUnavailable::Fetch(_))));
    }
    assert_eq!(scene.issuer.asked(), 1);
    scene.issuer.answer(Ok(fresh(jwks(&[scene.signer.jwk("k")]), 600)));
    assert_eq!(scene.verify("k", NOW + COOLDOWN_SECS).await, Ok(()));
}

#[tokio::test]
async fn t19_old_keys_stand_in_for_a_day_while_the_issuer_is_away() {
    let scene = Scene::new();
    scene.verify("k", NOW).await.unwrap();
    scene.issuer.answer(away());
    assert_eq!(scene.verify("k", NOW + 3_600).await, Ok(()));
    assert_eq!(scene.verify("k", NOW + 3_601).await, Ok(()));
    assert_eq!(scene.issuer.asked(), 2);
    assert_eq!(scene.verify("k", NOW + STALE_SECS - 1).await, Ok(()));
    let refused = scene.verify("k", NOW + STALE_SECS + COOLDOWN_SECS).await.unwrap_err();
    assert!(matches!(refused, VerifyError::Unavailable(_)));
}

#[tokio::test]
async fn t19_an_unknown_kid_during_an_outage_is_not_the_senders_fault() {
    let scene = Scene::new();
    scene.verify("k", NOW).await.unwrap();
    scene.issuer.answer(away());
    for _ in 0..2 {
        let refused = scene.verify("k2", NOW).await.unwrap_err();
        assert!(matches!(refused, VerifyError::Unavailable(_)));
    }
    assert_eq!(scene.issuer.asked(), 2);
    assert_eq!(scene.verify("k", NOW).await, Ok(()));
}

#[tokio::test]
async fn an_answer_that_is_no_key_set_does_not_replace_one() {
    let scene = Scene::new();
    scene.verify("k", NOW).await.unwrap();
    for body in [&b"<html>"[..], b"{\"keys\":[]}", b"{}"] {
        let now = NOW + 3_600 * (1 + scene.issuer.asked() as u64);
        scene.issuer.answer(Ok(fresh(body.to_vec(), 600)));
        assert_eq!(scene.verify("k", now).await, Ok(()));
    }
    assert_eq!(scene.issuer.asked(), 4);
    let never = source(&scene.issuer).current(NOW).await.unwrap_err();
    assert_eq!(never, KeysUnavailable::KeySet(KeySetError::Malformed));
}

#[tokio::test]
async fn one_caller_waits_for_newer_keys_and_the_others_use_what_is_there() {
    let scene = Scene::new();
    let old = scene.keys.current(NOW).await.unwrap();
    let mut leader = Box::pin(scene.keys.current(NOW + 3_600));
    assert!((&mut leader).now_or_never().is_none());
    let follower = scene.keys.current(NOW + 3_600).now_or_never();
    assert!(follower.is_some_and(|keys| keys.is_ok()));
    assert!(!Arc::ptr_eq(&leader.await.unwrap(), &old));
    assert_eq!(scene.issuer.asked(), 2);
}

#[tokio::test]
async fn a_fetch_whose_caller_went_away_is_carried_on_by_the_next() {
    let scene = Scene::new();
    {
        let mut gone = Box::pin(scene.keys.current(NOW));
        assert!((&mut gone).now_or_never().is_none());
    }
    assert_eq!(scene.verify("k", NOW + 1).await, Ok(()));
    assert_eq!(scene.issuer.asked(), 1);
}

#[tokio::test]
async fn a_fetch_that_nobody_carried_on_is_made_anew() {
    let scene = Scene::new();
    {
        let mut gone = Box::pin(scene.keys.current(NOW));
        assert!((&mut gone).now_or_never().is_none());
    }
    assert_eq!(scene.verify("k", NOW + 60).await, Ok(()));
    assert_eq!(scene.issuer.asked(), 2);
}

#[tokio::test]
async fn a_clock_that_was_set_back_does_not_stretch_a_cooldown() {
    let scene = Scene::new();
    scene.issuer.answer(away());
    scene.verify("k", NOW).await.unwrap_err();
    scene.issuer.answer(Ok(fresh(jwks(&[scene.signer.jwk("k")]), 600)));
    assert_eq!(scene.verify("k", NOW - 3_600).await, Ok(()));
}

#[test]
fn max_age_is_read_and_the_habit_of_no_cache_is_not() {
    for (value, expected) in [
        ("max-age=600", Some(600)),
        ("public, Max-Age=600, must-revalidate", Some(600)),
        ("no-cache, no-store, max-age=0", Some(0)),
        ("max-age=\"60\"", Some(60)),
        ("max-age = 60", Some(60)),
        ("no-cache", None),
        ("s-maxage=600", None),
        ("max-age=", None),
        ("max-age=-1", None),
        ("max-age=99999999999999999999", None),
        ("", None),
    ] {
        assert_eq!(max_age(value), expected, "{value}");
    }
}
