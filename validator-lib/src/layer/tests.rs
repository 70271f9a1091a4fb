//! The layer by itself; `server` has it in real servers.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use axum::body::{Body, to_bytes};
use http::{HeaderMap, Request, Response};
use serde_json::{Value, json};
use tower::{Layer, Service, ServiceBuilder, ServiceExt as _, service_fn};

use crate::access_token::Token;
use crate::algorithm::Algorithm;
use crate::dpop::nonce::{Nonces, SPAN_SECS};
use crate::keysource::{FetchError, RemoteKeys};
use crate::layer::ValidatorLayer;
use crate::policy::Policy;
use crate::refusal::Refusal;
use crate::testkit::client::Client;
use crate::testkit::{AUDIENCE, FakeIssuer, ISSUER, NOW, Signer, key_set};
use crate::validator::Validator;

mod grpc;
mod server;

/// A service behind the layer, and who reached it.
#[derive(Clone, Default)]
struct Behind(Arc<Mutex<Vec<String>>>);

impl Behind {
    async fn send(&self, layer: ValidatorLayer, request: Request<Body>) -> Response<Vec<u8>> {
        let reached = Arc::clone(&self.0);
        let service = service_fn(move |request: Request<Body>| {
            let token = request.extensions().get::<Token>().unwrap();
            reached.lock().unwrap().push(token.subject().to_owned());
            std::future::ready(Ok::<_, Infallible>(Response::new(Body::from("inside"))))
        });
        let response = layer.layer(service).oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(Body::new(body), 10_000).await.unwrap();
        Response::from_parts(parts, body.to_vec())
    }

    fn reached(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

fn validator(signer: &Signer) -> Validator {
    let builder = Validator::builder(ISSUER, AUDIENCE).clock(|| NOW);
    builder.with_keys(key_set(&[signer.jwk("k")])).unwrap()
}

fn request(headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::get("/orders");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::empty()).unwrap()
}

fn bearer(token: &str) -> Request<Body> {
    request(&[("authorization", &format!("Bearer {token}"))])
}

fn all<'h>(headers: &'h HeaderMap, name: &str) -> Vec<&'h str> {
    headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
}

#[tokio::test]
async fn a_checked_request_goes_through_with_its_token() {
    let signer = Signer::new(Algorithm::ES256);
    let behind = Behind::default();
    let token = signer.access_token("k", json!({}));
    let response = behind.send(validator(&signer).layer(), bearer(&token)).await;
    assert_eq!((response.status().as_u16(), &response.body()[..]), (200, &b"inside"[..]));
    assert!(response.headers().is_empty(), "nothing is added to what the service says");
    assert_eq!(*behind.0.lock().unwrap(), ["alice"]);
}

#[tokio::test]
async fn t12_a_refused_request_reaches_nobody_and_is_answered_in_full() {
    let signer = Signer::new(Algorithm::ES256);
    let behind = Behind::default();
    let validator = validator(&signer);
    let good = signer.access_token("k", json!({}));
    let expired = signer.access_token("k", json!({"exp": NOW - 60}));
    let layer = || validator.layer().require(Policy::all(["orders:delete"]));
    for (request, status, code, challenge) in [
        (request(&[]), 401, "token_missing", "Bearer"),
        (bearer(&expired), 401, "invalid_token", "Bearer error=\"invalid_token\""),
        (bearer("a b"), 400, "invalid_request", "Bearer error=\"invalid_request\""),
        (
            bearer(&good),
            403,
            "insufficient_scope",
            "Bearer error=\"insufficient_scope\", scope=\"orders:delete\"",
        ),
    ] {
        let response = behind.send(layer(), request).await;
        let headers = response.headers();
        assert_eq!(response.status().as_u16(), status);
        assert_eq!(all(headers, "www-authenticate"), [challenge]);
        assert_eq!(all(headers, "cache-control"), ["no-store"]);
        assert_eq!(all(headers, "content-type"), ["application/problem+json"]);
        assert_eq!(all(headers, "retry-after"), Vec::<&str>::new());
        let problem: Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!((&problem["status"], &problem["code"]), (&json!(status), &json!(code)));
        let refusal = response.extensions().get::<Refusal>().unwrap();
        assert_eq!(refusal.code(), code, "layers outside learn why");
    }
    assert_eq!(behind.reached(), 0);
}

#[tokio::test]
async fn t19_an_outage_is_503_and_says_when_to_ask_again() {
    let signer = Signer::new(Algorithm::ES256);
    let issuer = FakeIssuer::default();
    issuer.answer(Err(FetchError::Timeout));
    let builder = Validator::builder(ISSUER, AUDIENCE).clock(|| NOW);
    let keys = RemoteKeys::new(issuer, "https://auth.example.com/jwks");
    let layer = builder.with_remote_keys(keys).unwrap().layer();
    let behind = Behind::default();
    let response = behind.send(layer, bearer(&signer.access_token("k", json!({})))).await;
    assert_eq!(response.status().as_u16(), 503);
    assert_eq!(all(response.headers(), "retry-after"), ["5"]);
    assert!(all(response.headers(), "www-authenticate").is_empty());
    assert_eq!(behind.reached(), 0);
}

