//! Owns: what the tests agree on: the configuration, and the forms a client sends. They drive the
//! router as a client and a browser would.

use axum::body::Body;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Request, StatusCode};
use ring::digest;
use serde_json::Value;

use super::*;
use crate::idp::tests::browser::Browser;
use crate::idp::tests::prover::Prover;
use crate::idp::tests::provider::Provider;

mod authorize;
mod browser;
mod dpop;
mod logout;
mod magic_link;
mod prover;
mod provider;
mod token;

const ISSUER: &str = "http://localhost:8081";
const CALLBACK: &str = "http://localhost:8080/auth/callback";
const AFTER_LOGOUT: &str = "http://localhost:8080/auth/login";
const AUDIENCE: &str = "https://orders.demo.internal";
const START: u64 = 1_800_000_000;
const VERIFIER: &str = "a-verifier-of-43-characters-at-the-very-least";

fn config() -> IdpConfig {
    let client = |id: &str| Client {
        id: id.to_owned(),
        secret: format!("secret-of-{id}"),
        redirect_uris: vec![CALLBACK.to_owned()],
        post_logout_redirect_uris: vec![AFTER_LOGOUT.to_owned()],
        backchannel_logout_uri: None,
    };
    IdpConfig {
        issuer: ISSUER.to_owned(),
        clients: vec![client("shop"), client("other")],
        access_token_ttl: 60,
        audience: AUDIENCE.to_owned(),
        require_dpop_nonce: false,
    }
}

/// The request of `shop`; each change replaces a parameter, and an empty one removes it.
fn asking<'a>(changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let challenge = digest::digest(&digest::SHA256, VERIFIER.as_bytes());
    let mut request = vec![
        ("client_id", "shop"),
        ("response_type", "code"),
        ("redirect_uri", CALLBACK),
        ("scope", "openid profile email roles offline_access orders:read orders:write"),
        ("state", "the-state"),
        ("nonce", "the-nonce"),
        ("code_challenge", String::leak(URL_SAFE_NO_PAD.encode(challenge))),
        ("code_challenge_method", "S256"),
    ];
    for change in changes {
        request.retain(|(name, _)| *name != change.0);
        request.push(*change);
    }
    request
}

fn redemption(code: &str) -> [(&str, &str); 4] {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ]
}

fn spending(token: &str) -> [(&str, &str); 2] {
    [("grant_type", "refresh_token"), ("refresh_token", token)]
}

fn encoded(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// The claims of a JWT, unverified.
fn claims(token: &Value) -> Value {
    let payload = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn discovery_names_endpoints_that_exist() {
    let provider = Provider::start();
    let document = provider.get("/.well-known/openid-configuration").await.json();
    assert_eq!(document["issuer"], ISSUER);
    assert_eq!(document["authorization_response_iss_parameter_supported"], true);
    let mut endpoints = 0;
    for (name, value) in document.as_object().unwrap() {
        if name.ends_with("_endpoint") || name == "jwks_uri" {
            let path = value.as_str().unwrap().strip_prefix(ISSUER).unwrap();
            assert_ne!(provider.get(path).await.status, StatusCode::NOT_FOUND, "{name}");
            endpoints += 1;
        }
    }
    assert_eq!(endpoints, 7);
    let keys = provider.get("/jwks").await.json();
    assert_eq!(keys["keys"][0]["alg"], "ES256");
    assert_eq!(keys["keys"][0].get("d"), None);
}

#[tokio::test]
async fn it_serves_on_loopback_until_told_to_stop_and_nowhere_else() {
    let everywhere = TcpListener::bind("0.0.0.0:0").await.unwrap();
    assert!(serve(everywhere, config(), std::future::pending()).await.is_err());
    let loopback = TcpListener::bind("127.0.0.1:0").await.unwrap();
    assert!(serve(loopback, config(), ready(())).await.is_ok());
}

#[test]
fn a_configuration_that_could_not_work_is_refused_and_no_secret_is_printed() {
    assert!(config().check().is_ok());
    assert!(IdpConfig { issuer: "http://localhost:8081/".to_owned(), ..config() }.check().is_err());
    for uri in ["http://192.0.2.1/logout", "https://localhost/logout", "logout"] {
        let mut config = config();
        config.clients[0].backchannel_logout_uri = Some(uri.to_owned());
        assert!(config.check().is_err(), "{uri}");
    }
    assert!(!format!("{:?}", config()).contains("secret-of"));
}
