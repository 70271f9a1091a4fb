//! The corpus through the layer and the extractors, as services of axum and tower have them.

use ::axum::Router;
use ::axum::body::Body;
use ::axum::routing::get;
use http::Method;
use tower::ServiceExt as _;

use super::*;
use crate::testing::{Report, conformance};
use crate::{Allowed, Token, policy};

policy!(OrdersRead = Policy::all(["orders:read"]).max_age(300));

fn validator(issuer: &Issuer) -> Validator {
    let nonces = Nonces::shared(&[7; 32]);
    let builder = issuer.validator(AUDIENCE).origin(ORIGIN).dpop_nonces(nonces);
    builder.denylist(issuer.revocations(), WhenUnknown::Refuse).build().unwrap()
}

async fn report(issuer: &Issuer, router: Router, path: &str) -> Report {
    let send = async |request: Request<Bytes>| {
        router.clone().oneshot(request.map(Body::from)).await.unwrap()
    };
    conformance(issuer, send)
        .route(&Method::GET, path)
        .policy(Policy::all(["orders:read"]).max_age(300))
        .origin(ORIGIN)
        .dpop_nonces()
        .denylist()
        .run()
        .await
}

#[tokio::test]
async fn t12_the_corpus_through_a_layer_around_a_router() {
    let issuer = Issuer::new();
    let policy = Policy::all(["orders:read"]).max_age(300);
    let layer = validator(&issuer).layer().require(policy);
    let router = Router::new().route("/orders", get(async || "orders")).layer(layer);
    let report = report(&issuer, router, "/orders").await;
    assert!(report.failures().is_empty(), "{report}");
    assert!(report.cases() > 1_500);
}

#[tokio::test]
async fn t12_the_corpus_through_an_extractor_in_a_nested_router() {
    let issuer = Issuer::new();
    let inner = Router::new().route("/orders", get(async |_: Allowed<OrdersRead>| "orders"));
    let router = Router::new().nest("/v1", inner).with_state(validator(&issuer));
    let report = report(&issuer, router, "/v1/orders").await;
    assert!(report.failures().is_empty(), "{report}");
}

#[tokio::test]
async fn a_handler_that_forgets_what_it_requires_is_found() {
    let issuer = Issuer::new();
    let router = Router::new().route("/orders", get(async |_: Token| "orders"));
    let report = report(&issuer, router.with_state(validator(&issuer)), "/orders").await;
    assert!(!report.failures().is_empty());
    assert!(report.failures().iter().all(|failure| failure.case().class() == Class::Policy));
}
