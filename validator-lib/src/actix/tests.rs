//! The extractors in apps of actix-web, and one in a real server.

use actix_web::dev::Service as _;
use actix_web::http::header::HeaderMap;
use actix_web::test::{TestRequest, init_service, read_body};
use actix_web::web::Data;
use actix_web::{App, HttpServer, web};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use crate::algorithm::Algorithm;
use crate::certificate::{CertSource, PeerCertificate, thumbprint};
use crate::testkit::client::Client;
use crate::testkit::{AUDIENCE, ISSUER, NOW, Signer, key_set};
use crate::{Allowed, Policy, Refusal, Token, Validator, policy};

policy!(OrdersDelete = Policy::all(["orders:delete"]));

fn validator(signer: &Signer) -> Validator {
    let builder = Validator::builder(ISSUER, AUDIENCE).clock(|| NOW);
    builder.with_keys(key_set(&[signer.jwk("k")])).unwrap()
}

async fn subject(token: Token) -> String {
    token.subject().to_owned()
}

async fn delete(token: Allowed<OrdersDelete>) -> String {
    token.subject().to_owned()
}

async fn twice(token: Token, allowed: Allowed<OrdersDelete>) -> String {
    format!("{} {}", token.subject(), allowed.subject())
}

async fn by_hand(token: Token) -> Result<&'static str, Refusal> {
    token.require_scope("orders:delete")?;
    Ok("deleted")
}

fn routes(config: &mut web::ServiceConfig) {
    let inner = web::scope("/orders").route("", web::get().to(subject));
    config
        .service(inner)
        .route("/delete", web::get().to(delete))
        .route("/twice", web::get().to(twice))
        .route("/by-hand", web::get().to(by_hand));
}

async fn ask(validator: &Validator, request: TestRequest) -> (u16, HeaderMap, String) {
    let app = App::new().app_data(Data::new(validator.clone())).configure(routes);
    let app = init_service(app).await;
    let response = app.call(request.to_request()).await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = String::from_utf8(read_body(response).await.to_vec()).unwrap();
    (status, headers, body)
}

fn request(path: &str, headers: &[(&'static str, &str)]) -> TestRequest {
    let request = TestRequest::get().uri(path);
    headers.iter().fold(request, |request, header| request.append_header(*header))
}

#[tokio::test]
async fn t12_a_handler_gets_a_token_or_the_client_the_whole_refusal() {
    let signer = Signer::new(Algorithm::ES256);
    let validator = validator(&signer);
    let good = format!("Bearer {}", signer.access_token("k", json!({})));
    let (status, _, body) = ask(&validator, request("/orders", &[("authorization", &good)])).await;
    assert_eq!((status, body.as_str()), (200, "alice"));
    let lacking = "Bearer error=\"insufficient_scope\", scope=\"orders:delete\"";
    let malformed = "Bearer error=\"invalid_request\"";
    for (path, headers, status, challenge) in [
        ("/orders", vec![], 401, "Bearer"),
        ("/orders", vec![("authorization", "Bearer a b")], 400, malformed),
        ("/orders", vec![("authorization", "Bearer a"), ("authorization", &good)], 400, malformed),
        ("/delete", vec![("authorization", &good)], 403, lacking),
        ("/by-hand", vec![("authorization", &good)], 403, lacking),
    ] {
        let (answered, headers, body) = ask(&validator, request(path, &headers)).await;
        assert_eq!(answered, status, "{path}");
        assert_eq!(headers.get("www-authenticate").unwrap(), challenge, "{path}");
        assert_eq!(headers.get("cache-control").unwrap(), "no-store");
        assert_eq!(headers.get("content-type").unwrap(), "application/problem+json");
        let problem: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(problem["status"], status);
    }
}

#[tokio::test]
async fn t19_a_proof_is_for_the_whole_path_and_checked_once() {
    let client = Client::new();
    let validator = client.validator();
    let authorization = format!("DPoP {}", client.token);
    let proof = client.proof(json!({}));
    let headers = [("authorization", authorization.as_str()), ("dpop", &proof)];
    assert_eq!(ask(&validator, request("/orders?page=2", &headers)).await.0, 200);
    let (status, headers, _) = ask(&validator, request("/orders", &headers)).await;
    assert_eq!(status, 401, "the proof is used");
    assert_eq!(headers.get_all("www-authenticate").count(), 2, "a challenge for each scheme");
    // Two extractors in one handler: the second must not take the proof for a replay. It is the scope
    // that is missing.
    let proof = client.proof(json!({"jti": "p2", "htu": "https://api.example.com/twice"}));
    let headers = [("authorization", authorization.as_str()), ("dpop", &proof)];
    assert_eq!(ask(&validator, request("/twice", &headers)).await.0, 403);
}

#[tokio::test]
async fn t12_a_certificate_comes_from_where_it_was_said_to() {
    let signer = Signer::new(Algorithm::ES256);
    let shown = PeerCertificate(b"the certificate of the client".to_vec());
    let cnf = json!({"cnf": {"x5t#S256": thumbprint(&shown.0)}});
    let bound = format!("Bearer {}", signer.access_token("k", cnf));
    let builder = Validator::builder(ISSUER, AUDIENCE).clock(|| NOW).mtls(CertSource::Connection);
    let validator = builder.with_keys(key_set(&[signer.jwk("k")])).unwrap();
    let app = |shown: Option<PeerCertificate>| {
        App::new().app_data(Data::new(validator.clone())).configure(routes).wrap_fn(
            move |request, next| {
                use actix_web::HttpMessage as _;
                if let Some(shown) = shown.clone() {
                    request.extensions_mut().insert(shown);
                }
                next.call(request)
            },
        )
    };
    for (shown, status) in [(Some(shown), 200), (None, 401)] {
        let app = init_service(app(shown)).await;
        let request = request("/orders", &[("authorization", &bound)]).to_request();
        assert_eq!(app.call(request).await.unwrap().status().as_u16(), status);
    }
}

#[tokio::test]
async fn an_app_without_a_validator_lets_nobody_in() {
    let app = init_service(App::new().configure(routes)).await;
    let response = app.call(request("/orders", &[]).to_request()).await.unwrap();
    assert_eq!(response.status().as_u16(), 500);
}

#[test]
fn a_whole_service_answers_over_a_socket() {
    let signer = Signer::new(Algorithm::ES256);
    let data = Data::new(validator(&signer));
    let good = format!("Bearer {}", signer.access_token("k", json!({})));
    actix_web::rt::System::new().block_on(async move {
        let server = HttpServer::new(move || App::new().app_data(data.clone()).configure(routes))
            .workers(2)
            .disable_signals()
            .bind(("127.0.0.1", 0))
            .unwrap();
        let url = format!("http://{}/orders", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        let serving = actix_web::rt::spawn(server);
        let client = HttpClient::builder(TokioExecutor::new()).build_http::<Empty<bytes::Bytes>>();
        for (authorization, status) in [(Some(good), 200), (None, 401)] {
            let mut request = http::Request::get(&url);
            if let Some(value) = authorization {
                request = request.header("authorization", value);
            }
            let response = client.request(request.body(Empty::new()).unwrap()).await.unwrap();
            assert_eq!(response.status().as_u16(), status);
            assert!(!response.into_body().collect().await.unwrap().to_bytes().is_empty());
        }
        handle.stop(false).await;
        serving.await.unwrap().unwrap();
    });
}
