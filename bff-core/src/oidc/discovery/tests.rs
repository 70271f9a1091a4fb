use std::time::Duration;

use serde_json::json;

use super::super::mock::{MockAs, NOW, Reply};
use super::super::{ClientAuth, OidcConfig};
use super::*;

const PATH: &str = "/.well-known/openid-configuration";

fn parts(mock: &MockAs) -> (OidcConfig, HttpClient, Discovery) {
    let mut config = OidcConfig::new(mock.issuer.clone(), "client".to_owned(), ClientAuth::None);
    config.http_timeout = Duration::from_secs(5);
    (config, HttpClient::new(None).unwrap(), Discovery::default())
}

#[tokio::test]
async fn the_document_is_kept_for_an_hour() {
    let mock = MockAs::start().await;
    let (config, http, discovery) = parts(&mock);
    for now in [NOW, NOW + 1, NOW + FRESH_FOR - 1] {
        discovery.get(&config, &http, now).await.unwrap();
    }
    assert_eq!(mock.seen(PATH).len(), 1);
    discovery.get(&config, &http, NOW + FRESH_FOR).await.unwrap();
    assert_eq!(mock.seen(PATH).len(), 2);
}

#[tokio::test]
async fn many_logins_at_once_ask_once() {
    let mock = MockAs::start().await;
    let (config, http, discovery) = parts(&mock);
    let get = || discovery.get(&config, &http, NOW);
    let (a, b, c) = tokio::join!(get(), get(), get());
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    assert_eq!(mock.seen(PATH).len(), 1);
}

#[tokio::test]
async fn c81_who_waited_for_an_answer_that_never_came_does_not_wait_for_another() {
    let mock = MockAs::start().await;
    let (mut config, http, discovery) = parts(&mock);
    config.http_timeout = Duration::from_millis(300);
    mock.always(PATH, Reply::Hang);
    let get = |now| discovery.get(&config, &http, now);
    // They come seconds apart, while the first of them is still waiting.
    let (a, b, c) = tokio::join!(get(NOW), get(NOW + 5), get(NOW + 9));
    assert!(a.is_err() && b.is_err() && c.is_err());
    assert_eq!(mock.seen(PATH).len(), 1);
}

#[tokio::test]
async fn c81_a_failure_is_remembered_for_a_second_and_no_longer() {
    let mock = MockAs::start().await;
    let (config, http, discovery) = parts(&mock);
    mock.once(PATH, Reply::text(503, "text/plain", ""));
    for now in [NOW, NOW, NOW + 1] {
        let error = discovery.get(&config, &http, now).await.unwrap_err();
        assert!(error.is_unavailable());
    }
    assert_eq!(mock.seen(PATH).len(), 1);
    discovery.get(&config, &http, NOW + 2).await.unwrap();
}

#[tokio::test]
async fn c81_what_was_known_stays_in_use_while_the_issuer_is_away() {
    let mock = MockAs::start().await;
    let (config, http, discovery) = parts(&mock);
    discovery.get(&config, &http, NOW).await.unwrap();
    mock.always(PATH, Reply::text(503, "text/plain", ""));
    for later in [FRESH_FOR, FRESH_FOR + 1, 30 * FRESH_FOR] {
        discovery.get(&config, &http, NOW + later).await.unwrap();
    }
    // The second of these fell into the moment the issuer is left alone for.
    assert_eq!(mock.seen(PATH).len(), 3);
}

#[tokio::test]
async fn c17_a_wrong_issuer_is_never_ready() {
    let mock = MockAs::start().await;
    let (config, http, discovery) = parts(&mock);
    mock.metadata(&json!({ "issuer": format!("{}/", mock.issuer) }));
    let error = discovery.get(&config, &http, NOW).await.unwrap_err();
    assert_eq!(error.reason(), "discovery_issuer_mismatch");
    assert!(!error.is_unavailable());
    assert!(Discovery::probe(&config, &http).await.is_err());
}

#[tokio::test]
async fn c17_discovery_follows_no_redirect() {
    let mock = MockAs::start().await;
    let (config, http, discovery) = parts(&mock);
    mock.once(PATH, Reply::text(302, "text/plain", "").with("location", PATH));
    let error = discovery.get(&config, &http, NOW).await.unwrap_err();
    assert_eq!(error.reason(), "unexpected_status");
    assert_eq!(mock.seen(PATH).len(), 1);
}

#[test]
fn the_suffix_follows_the_issuer_and_the_origin_may_be_internal() {
    for (issuer, internal, expected) in [
        ("https://a.example", None, "https://a.example/.well-known/openid-configuration"),
        ("https://a.example/", None, "https://a.example/.well-known/openid-configuration"),
        ("https://a.example/r/x", None, "https://a.example/r/x/.well-known/openid-configuration"),
        (
            "https://a.example/r",
            Some("http://idp:8080"),
            "http://idp:8080/r/.well-known/openid-configuration",
        ),
    ] {
        let mut config = OidcConfig::new(issuer.to_owned(), "c".to_owned(), ClientAuth::None);
        config.internal_base = internal.map(|base| Url::parse(base).unwrap());
        assert_eq!(document_url(&config).unwrap().as_str(), expected);
    }
}
