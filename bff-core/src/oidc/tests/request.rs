//! The authorization request: what it asks for, and what of it the browser carries.

use secrecy::ExposeSecret;
use serde_json::json;
use url::Url;

use super::super::mock::{MockAs, REDIRECT_URI, begin, pushed};
use super::super::{LoginHints, Mode};

fn query(url: &Url) -> Vec<(String, String)> {
    url.query_pairs().into_owned().collect()
}

#[tokio::test]
async fn c01_only_the_code_flow_is_asked_for_and_the_client_authenticates_everywhere() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    mock.login(&rp).await;
    let par = mock.seen("/par").pop().unwrap();
    assert_eq!(par.param("response_type"), Some("code"));
    for request in mock.seen("/par").iter().chain(&mock.seen("/token")) {
        assert_eq!(request.param("client_id"), Some("client"));
        assert_eq!(request.param("client_secret"), Some("canary-client-secret"));
    }
}

#[tokio::test]
async fn c02_every_login_has_its_own_verifier_and_the_challenge_is_its_hash() {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|config| config.par = Mode::Off);
    let mut challenges = std::collections::HashSet::new();
    for _ in 0..100 {
        let begun = begin(&rp, &LoginHints::default()).await.unwrap();
        let query = query(&begun.url);
        let challenge = query.iter().find(|(name, _)| name == "code_challenge").unwrap().1.clone();
        let hash = ring::digest::digest(
            &ring::digest::SHA256,
            begun.secrets.verifier.expose_secret().as_bytes(),
        );
        assert_eq!(challenge, URL_SAFE_NO_PAD.encode(hash));
        assert!(query.contains(&("code_challenge_method".to_owned(), "S256".to_owned())));
        assert!(!begun.url.as_str().contains(begun.secrets.verifier.expose_secret()));
        challenges.insert(challenge);
    }
    assert_eq!(challenges.len(), 100);
}

#[tokio::test]
async fn c04_with_par_the_browser_carries_client_id_and_request_uri_and_nothing_else() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|config| config.resources = vec!["https://api.example".into()]);
    mock.once("/par", pushed("urn:example:a&b=c"));
    let hints = LoginHints::from_query("login_hint=alice&ui_locales=de").unwrap();
    let begun = begin(&rp, &hints).await.unwrap();
    assert_eq!(
        query(&begun.url),
        [
            ("client_id".to_owned(), "client".to_owned()),
            ("request_uri".to_owned(), "urn:example:a&b=c".to_owned())
        ]
    );
    let par = mock.seen("/par").pop().unwrap();
    assert_eq!(par.param("redirect_uri"), Some(REDIRECT_URI));
    assert_eq!(par.param("state"), Some("state"));
    assert_eq!(par.param("scope"), Some("openid profile email offline_access"));
    assert_eq!(par.param("resource"), Some("https://api.example"));
    assert_eq!(par.param("login_hint"), Some("alice"));
    assert_eq!(par.param("nonce"), Some(begun.secrets.nonce.expose_secret()));
    assert!(par.param("code_challenge").is_some());
    assert!(par.param("request_uri").is_none());
}

#[tokio::test]
async fn c04_without_par_the_same_parameters_go_through_the_browser() {
    let mock = MockAs::start().await;
    mock.metadata(&json!({
        "authorization_endpoint": format!("{}/authorize?policy=b2c", mock.issuer),
    }));
    let rp = mock.relying_party(|config| {
        config.par = Mode::Off;
        config.resources = vec!["https://a.example".into(), "https://b.example".into()];
    });
    let begun = begin(&rp, &LoginHints::default()).await.unwrap();
    let names: Vec<_> = query(&begun.url).into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "policy",
            "response_type",
            "client_id",
            "state",
            "code_challenge",
            "code_challenge_method",
            "redirect_uri",
            "scope",
            "nonce",
            "resource",
            "resource",
            "dpop_jkt",
        ]
    );
    let jkt = begun.secrets.dpop_key.unwrap().thumbprint();
    assert!(begun.url.as_str().ends_with(&jkt));
    assert!(mock.seen("/par").is_empty());
}

#[tokio::test]
async fn c05_every_login_pushes_its_own_request() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    mock.once("/par", pushed("urn:example:1"));
    mock.once("/par", pushed("urn:example:2"));
    let first = begin(&rp, &LoginHints::default()).await.unwrap();
    let second = begin(&rp, &LoginHints::default()).await.unwrap();
    assert!(first.url.as_str().ends_with("urn%3Aexample%3A1"));
    assert!(second.url.as_str().ends_with("urn%3Aexample%3A2"));
    assert_eq!(mock.seen("/par").len(), 2);
}
