use std::time::Duration;

use serde_json::json;

use super::super::mock::{MockAs, NOW, Reply};
use super::*;

#[tokio::test]
async fn c74_a_revocation_names_the_token_its_kind_and_the_client() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    mock.once("/revoke", Reply::text(200, "text/plain", ""));
    let token = SecretString::from("refresh".to_owned());
    assert!(rp.revoke(&token, TokenKind::Refresh, NOW).await.unwrap());
    let request = mock.seen("/revoke").pop().unwrap();
    assert_eq!(request.param("token"), Some("refresh"));
    assert_eq!(request.param("token_type_hint"), Some("refresh_token"));
    assert_eq!(request.param("client_id"), Some("client"));
    assert!(request.param("client_secret").is_some());
}

#[tokio::test]
async fn c74_a_revocation_that_hangs_is_given_up_in_time() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|config| config.http_timeout = Duration::from_millis(300));
    mock.once("/revoke", Reply::Hang);
    let token = SecretString::from("t".to_owned());
    let error = rp.revoke(&token, TokenKind::Access, NOW).await.unwrap_err();
    assert_eq!(error.reason(), "timeout");
    assert!(error.is_unavailable());
}

#[tokio::test]
async fn an_issuer_without_revocation_is_not_called() {
    let mock = MockAs::start().await;
    mock.metadata(&json!({ "revocation_endpoint": null }));
    let rp = mock.relying_party(|_| {});
    let token = SecretString::from("t".to_owned());
    assert!(!rp.revoke(&token, TokenKind::Access, NOW).await.unwrap());
    assert!(mock.seen("/revoke").is_empty());
}
