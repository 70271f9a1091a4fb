//! DPoP nonces between replicas, through the store that they share.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use session::shelf::Shelf as _;

use super::super::mock::{MockAs, NOW, Reply, begin, open_proof, pushed};
use super::super::nonces::Nonces;
use super::super::{DpopKey, LoginHints, Mode, OidcConfig};
use crate::testing::World;

fn dpop(config: &mut OidcConfig) {
    config.dpop = Mode::Required;
}

const DPOP: [(&str, &str); 1] = [("OIDC_DPOP", "required")];

/// Waits for the task that writes what `world` learned about a kind of servers at its issuer.
async fn until_shared(world: &World, kind: &'static str) {
    let name = Nonces::new(kind).name(&world.idp.issuer);
    for _ in 0..1000 {
        if world.app.store.note(&name).await.unwrap().is_some() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("the nonce was never shared");
}

#[tokio::test]
async fn c28_a_replica_begins_with_the_nonce_that_another_one_learned() {
    let world = World::with(&DPOP).await;
    let (a, b) = (Arc::clone(&world.app), world.replica());
    let hints = LoginHints::default();
    world.idp.once("/par", pushed("urn:x").with("dpop-nonce", "learned-by-a"));
    begin(a.tenants.only().providers.main(), &hints).await.unwrap();
    until_shared(&world, "as").await;
    world.idp.once("/par", pushed("urn:y"));
    begin(b.tenants.only().providers.main(), &hints).await.unwrap();
    let requests = world.idp.seen("/par");
    assert_eq!(requests.len(), 2, "no retry");
    assert!(requests[0].proof().unwrap().1.get("nonce").is_none());
    assert_eq!(requests[1].proof().unwrap().1["nonce"], "learned-by-a");
}

#[tokio::test]
async fn c29_nonces_of_services_are_shared_apart_from_those_of_the_issuer() {
    let world = World::with(&DPOP).await;
    let (a, b) = (Arc::clone(&world.app), world.replica());
    let url = url::Url::parse(&format!("{}/orders", world.idp.issuer)).unwrap();
    a.tenants.only().providers.main().note_resource_nonce(&url, "of-the-service");
    world.idp.once("/par", pushed("urn:x").with("dpop-nonce", "of-the-issuer"));
    begin(a.tenants.only().providers.main(), &LoginHints::default()).await.unwrap();
    until_shared(&world, "as").await;
    until_shared(&world, "rs").await;
    let key = DpopKey::generate().unwrap();
    let tenant = b.tenants.only();
    let party = tenant.providers.main();
    let proof = party.resource_proof(&key, &http::Method::GET, &url, "at", NOW).await.unwrap();
    assert_eq!(open_proof(&proof).1["nonce"], "of-the-service");
}

#[tokio::test]
async fn c80_a_store_that_is_away_costs_a_login_nothing_but_the_retry() {
    let world = World::with(&DPOP).await;
    let alone = world.replica_without_store().await;
    world.idp.once("/par", Reply::error(400, "use_dpop_nonce").with("dpop-nonce", "n"));
    world.idp.once("/par", pushed("urn:x"));
    let hints = LoginHints::default();
    let tenant = alone.tenants.only();
    let beginning = begin(tenant.providers.main(), &hints);
    let begun = tokio::time::timeout(Duration::from_secs(5), beginning).await;
    begun.expect("the store held the login up").unwrap();
    assert_eq!(world.idp.seen("/par").len(), 2);
}

#[tokio::test]
async fn c28_a_relying_party_without_a_store_keeps_its_nonces_to_itself() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(dpop);
    mock.once("/par", pushed("urn:x").with("dpop-nonce", "mine"));
    begin(&rp, &LoginHints::default()).await.unwrap();
    mock.once("/par", pushed("urn:y"));
    begin(&rp, &LoginHints::default()).await.unwrap();
    assert_eq!(mock.seen("/par")[1].proof().unwrap().1["nonce"], json!("mine"));
}
