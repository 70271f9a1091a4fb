//! The extractors and the layer in routers of axum.

use std::sync::Arc;

use ::axum::body::Body;
use ::axum::extract::{Extension, FromRef, State};
use ::axum::routing::{get, post};
use ::axum::{Json, Router};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::algorithm::Algorithm;
use crate::testkit::client::Client;
use crate::testkit::{AUDIENCE, ISSUER, NOW, Signer, key_set};
use crate::{Allowed, Policy, Refusal, Token, Validator, policy};

policy! {
    OrdersRead = Policy::all(["orders:read"]);
    pub(super) OrdersDelete = Policy::all(["orders:delete"]).role("ADMIN");
}

fn validator(signer: &Signer) -> Validator {
    let builder = Validator::builder(ISSUER, AUDIENCE).clock(|| NOW);
    builder.with_keys(key_set(&[signer.jwk("k")])).unwrap()
}

fn request(path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::empty()).unwrap()
}

async fn send(router: &Router, request: Request<Body>) -> Response<Body> {
    router.clone().oneshot(request).await.unwrap()
}

async fn text(response: Response<Body>) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

async fn subject(token: Token) -> String {
    token.subject().to_owned()
}

async fn read(token: Allowed<OrdersRead>) -> String {
    token.subject().to_owned()
}

async fn delete(token: Allowed<OrdersDelete>) -> String {
    token.into_token().subject().to_owned()
}

async fn greet(token: Option<Token>) -> String {
    token.map_or_else(|| "nobody".to_owned(), |token| token.subject().to_owned())
}

async fn by_hand(token: Token) -> Result<&'static str, Refusal> {
    token.require_scope("orders:delete")?;
    Ok("deleted")
}

#[tokio::test]
async fn a_handler_says_in_its_signature_what_it_needs() {
    let signer = Signer::new(Algorithm::ES256);
    let router = Router::new()
        .route("/subject", get(subject))
        .route("/read", get(read))
        .route("/delete", get(delete))
        .route("/by-hand", get(by_hand))
        .with_state(validator(&signer));
    let plain = format!("Bearer {}", signer.access_token("k", json!({})));
    let admin = json!({"scope": "orders:delete", "roles": ["ADMIN"]});
    let admin = format!("Bearer {}", signer.access_token("k", admin));
    for (path, authorization, status) in [
        ("/subject", &plain, 200),
        ("/read", &plain, 200),
        ("/delete", &plain, 403),
        ("/by-hand", &plain, 403),
        ("/read", &admin, 403),
        ("/delete", &admin, 200),
        ("/by-hand", &admin, 200),
    ] {
        let response = send(&router, request(path, &[("authorization", authorization)])).await;
        assert_eq!(response.status().as_u16(), status, "{path}");
        if status == 200 && path != "/by-hand" {
            assert_eq!(text(response).await, "alice");
        }
    }
}

#[tokio::test]
async fn t12_a_refusal_is_the_answer_of_the_layer() {
    let signer = Signer::new(Algorithm::ES256);
    let validator = validator(&signer);
    let extracted = Router::new().route("/", get(subject)).with_state(validator.clone());
    let layered = Router::new().route("/", get(|| async {})).layer(validator.layer());
    let expired = format!("Bearer {}", signer.access_token("k", json!({"exp": NOW - 60})));
    for headers in
        [&[][..], &[("authorization", expired.as_str())], &[("authorization", "Bearer a b")]]
    {
        let one = send(&extracted, request("/", headers)).await;
        let other = send(&layered, request("/", headers)).await;
        assert_eq!(one.status(), other.status());
        assert_eq!(one.headers(), other.headers());
        assert!(one.headers().contains_key("www-authenticate"));
        let reason = one.extensions().get::<Refusal>().map(Refusal::reason);
        assert!(reason.is_some());
        assert_eq!(text(one).await, text(other).await);
    }
}

