//! Tokens in every algorithm, each from a grant at the provider.

use serde_json::{Value, json};
use validator_lib::keysource::RemoteKeys;
use validator_lib::{Algorithm, Validator};

use crate::scene::{Scene, bear, is_refused};
use crate::token;

/// ES512 is one that the provider has and this crate has not.
const MINTED: &str = "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA";

fn resource(alg: &str) -> String {
    format!("https://{}.example.test", alg.to_lowercase())
}

/// A provider with a key for each algorithm, and a resource whose tokens are signed with it.
async fn provider() -> Scene {
    let resources: serde_json::Map<_, _> = MINTED
        .split(' ')
        .map(|alg| (resource(alg), json!({"scope": "orders:read", "alg": alg})))
        .collect();
    let resources = Value::Object(resources).to_string();
    Scene::start(&[("OP_KEY_ALGS", MINTED), ("OP_RESOURCES", &resources)]).await
}

async fn validator(scene: &Scene, alg: &str) -> Validator {
    let settings = scene.settings(&resource(alg));
    settings.discover_with(scene.fetch()).await.expect("the provider's metadata")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_the_provider_is_accepted_in_every_algorithm() {
    let scene = provider().await;
    for alg in Algorithm::ALL {
        let alg = alg.name();
        let minted = scene.mint(&resource(alg)).await;
        assert_eq!(token::header(&minted)["alg"], alg);
        let accepted = bear(&validator(&scene, alg).await, &minted).await;
        let accepted = accepted.unwrap_or_else(|refusal| panic!("{alg}: {refusal}"));
        assert_eq!(accepted.subject(), "svc-cc", "{alg}");
        assert_eq!(accepted.require_scope("orders:read"), Ok(()), "{alg}");
        assert_eq!(accepted.require_scope("orders:write").unwrap_err().status(), 403, "{alg}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t12_in_every_algorithm_a_token_is_for_one_issuer_and_one_audience() {
    let scene = provider().await;
    for alg in Algorithm::ALL {
        let alg = alg.name();
        let minted = scene.mint(&resource(alg)).await;
        let other = if alg == "ES256" { "ES384" } else { "ES256" };
        let outcome = bear(&validator(&scene, other).await, &minted).await;
        assert!(is_refused(&outcome, "audience"), "{alg}: {outcome:?}");

        // The same keys, in the name of somebody else.
        let keys = RemoteKeys::new(scene.fetch(), format!("{}/jwks", scene.idp.issuer));
        let elsewhere = Validator::builder(format!("{}/", scene.idp.issuer), resource(alg));
        let elsewhere = elsewhere.clock(scene.clock()).with_remote_keys(keys).expect("settings");
        let outcome = bear(&elsewhere, &minted).await;
        assert!(is_refused(&outcome, "issuer"), "{alg}: {outcome:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t12_in_every_algorithm_a_token_is_refused_where_its_algorithm_is_not_on_the_list() {
    let scene = provider().await;
    for alg in Algorithm::ALL {
        let minted = scene.mint(&resource(alg.name())).await;
        let others: Vec<_> = Algorithm::ALL.iter().copied().filter(|other| other != alg).collect();
        for (list, accepted) in [(&others[..], false), (&[*alg], true)] {
            let settings = scene.settings(&resource(alg.name())).algorithms(list);
            let validator = settings.discover_with(scene.fetch()).await.expect("metadata");
            let outcome = bear(&validator, &minted).await;
            assert_eq!(outcome.is_ok(), accepted, "{alg}: {outcome:?}");
            assert!(accepted || is_refused(&outcome, "algorithm_refused"), "{alg}: {outcome:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t12_in_every_algorithm_a_token_ends_at_its_expiry_and_the_leeway() {
    const LEEWAY: u64 = 30;
    let scene = provider().await;
    let mut minted = Vec::new();
    for alg in Algorithm::ALL {
        let alg = alg.name();
        minted.push((alg, validator(&scene, alg).await, scene.mint(&resource(alg)).await));
    }
    // All of one second, because the clock stands.
    let expiry = token::claims(&minted[0].2)["exp"].as_u64().expect("a time");
    scene.advance(expiry + LEEWAY - 1 - scene.now()).await;
    for (alg, validator, token) in &minted {
        let outcome = bear(validator, token).await;
        assert_eq!(outcome.map(|token| token.expires_at()), Ok(expiry), "{alg}");
    }
    scene.advance(1).await;
    for (alg, validator, token) in &minted {
        let outcome = bear(validator, token).await;
        assert!(is_refused(&outcome, "expired"), "{alg}: {outcome:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t12_in_every_algorithm_a_turned_bit_or_a_swapped_part_is_a_wrong_signature() {
    let scene = provider().await;
    for alg in Algorithm::ALL {
        let alg = alg.name();
        let validator = validator(&scene, alg).await;
        let (one, other) = (scene.mint(&resource(alg)).await, scene.mint(&resource(alg)).await);
        assert_ne!(token::claims(&one)["jti"], token::claims(&other)["jti"]);
        for turned in token::each_with_one_bit_turned(&one) {
            let outcome = bear(&validator, &turned).await;
            assert!(is_refused(&outcome, "signature"), "{alg}: {turned}: {outcome:?}");
        }
        let outcome = bear(&validator, &token::with_payload_of(&one, &other)).await;
        assert!(is_refused(&outcome, "signature"), "{alg}: {outcome:?}");
        for good in [&one, &other] {
            assert!(bear(&validator, good).await.is_ok(), "{alg}");
        }
    }
}

/// One key, one algorithm: the provider has RSA keys for six, and each would fit the five others.
#[tokio::test(flavor = "multi_thread")]
async fn t12_no_key_of_the_provider_is_used_with_another_algorithm() {
    let scene = provider().await;
    let mut headers = Vec::new();
    for alg in Algorithm::ALL {
        headers.push(token::header(&scene.mint(&resource(alg.name())).await));
    }
    for alg in Algorithm::ALL {
        let alg = alg.name();
        let validator = validator(&scene, alg).await;
        let minted = scene.mint(&resource(alg)).await;
        for other in headers.iter().filter(|other| other["alg"] != alg) {
            let mut relabelled = token::header(&minted);
            relabelled["alg"] = other["alg"].clone();
            let outcome = bear(&validator, &token::with_header(&minted, &relabelled)).await;
            assert!(is_refused(&outcome, "key_mismatch"), "{alg} as {other}: {outcome:?}");
            let outcome = bear(&validator, &token::with_header(&minted, other)).await;
            assert!(is_refused(&outcome, "signature"), "{alg} as {other}: {outcome:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_algorithm_that_is_not_ours_is_refused_and_its_key_spoils_no_other() {
    let scene = provider().await;
    let validator = validator(&scene, "ES512").await;
    let minted = scene.mint(&resource("ES512")).await;
    assert_eq!(token::header(&minted)["alg"], "ES512");
    let outcome = bear(&validator, &minted).await;
    assert!(is_refused(&outcome, "algorithm_refused"), "{outcome:?}");
    assert_eq!(scene.fetches().await, 1, "fetched again for a key that is of no use");
}
