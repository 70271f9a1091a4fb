use axum::http::{HeaderMap, Method, Request};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http_body_util::BodyExt as _;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::Value;
use tower::ServiceExt as _;
use validator_lib::keysource::{Fetch, FetchError, Fetched, RemoteKeys};
use validator_lib::testing::{Issuer, conformance};
use validator_lib::{KeySet, Policy};

use super::*;

const ISSUER: &str = "https://idp.test";
const AUDIENCE: &str = "https://orders.test";
const ORIGIN: &str = "http://127.0.0.1:9999";
const NOW: u64 = 1_800_000_000;

struct Key(EcdsaKeyPair);

impl Key {
    fn new() -> Self {
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key");
        Self(EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).expect("a key"))
    }

    fn jwk(&self) -> Value {
        let (x, y) = self.0.public_key().as_ref()[1..].split_at(32);
        json!({ "kty": "EC", "crv": "P-256", "x": b64(x), "y": b64(y) })
    }

    fn thumbprint(&self) -> String {
        let jwk = self.jwk();
        let text = format!(r#"{{"crv":"P-256","kty":"EC","x":{},"y":{}}}"#, jwk["x"], jwk["y"]);
        b64(digest(&SHA256, text.as_bytes()).as_ref())
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let input = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
        let signature = self.0.sign(&SystemRandom::new(), input.as_bytes()).expect("signed");
        format!("{input}.{}", b64(signature))
    }

    fn token(&self, subject: &str, scope: &str, more: &Value) -> String {
        let mut claims = json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": subject, "scope": scope, "client_id": "demo",
            "iat": NOW - 10, "exp": NOW + 50, "jti": "1",
        });
        for (name, value) in more.as_object().expect("an object") {
            claims[name] = value.clone();
        }
        self.sign(&json!({ "alg": "ES256", "typ": "at+jwt", "kid": "k" }), &claims)
    }

    fn proof(&self, method: &str, url: &str, token: &str) -> String {
        let ath = b64(digest(&SHA256, token.as_bytes()).as_ref());
        let claims = json!({ "htm": method, "htu": url, "iat": NOW, "jti": "p", "ath": ath });
        self.sign(&json!({ "alg": "ES256", "typ": "dpop+jwt", "jwk": self.jwk() }), &claims)
    }
}

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The service with one known key and a clock that stands still.
struct Stage {
    issuer: Key,
    router: Router,
}

impl Stage {
    fn new() -> Self {
        let issuer = Key::new();
        let mut jwk = issuer.jwk();
        jwk["kid"] = "k".into();
        jwk["alg"] = "ES256".into();
        let keys = KeySet::from_jwks_json(json!({ "keys": [jwk] }).to_string().as_bytes());
        let validator = Validator::builder(ISSUER, AUDIENCE)
            .origin(ORIGIN)
            .clock(|| NOW)
            .with_keys(keys.expect("keys"))
            .expect("a validator");
        Self { issuer, router: router(validator) }
    }

    async fn send(
        &self,
        method: Method,
        headers: &[(&str, String)],
        body: impl Into<Body>,
    ) -> (StatusCode, HeaderMap, Value) {
        let mut request = Request::builder().method(method).uri("/orders");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let request = request.body(body.into()).expect("a request");
        let response = self.router.clone().oneshot(request).await.expect("served");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        (parts.status, parts.headers, serde_json::from_slice(&body).expect("JSON"))
    }

    async fn send_as(
        &self,
        who: &str,
        scope: &str,
        method: Method,
        body: &str,
    ) -> (StatusCode, HeaderMap, Value) {
        let token = self.issuer.token(who, scope, &json!({}));
        self.send(method, &[("authorization", format!("Bearer {token}"))], body.to_owned()).await
    }
}

const GATE: &str = r#"{"item": "gate", "quantity": 2}"#;

#[tokio::test]
async fn an_order_is_placed_and_only_its_owner_sees_it() {
    let stage = Stage::new();
    let both = "orders:read orders:write";
    let (status, _, order) = stage.send_as("alice", both, Method::POST, GATE).await;
    assert_eq!((status, &order["item"]), (StatusCode::CREATED, &"gate".into()));
    let (status, headers, list) = stage.send_as("alice", both, Method::GET, "").await;
    assert_eq!((status, &list), (StatusCode::OK, &json!({ "orders": [order] })));
    assert_eq!(headers["cache-control"], "no-store");
    assert_eq!(stage.send_as("bob", both, Method::GET, "").await.2, json!({ "orders": [] }));
}

#[tokio::test]
async fn each_method_needs_its_own_scope() {
    let stage = Stage::new();
    for (method, scope) in [(Method::POST, "orders:read"), (Method::GET, "orders:write")] {
        let (status, headers, problem) = stage.send_as("carol", scope, method, GATE).await;
        assert_eq!(
            (status, &problem["code"]),
            (StatusCode::FORBIDDEN, &"insufficient_scope".into())
        );
        assert_eq!(headers["content-type"], "application/problem+json");
        let challenge = headers["www-authenticate"].to_str().expect("text");
        assert!(challenge.contains("insufficient_scope"), "{challenge}");
    }
}

