use serde_json::{Value, json};

use super::{DiscoveryError, is_secure, jwks_uri, oauth_url, openid_url};
use crate::keysource::{FetchError, Fetched};
use crate::testkit::{FakeIssuer, ISSUER};
use crate::validator::{ConfigError, Validator};

async fn learned(issuer: &str, metadata: Value) -> Result<String, DiscoveryError> {
    jwks_uri(&FakeIssuer::serving(metadata.to_string().into_bytes()), issuer).await
}

#[tokio::test]
async fn the_metadata_say_where_the_keys_are() {
    let uri = learned(ISSUER, json!({"issuer": ISSUER, "jwks_uri": "https://a.example/k"})).await;
    assert_eq!(uri.as_deref(), Ok("https://a.example/k"));
}

#[tokio::test]
async fn t12_metadata_of_another_issuer_is_refused_to_the_byte() {
    for other in [
        "https://auth.example.com/",
        "https://AUTH.example.com",
        "http://auth.example.com",
        "https://auth.example.com.evil.example",
        "",
    ] {
        let outcome = learned(ISSUER, json!({"issuer": other, "jwks_uri": "https://a.example/k"}));
        assert_eq!(outcome.await, Err(DiscoveryError::OtherIssuer), "{other}");
    }
}

#[tokio::test]
async fn malformed_metadata_is_refused() {
    for metadata in [
        json!({"issuer": ISSUER}),
        json!({"jwks_uri": "https://a.example/k"}),
        json!({"issuer": ISSUER, "jwks_uri": null}),
        json!({"issuer": [ISSUER], "jwks_uri": "https://a.example/k"}),
        json!([]),
    ] {
        assert_eq!(learned(ISSUER, metadata).await, Err(DiscoveryError::Malformed));
    }
}

#[tokio::test]
async fn keys_come_over_tls_or_from_this_machine() {
    let with_keys_at =
        |uri: &'static str| learned(ISSUER, json!({"issuer": ISSUER, "jwks_uri": uri}));
    assert_eq!(with_keys_at("http://a.example/k").await, Err(DiscoveryError::InsecureUrl));
    let plain = "http://auth.example.com";
    let outcome = learned(plain, json!({"issuer": plain, "jwks_uri": "https://a.example/k"})).await;
    assert_eq!(outcome, Err(DiscoveryError::InsecureUrl));
    for (url, secure) in [
        ("https://a.example", true),
        ("http://localhost:8081", true),
        ("http://127.0.0.1:8081/x", true),
        ("http://[::1]:8081/x", true),
        ("http://localhost.evil.example", false),
        ("http://localhost@evil.example", false),
        ("http://evil.example/localhost", false),
        ("http://127.0.0.1.evil.example", false),
        ("https://", false),
        ("ftp://localhost", false),
        ("localhost", false),
    ] {
        assert_eq!(is_secure(url), secure, "{url}");
    }
}

#[tokio::test]
async fn an_issuer_that_is_away_is_told_apart() {
    let issuer = FakeIssuer::default();
    for error in [FetchError::Timeout, FetchError::Status(503), FetchError::Status(404)] {
        issuer.answer(Err(error.clone()));
        assert_eq!(jwks_uri(&issuer, ISSUER).await, Err(DiscoveryError::Fetch(error)));
    }
    assert_eq!(issuer.asked(), 4, "a 404 is tried once more at the OAuth address");
}

#[tokio::test]
async fn settings_are_checked_also_when_discovered() {
    let metadata = json!({"issuer": ISSUER, "jwks_uri": "https://a.example/k"}).to_string();
    let issuer = FakeIssuer::default();
    issuer.answer(Ok(Fetched { body: metadata.into_bytes(), max_age: None }));
    let builder = Validator::builder(ISSUER, "").clock(|| crate::testkit::NOW);
    let outcome = builder.discover_with(issuer).await;
    assert_eq!(outcome.unwrap_err(), DiscoveryError::Config(ConfigError::Audience));
}

#[test]
fn well_known_addresses_stand_where_the_specifications_put_them() {
    for (issuer, openid, oauth) in [
        (
            "https://a.example",
            "https://a.example/.well-known/openid-configuration",
            "https://a.example/.well-known/oauth-authorization-server",
        ),
        (
            "https://a.example/",
            "https://a.example/.well-known/openid-configuration",
            "https://a.example/.well-known/oauth-authorization-server",
        ),
        (
            "https://a.example/realms/x",
            "https://a.example/realms/x/.well-known/openid-configuration",
            "https://a.example/.well-known/oauth-authorization-server/realms/x",
        ),
    ] {
        assert_eq!(openid_url(issuer), openid);
        assert_eq!(oauth_url(issuer).as_deref(), Some(oauth));
    }
}
