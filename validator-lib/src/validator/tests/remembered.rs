//! What a token that was checked a moment ago still has to show.

use serde_json::json;

use super::{bearer, builder, reason};
use crate::algorithm::Algorithm;
use crate::cache::MAX_SECS;
use crate::keysource::{COOLDOWN_SECS, Fetched, RemoteKeys};
use crate::revocation::{Denylist, LocalDenylist, TokenName, Verdict, WhenUnknown};
use crate::testkit::{AUDIENCE, FakeIssuer, ISSUER, ManualClock, NOW, Signer, jwks, key_set};
use crate::validator::Validator;

use std::sync::Arc;

struct Scene {
    signer: Signer,
    issuer: FakeIssuer,
    clock: ManualClock,
    validator: Validator,
}

impl Scene {
    fn new() -> Self {
        let signer = Signer::new(Algorithm::ES256);
        let issuer = FakeIssuer::serving(jwks(&[signer.jwk("k")]));
        let clock = ManualClock::new();
        let time = clock.clone();
        let validator = Validator::builder(ISSUER, AUDIENCE)
            .clock(move || time.now())
            .with_remote_keys(RemoteKeys::new(issuer.clone(), "https://auth.example.com/jwks"))
            .unwrap();
        Self { signer, issuer, clock, validator }
    }

    fn serve(&self, kid: &str) {
        let body = jwks(&[self.signer.jwk(kid)]);
        self.issuer.answer(Ok(Fetched { body, max_age: Some(60) }));
    }

    fn is_remembered(&self, token: &str) -> bool {
        let hash = crate::dpop::TokenHash::of(token.as_bytes());
        let cache = self.validator.inner.cache.as_ref().unwrap();
        cache.get(&hash, self.clock.now()).is_some()
    }
}

#[tokio::test]
async fn a_good_token_is_remembered_for_a_minute_and_no_bad_one_ever() {
    let scene = Scene::new();
    let good = scene.signer.access_token("k", json!({}));
    let bad = scene.signer.access_token("k", json!({"aud": "other"}));
    bearer(&scene.validator, &good).await.unwrap();
    assert_eq!(reason(&scene.validator, &bad).await, (401, "audience"));
    assert!(scene.is_remembered(&good) && !scene.is_remembered(&bad));
    scene.clock.advance(MAX_SECS - 1);
    assert!(scene.is_remembered(&good));
    scene.clock.advance(1);
    assert!(!scene.is_remembered(&good));
    bearer(&scene.validator, &good).await.unwrap();
    assert!(scene.is_remembered(&good));
}

#[tokio::test]
async fn t16_a_remembered_token_expires_to_the_second() {
    let scene = Scene::new();
    let token = scene.signer.access_token("k", json!({"exp": NOW - 20}));
    bearer(&scene.validator, &token).await.unwrap();
    scene.clock.advance(9);
    bearer(&scene.validator, &token).await.unwrap();
    scene.clock.advance(1);
    assert_eq!(reason(&scene.validator, &token).await, (401, "expired"));
}

#[tokio::test]
async fn t16_a_withdrawn_key_takes_its_remembered_tokens_along() {
    let scene = Scene::new();
    scene.serve("k");
    let token = scene.signer.access_token("k", json!({"exp": NOW + 3_600}));
    bearer(&scene.validator, &token).await.unwrap();
    // The same keys, fetched anew, take nothing away.
    scene.clock.advance(60);
    bearer(&scene.validator, &token).await.unwrap();
    assert_eq!(scene.issuer.asked(), 2);
    assert!(scene.is_remembered(&token));
    // The same key under another name is another key.
    scene.serve("k2");
    scene.clock.advance(59);
    bearer(&scene.validator, &token).await.unwrap();
    scene.clock.advance(1);
    assert_eq!(reason(&scene.validator, &token).await, (401, "key_unknown"));
    assert!(!scene.is_remembered(&token));
    let renamed = scene.signer.access_token("k2", json!({}));
    bearer(&scene.validator, &renamed).await.unwrap();
}

#[tokio::test]
async fn t19_a_remembered_token_lives_on_while_the_issuer_is_away() {
    let scene = Scene::new();
    scene.serve("k");
    let token = scene.signer.access_token("k", json!({"exp": NOW + 3_600}));
    bearer(&scene.validator, &token).await.unwrap();
    scene.issuer.answer(Err(crate::keysource::FetchError::Timeout));
    for _ in 0..5 {
        scene.clock.advance(COOLDOWN_SECS);
        bearer(&scene.validator, &token).await.unwrap();
    }
}

#[tokio::test]
async fn t15_a_remembered_token_is_refused_as_soon_as_it_is_revoked() {
    let signer = Signer::new(Algorithm::ES256);
    let list = Arc::new(LocalDenylist::default());
    let validator = builder()
        .denylist(Arc::clone(&list), WhenUnknown::Refuse)
        .with_keys(key_set(&[signer.jwk("k")]))
        .unwrap();
    let token = signer.access_token("k", json!({}));
    let of_bob = signer.access_token("k", json!({"sub": "bob", "jti": "t2"}));
    bearer(&validator, &token).await.unwrap();
    list.deny_token(ISSUER, "t1", NOW + 300, NOW);
    assert_eq!(reason(&validator, &token).await, (401, "revoked"));
    bearer(&validator, &of_bob).await.unwrap();
    list.deny_user(ISSUER, "bob", NOW, NOW + 300, NOW);
    assert_eq!(reason(&validator, &of_bob).await, (401, "revoked"));
}

#[tokio::test]
async fn a_list_that_cannot_say_refuses_or_accepts_as_was_chosen() {
    struct Silent;
    impl Denylist for Silent {
        fn verdict(&self, _: &TokenName<'_>, _: u64) -> Verdict {
            Verdict::Unknown
        }
    }
    let signer = Signer::new(Algorithm::ES256);
    let token = signer.access_token("k", json!({}));
    let with =
        |when| builder().denylist(Silent, when).with_keys(key_set(&[signer.jwk("k")])).unwrap();
    assert_eq!(reason(&with(WhenUnknown::Refuse), &token).await, (503, "revocation_unknown"));
    assert!(bearer(&with(WhenUnknown::Accept), &token).await.is_ok());
}

#[tokio::test]
async fn t16_a_clock_that_was_set_back_makes_the_memory_forget() {
    let scene = Scene::new();
    let token = scene.signer.access_token("k", json!({"exp": NOW + 90_000}));
    scene.clock.advance(80_000);
    bearer(&scene.validator, &token).await.unwrap();
    scene.clock.set_back(80_000);
    assert!(!scene.is_remembered(&token));
}
