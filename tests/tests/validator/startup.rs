//! A provider whose metadata cannot be had or used: the service learns at its start what is wrong.

use e2e::idp::AUDIENCE;
use serde_json::{Value, json};
use validator_lib::discovery::DiscoveryError;
use validator_lib::keysource::FetchError;

use crate::scene::{Scene, bear};

/// `openid-configuration` and, where there is none, `oauth-authorization-server`.
const METADATA: &str = "/.well-known/";

async fn discover(scene: &Scene) -> DiscoveryError {
    let outcome = scene.settings(AUDIENCE).discover_with(scene.fetch()).await;
    outcome.map(drop).expect_err("metadata that cannot be used")
}

/// What discovery says where the provider answers like this; after that it works.
async fn told(how: Value) -> DiscoveryError {
    let scene = Scene::start(&[]).await;
    scene.idp.fault(METADATA, 2, how).await;
    let error = discover(&scene).await;
    scene.idp.control("clear-faults", &json!({})).await;
    scene.idp.release().await;
    let validator = scene.validator().await;
    assert!(bear(&validator, &scene.mint(AUDIENCE).await).await.is_ok());
    error
}

fn document(metadata: Value) -> Value {
    json!({"status": 200, "body": metadata.to_string()})
}

#[tokio::test(flavor = "multi_thread")]
async fn t19_at_start_a_provider_that_fails_is_named_as_such() {
    for status in [500, 503, 307, 404] {
        let error = told(json!({"status": status, "headers": {"location": "/jwks"}})).await;
        assert_eq!(error, DiscoveryError::Fetch(FetchError::Status(status)));
        let text = error.to_string();
        assert_eq!(text, format!("no metadata: the issuer answered with status {status}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_are_found_where_oauth_has_them_if_openid_connect_has_none() {
    let scene = Scene::start(&[]).await;
    scene.idp.fault(METADATA, 1, json!({"status": 404})).await;
    let validator = scene.validator().await;
    assert!(bear(&validator, &scene.mint(AUDIENCE).await).await.is_ok());
    assert_eq!(scene.idp.count("GET /.well-known/oauth-authorization-server").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn t19_at_start_a_provider_that_cannot_be_reached_is_named_as_such() {
    let scene = Scene::start(&[]).await;
    for refused in [false, true] {
        if refused {
            scene.idp.wire.refuse().await;
        } else {
            scene.idp.wire.cut();
        }
        let error = discover(&scene).await;
        let DiscoveryError::Fetch(FetchError::Network(why)) = &error else { panic!("{error:?}") };
        assert!(!refused || why.contains("ConnectionRefused"), "{why}");
        assert!(error.to_string().starts_with("no metadata: the issuer cannot be reached: "));
        scene.idp.wire.mend();
        let validator = scene.validator().await;
        assert!(bear(&validator, &scene.mint(AUDIENCE).await).await.is_ok());
    }
    let half = told(json!({"half": true})).await;
    assert!(matches!(half, DiscoveryError::Fetch(FetchError::Network(_))), "{half:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn t19_at_start_a_provider_that_does_not_answer_is_waited_for_only_so_long() {
    let error = told(json!({"hold": true})).await;
    assert_eq!(error, DiscoveryError::Fetch(FetchError::Timeout));
}

#[tokio::test(flavor = "multi_thread")]
async fn t09_metadata_that_vouch_for_nothing_are_refused_at_the_start() {
    let page = json!({"status": 200, "body": "<!doctype html><title>Maintenance</title>"});
    assert_eq!(told(page).await, DiscoveryError::Malformed);
    assert_eq!(told(document(json!({}))).await, DiscoveryError::Malformed);
    let other = json!({"issuer": "https://elsewhere.test", "jwks_uri": "https://elsewhere.test/k"});
    assert_eq!(told(document(other)).await, DiscoveryError::OtherIssuer);
    let scene = Scene::start(&[]).await;
    let insecure = json!({"issuer": scene.idp.issuer, "jwks_uri": "http://elsewhere.test/jwks"});
    scene.idp.fault(METADATA, 1, document(insecure)).await;
    assert_eq!(discover(&scene).await, DiscoveryError::InsecureUrl);
}
