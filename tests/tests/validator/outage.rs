//! The provider's keys cannot be had, in each of the ways there are, while customers go on.

use std::sync::Arc;

use e2e::idp::AUDIENCE;
use e2e::scratch::Scratch;
use e2e::tls::Ca;
use serde_json::{Value, json};
use validator_lib::keysource::{COOLDOWN_SECS, RemoteKeys, STALE_SECS};
use validator_lib::{Refusal, Token, Validator};

use crate::load::Load;
use crate::scene::{Scene, bear};
use crate::token::Attacker;

const HOUR: u64 = 3_600;
const ALWAYS: u32 = 1_000_000;

/// What is wrong.
#[derive(Clone)]
enum Trouble {
    /// With the line to the provider: nothing reaches it.
    Cut,
    Refused,
    Tapped,
    /// With its answers to questions for keys, as a fault of `op.mjs`.
    Answers(Value),
}

impl Trouble {
    async fn begin(&self, scene: &Scene) {
        match self {
            Self::Cut => scene.idp.wire.cut(),
            Self::Refused => scene.idp.wire.refuse().await,
            Self::Tapped => {
                let elsewhere = Scratch::new();
                let stranger = Ca::new(elsewhere.path().to_owned()).issue("it", &["localhost"]);
                scene.idp.wire.tap(&stranger);
            }
            Self::Answers(how) => scene.idp.fault("/jwks", ALWAYS, how.clone()).await,
        }
    }

    async fn end(&self, scene: &Scene) {
        scene.idp.wire.mend();
        scene.idp.control("clear-faults", &json!({})).await;
        scene.idp.release().await;
    }

    fn is_of_the_line(&self) -> bool {
        !matches!(self, Self::Answers(_))
    }
}

/// Not the sender's fault: nothing that would have a client throw its token away.
fn is_unavailable(outcome: &Result<Token, Refusal>, reason: &str) -> bool {
    outcome.as_ref().is_err_and(|refusal| {
        refusal.status() == 503
            && refusal.reason() == reason
            && refusal.retry_after().is_some()
            && refusal.challenges().is_empty()
    })
}

