//! `docs/openapi.yaml` and the endpoints that there are: neither has one that the other has not.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use serde_json::Value;
use shell::config::{Settings, yaml};

use crate::testing::{Browser, World};

const DOCUMENT: &str = include_str!("../../../docs/openapi.yaml");
const ROUTES: &str = include_str!("../routes.rs");

/// The document's paths, each with its methods in capitals.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let document: Value =
        yaml::parse("openapi.yaml", DOCUMENT, &Settings::from_pairs::<&str, &str>([])).unwrap();
    let methods = |item: &Value| {
        let keys = item.as_object().unwrap().keys();
        keys.map(|method| method.to_uppercase()).collect()
    };
    let paths = document["paths"].as_object().unwrap();
    paths.iter().map(|(path, item)| (path.clone(), methods(item))).collect()
}

/// The paths that `routes.rs` gives to its routers.
fn routed() -> BTreeSet<String> {
    let calls = ROUTES.split(".route(").skip(1);
    calls.map(|call| call.split('"').nth(1).unwrap().to_owned()).collect()
}

#[test]
fn every_path_that_is_routed_is_documented_and_no_other() {
    let routed = routed();
    assert!(routed.len() > 10, "{routed:?}");
    assert_eq!(documented().into_keys().collect::<BTreeSet<_>>(), routed);
}

#[tokio::test]
async fn every_method_that_is_answered_is_documented_and_no_other() {
    let world = World::start().await;
    for (path, methods) in documented() {
        let asked = path.replace("{reference}", "x");
        let answer = Browser::new().ask(Method::OPTIONS, &asked).send(&world.app).await;
        assert_eq!(answer.status, 405, "{path}");
        let allowed = answer.header("allow").unwrap().split(',').filter(|name| *name != "HEAD");
        assert_eq!(allowed.map(str::to_owned).collect::<BTreeSet<_>>(), methods, "{path}");
    }
}