#[tokio::test]
async fn t12_an_optional_token_may_be_absent_and_not_bad() {
    let signer = Signer::new(Algorithm::ES256);
    let router = Router::new().route("/", get(greet)).with_state(validator(&signer));
    let good = format!("Bearer {}", signer.access_token("k", json!({})));
    let expired = format!("Bearer {}", signer.access_token("k", json!({"exp": NOW - 60})));
    for (headers, status, body) in [
        (&[][..], 200, "nobody"),
        (&[("authorization", "Basic YTpi")], 200, "nobody"),
        (&[("authorization", good.as_str())], 200, "alice"),
    ] {
        let response = send(&router, request("/", headers)).await;
        assert_eq!((response.status().as_u16(), text(response).await.as_str()), (status, body));
    }
    for (value, status) in [(expired.as_str(), 401), ("Bearer", 400), ("Bearer \"\"", 400)] {
        let response = send(&router, request("/", &[("authorization", value)])).await;
        assert_eq!(response.status().as_u16(), status, "{value}");
    }
}

#[derive(Clone)]
struct App {
    validator: Validator,
    greeting: Arc<str>,
}

impl FromRef<App> for Validator {
    fn from_ref(app: &App) -> Self {
        app.validator.clone()
    }
}

#[tokio::test]
async fn t19_a_request_is_checked_once_by_layer_and_extractors_together() {
    async fn both(
        State(app): State<App>,
        Extension(left): Extension<Token>,
        token: Token,
        allowed: Allowed<OrdersRead>,
    ) -> String {
        assert_eq!(left.subject(), token.subject());
        format!("{} {}", app.greeting, allowed.subject())
    }
    async fn twice(token: Token, allowed: Allowed<OrdersRead>) -> String {
        format!("{} {}", token.subject(), allowed.subject())
    }
    let client = Client::new();
    let app = App { validator: client.validator(), greeting: "Hello".into() };
    let with_layer = Router::new().route("/orders", get(both)).layer(app.validator.layer());
    let without = Router::new().route("/orders", get(twice));
    let authorization = format!("DPoP {}", client.token);
    for (jti, router, expected) in [("a", with_layer, "Hello alice"), ("b", without, "alice alice")]
    {
        let router = router.with_state(app.clone());
        let proof = client.proof(json!({ "jti": jti }));
        let headers = [("authorization", authorization.as_str()), ("dpop", &proof)];
        let response = send(&router, request("/orders", &headers)).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(text(response).await, expected);
        let again = send(&router, request("/orders", &headers)).await;
        assert_eq!(again.status(), StatusCode::UNAUTHORIZED, "the proof is used");
    }
}

#[tokio::test]
async fn a_proof_is_for_the_whole_path_also_in_nested_routers() {
    let client = Client::new();
    let validator = client.validator();
    let inner = Router::new()
        .route("/layered", get(|| async {}).layer(validator.layer()))
        .route("/extracted", get(subject));
    let router = Router::new().nest("/v1", Router::new().nest("/orders", inner));
    let router: Router = router.with_state(validator);
    let authorization = format!("DPoP {}", client.token);
    for (jti, path, htu, status) in [
        ("a", "/v1/orders/layered", "/v1/orders/layered", 200),
        ("b", "/v1/orders/extracted?x=1", "/v1/orders/extracted", 200),
        ("c", "/v1/orders/layered", "/layered", 401),
        ("d", "/v1/orders/extracted", "/extracted", 401),
    ] {
        let htu = format!("https://api.example.com{htu}");
        let proof = client.proof(json!({ "jti": jti, "htu": htu }));
        let headers = [("authorization", authorization.as_str()), ("dpop", &proof)];
        let response = send(&router, request(path, &headers)).await;
        assert_eq!(response.status().as_u16(), status, "{path} {htu}");
    }
}

#[tokio::test]
async fn a_whole_service_answers_over_a_socket() {
    async fn echo(_: Allowed<OrdersRead>, Json(body): Json<Value>) -> Json<Value> {
        Json(body)
    }
    let signer = Signer::new(Algorithm::ES256);
    let validator = validator(&signer);
    let router =
        Router::new().route("/orders", post(echo)).layer(validator.layer()).with_state(validator);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/orders", listener.local_addr().unwrap());
    tokio::spawn(async { ::axum::serve(listener, router).await });

    let client = HttpClient::builder(TokioExecutor::new()).build_http::<Body>();
    let post = |authorization: Option<String>| {
        let mut request = Request::post(&url).header("content-type", "application/json");
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        client.request(request.body(Body::from(r#"{"item":"gate"}"#)).unwrap())
    };
    let good = format!("Bearer {}", signer.access_token("k", json!({})));
    let response = post(Some(good)).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), json!({"item": "gate"}));
    let response = post(None).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
}