#[tokio::test]
async fn t19_a_client_is_told_the_nonce_it_lacks_and_the_one_that_comes_next() {
    let client = Client::new();
    let nonces = Nonces::shared(&[7; 32]);
    let validator = client.validator_with(|b| b.dpop_nonces(Nonces::shared(&[7; 32])));
    let behind = Behind::default();
    let authorization = format!("DPoP {}", client.token);
    let ask = async |jti: &str, nonce: Value| {
        let proof = client.proof(json!({"jti": jti, "nonce": nonce}));
        let request = request(&[("authorization", &authorization), ("dpop", &proof)]);
        let response = behind.send(validator.layer(), request).await;
        let told = all(response.headers(), "dpop-nonce").join(",");
        (response.status().as_u16(), told)
    };
    let current = nonces.current(NOW);
    assert_eq!(ask("a", Value::Null).await, (401, current.clone()));
    assert_eq!(ask("b", json!(current)).await, (200, String::new()));
    assert_eq!(ask("c", json!(nonces.current(NOW - SPAN_SECS))).await, (200, current));
    assert_eq!(behind.reached(), 2);
}

#[tokio::test]
async fn t19_layers_of_one_validator_check_a_proof_once_and_each_policy_holds() {
    let client = Client::new();
    let validator = client.validator();
    let one_of_three = |policy| {
        validator.clone().layer().require(Policy::new()).require(policy).require(Policy::new())
    };
    let stack = async |jti: &str, outer: Policy, inner: Policy| {
        let proof = client.proof(json!({ "jti": jti }));
        let authorization = format!("DPoP {}", client.token);
        let service = ServiceBuilder::new()
            .layer(validator.layer().require(outer))
            .layer(one_of_three(inner))
            .service(service_fn(async |_: Request<Body>| {
                Ok::<_, Infallible>(Response::new(Body::empty()))
            }));
        let request = request(&[("authorization", &authorization), ("dpop", &proof)]);
        service.oneshot(request).await.unwrap().status().as_u16()
    };
    let read = || Policy::all(["orders:read"]);
    let delete = || Policy::all(["orders:delete"]);
    assert_eq!(stack("a", read(), read()).await, 200);
    assert_eq!(stack("b", delete(), read()).await, 403);
    assert_eq!(stack("c", read(), delete()).await, 403);
    assert_eq!(stack("c", read(), read()).await, 401, "a proof that was used stays used");
}

#[tokio::test]
async fn t12_a_token_that_another_validator_accepted_is_checked_again() {
    let (ours, theirs) = (Signer::new(Algorithm::ES256), Signer::new(Algorithm::ES256));
    let service = ServiceBuilder::new()
        .layer(validator(&theirs).layer())
        .layer(validator(&ours).layer())
        .service(service_fn(async |_: Request<Body>| {
            Ok::<_, Infallible>(Response::new(Body::empty()))
        }));
    let request = bearer(&theirs.access_token("k", json!({})));
    assert_eq!(service.oneshot(request).await.unwrap().status().as_u16(), 401);
}

/// Panics where it is called without having been asked whether it is ready.
struct Fussy {
    ready: bool,
    answered: Arc<AtomicUsize>,
}

impl Clone for Fussy {
    fn clone(&self) -> Self {
        Self { ready: false, answered: Arc::clone(&self.answered) }
    }
}

impl Service<Request<Body>> for Fussy {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        assert!(std::mem::take(&mut self.ready), "called before it was ready");
        self.answered.fetch_add(1, Ordering::SeqCst);
        std::future::ready(Ok(Response::new(Body::empty())))
    }
}

#[tokio::test]
async fn the_service_that_was_ready_is_the_one_that_answers() {
    let signer = Signer::new(Algorithm::ES256);
    let answered = Arc::new(AtomicUsize::new(0));
    let fussy = Fussy { ready: false, answered: Arc::clone(&answered) };
    let mut service = validator(&signer).layer().layer(fussy);
    let token = signer.access_token("k", json!({}));
    let first = service.ready().await.unwrap().call(bearer(&token));
    let second = service.ready().await.unwrap().call(bearer(&token));
    let clone = service.clone().oneshot(bearer(&token));
    let (first, second, clone) = tokio::join!(first, second, clone);
    assert!([first, second, clone].into_iter().all(|answer| answer.unwrap().status() == 200));
    assert_eq!(answered.load(Ordering::SeqCst), 3);
    // One that was refused takes nothing from the next.
    let refused = service.ready().await.unwrap().call(request(&[])).await.unwrap();
    assert_eq!(refused.status(), 401);
    assert!(service.ready().await.unwrap().call(bearer(&token)).await.is_ok());
}