#[tokio::test]
async fn no_token_or_a_bad_one_is_401_whatever_the_body_is() {
    let stage = Stage::new();
    let expired = stage.issuer.token("alice", "orders:write", &json!({ "exp": NOW - 60 }));
    let elsewhere =
        stage.issuer.token("alice", "orders:write", &json!({ "aud": "https://x.test" }));
    let foreign = Key::new().token("alice", "orders:write", &json!({}));
    let mut requests: Vec<(Vec<(&str, String)>, &str)> =
        vec![(vec![], "token_missing"), (vec![("cookie", "session=1".into())], "token_missing")];
    for token in [expired, elsewhere, foreign] {
        let headers = vec![("authorization", format!("Bearer {token}"))];
        requests.push((headers, "invalid_token"));
    }
    for (headers, code) in requests {
        let (status, answer, problem) = stage.send(Method::POST, &headers, "not json").await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{headers:?}");
        assert_eq!(problem["code"], code, "{headers:?}");
        assert!(answer.contains_key("www-authenticate"), "{headers:?}");
        assert_eq!(answer["cache-control"], "no-store");
    }
}

/// An issuer whose keys cannot be had.
struct Away;

impl Fetch for Away {
    async fn get(&self, _: &str) -> Result<Fetched, FetchError> {
        Err(FetchError::Timeout)
    }
}

#[tokio::test]
async fn t19_while_keys_cannot_be_had_nobody_is_told_that_their_token_is_bad() {
    let keys = RemoteKeys::new(Away, "https://idp.test/jwks");
    let validator = Validator::builder(ISSUER, AUDIENCE).clock(|| NOW).with_remote_keys(keys);
    let router = router(validator.expect("a validator"));
    let stage = Stage { issuer: Key::new(), router };
    let (status, headers, problem) = stage.send_as("alice", "orders:read", Method::GET, "").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(problem["code"], "temporarily_unavailable");
    assert!(headers.contains_key("retry-after") && !headers.contains_key("www-authenticate"));
}

#[tokio::test]
async fn a_bound_token_needs_a_proof_for_this_very_url() {
    let stage = Stage::new();
    let holder = Key::new();
    let bound = json!({ "cnf": { "jkt": holder.thumbprint() } });
    let token = stage.issuer.token("alice", "orders:read", &bound);
    let here = format!("{ORIGIN}/orders");
    let with = |scheme: &str, proof: String| {
        vec![("authorization", format!("{scheme} {token}")), ("dpop", proof)]
    };
    let good = with("DPoP", holder.proof("GET", &here, &token));
    assert_eq!(stage.send(Method::GET, &good, "").await.0, StatusCode::OK);
    for headers in [
        good,
        with("Bearer", holder.proof("GET", &here, &token)),
        with("DPoP", holder.proof("POST", &here, &token)),
        with("DPoP", holder.proof("GET", "http://elsewhere.test/orders", &token)),
        with("DPoP", Key::new().proof("GET", &here, &token)),
    ] {
        assert_eq!(stage.send(Method::GET, &headers, "").await.0, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn an_order_that_cannot_be_read_is_refused_in_words() {
    let stage = Stage::new();
    let long = format!(r#"{{"item": "{}", "quantity": 1}}"#, "x".repeat(MAX_BODY_BYTES));
    for (body, expected) in [
        ("not json", StatusCode::BAD_REQUEST),
        (r#"{"item": "gate"}"#, StatusCode::BAD_REQUEST),
        (r#"{"item": "gate", "quantity": -1}"#, StatusCode::BAD_REQUEST),
        (r#"{"item": "gate", "quantity": 1, "price": 0}"#, StatusCode::BAD_REQUEST),
        (r#"{"item": "", "quantity": 1}"#, StatusCode::UNPROCESSABLE_ENTITY),
        (r#"{"item": "gate", "quantity": 0}"#, StatusCode::UNPROCESSABLE_ENTITY),
        (long.as_str(), StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let (status, _, problem) = stage.send_as("alice", "orders:write", Method::POST, body).await;
        assert_eq!(status, expected, "{body}");
        assert!(problem["detail"].is_string(), "{body}");
    }
}

/// Every attack that validator-lib knows of, each with the status and the challenges it has to get.
#[tokio::test]
async fn t12_the_attack_corpus_finds_no_way_into_the_orders() {
    let issuer = Issuer::new();
    let validator = issuer.validator(AUDIENCE).origin(ORIGIN).build().expect("a validator");
    let router = router(validator);
    let report = conformance(&issuer, async |request| {
        router.clone().oneshot(request.map(Body::from)).await.expect("a response")
    })
    .route(&Method::GET, "/orders")
    .audience(AUDIENCE)
    .origin(ORIGIN)
    .policy(Policy::all(["orders:read"]))
    .run()
    .await;
    assert!(report.failures().is_empty(), "{report}");
    assert!(report.cases() > 1_000, "{report}");
}