/// Good tokens are accepted before, during and after `trouble`; one whose key is not known is told to come
/// again, and may.
async fn good_tokens_outlast(trouble: Trouble, reason: &str) {
    let scene = Arc::new(Scene::start(&[]).await);
    let validator = scene.validator().await;
    let attacker = Attacker::new(&scene);
    let load = Load::start(&scene, &validator);
    load.rounds(1).await;

    if trouble.is_of_the_line() {
        load.minting(false).await;
    }
    trouble.begin(&scene).await;
    let before = scene.fetches().await;
    // The keys are too old from here on, and newer ones cannot be had.
    for _ in 0..2 {
        scene.advance(HOUR).await;
        load.rounds(2).await;
    }
    load.all_good();
    if !trouble.is_of_the_line() {
        assert_eq!(scene.fetches().await, before + 2, "asked again within the cooldown");
    }

    // An unknown key, whether there is one or not, is asked for once in a cooldown.
    load.minting(false).await;
    scene.idp.control("rotate", &json!({"mode": "now"})).await;
    let minted = if trouble.is_of_the_line() { None } else { Some(scene.mint(AUDIENCE).await) };
    for _ in 0..2 {
        scene.advance(COOLDOWN_SECS).await;
        for token in minted.iter().chain(&[attacker.token("one"), attacker.token("another")]) {
            let outcome = bear(&validator, token).await;
            assert!(is_unavailable(&outcome, reason), "{outcome:?}");
        }
    }
    load.rounds(2).await;
    load.all_good();
    if !trouble.is_of_the_line() {
        assert_eq!(scene.fetches().await, before + 4, "asked again within the cooldown");
    }

    trouble.end(&scene).await;
    scene.advance(COOLDOWN_SECS).await;
    for token in minted.iter().chain(&[scene.mint(AUDIENCE).await]) {
        let outcome = bear(&validator, token).await;
        assert!(outcome.is_ok(), "{outcome:?}");
    }
    load.minting(true).await;
    load.rounds(2).await;
    load.all_good();
    let answers = load.stop().await;
    assert!(answers[&(200, "")] > 1_000, "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn t19_good_tokens_outlast_a_line_that_is_cut() {
    good_tokens_outlast(Trouble::Cut, "jwks_unreachable").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t19_good_tokens_outlast_a_provider_that_refuses_connections() {
    good_tokens_outlast(Trouble::Refused, "jwks_unreachable").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t19_good_tokens_outlast_a_stranger_in_the_place_of_the_provider() {
    good_tokens_outlast(Trouble::Tapped, "jwks_unreachable").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t19_good_tokens_outlast_a_provider_that_fails() {
    good_tokens_outlast(Trouble::Answers(json!({"status": 500})), "jwks_status").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t19_good_tokens_outlast_a_page_in_the_place_of_keys() {
    let page = json!({
        "status": 200,
        "headers": {"content-type": "text/html", "cache-control": "max-age=86400"},
        "body": "<!doctype html><title>Maintenance</title>",
    });
    good_tokens_outlast(Trouble::Answers(page), "jwks_malformed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t19_good_tokens_outlast_a_set_without_keys() {
    let empty = json!({"status": 200, "body": "{\"keys\":[]}"});
    good_tokens_outlast(Trouble::Answers(empty), "jwks_no_usable_key").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t19_good_tokens_outlast_half_an_answer() {
    good_tokens_outlast(Trouble::Answers(json!({"half": true})), "jwks_unreachable").await;
}

/// Where it leads there are keys, but the metadata did not say so.
#[tokio::test(flavor = "multi_thread")]
async fn t19_good_tokens_outlast_a_redirect() {
    let redirect = json!({"status": 307, "headers": {"location": "/jwks?elsewhere"}});
    good_tokens_outlast(Trouble::Answers(redirect), "jwks_status").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t19_good_tokens_outlast_an_answer_that_does_not_come() {
    good_tokens_outlast(Trouble::Answers(json!({"hold": true})), "jwks_timeout").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t19_good_tokens_outlast_an_answer_that_trickles_in() {
    good_tokens_outlast(Trouble::Answers(json!({"slow_ms": 1_000})), "jwks_timeout").await;
}

/// Keys that nobody has confirmed for a day are worth nothing, and that is still no fault of a token.
#[tokio::test(flavor = "multi_thread")]
async fn t19_an_outage_of_more_than_a_day_is_an_outage_and_no_verdict() {
    let scene = Scene::start(&[]).await;
    let validator = scene.validator().await;
    let minted = scene.mint(AUDIENCE).await;
    assert!(bear(&validator, &minted).await.is_ok());
    Trouble::Cut.begin(&scene).await;
    scene.advance(STALE_SECS - 1).await;
    assert!(bear(&validator, &minted).await.is_ok());
    scene.advance(1).await;
    for _ in 0..3 {
        let outcome = bear(&validator, &minted).await;
        assert!(is_unavailable(&outcome, "jwks_unreachable"), "{outcome:?}");
        scene.advance(HOUR).await;
    }
    Trouble::Cut.end(&scene).await;
    assert!(bear(&validator, &minted).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn t19_a_service_that_starts_before_its_provider_answers_503_until_it_is_there() {
    let scene = Scene::start(&[]).await;
    let minted = scene.mint(AUDIENCE).await;
    for (trouble, reason) in [
        (Trouble::Cut, "jwks_unreachable"),
        (Trouble::Refused, "jwks_unreachable"),
        (Trouble::Answers(json!({"status": 503})), "jwks_status"),
    ] {
        let keys = RemoteKeys::new(scene.fetch(), format!("{}/jwks", scene.idp.issuer));
        let settings = Validator::builder(scene.idp.issuer.as_str(), AUDIENCE);
        let validator = settings.clock(scene.clock()).with_remote_keys(keys).expect("settings");
        trouble.begin(&scene).await;
        for _ in 0..3 {
            let outcome = bear(&validator, &minted).await;
            assert!(is_unavailable(&outcome, reason), "{outcome:?}");
        }
        trouble.end(&scene).await;
        scene.advance(COOLDOWN_SECS).await;
        assert!(bear(&validator, &minted).await.is_ok());
    }
}
