use serde_json::json;

use super::super::mock::{MockAs, NOW};
use super::*;

#[tokio::test]
async fn c73_the_logout_address_names_us_and_carries_hint_redirect_and_state() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    let request = EndSession {
        id_token_hint: Some("a.b.c"),
        post_logout_redirect_uri: Some("https://app.example/auth/login?x=1&y=2"),
        state: Some("s"),
    };
    let logout = rp.end_session(&request, NOW).await.unwrap().unwrap();
    let url = logout.url();
    let query: Vec<_> = url.query_pairs().into_owned().collect();
    let expected = [
        ("id_token_hint", "a.b.c"),
        ("client_id", "client"),
        ("post_logout_redirect_uri", "https://app.example/auth/login?x=1&y=2"),
        ("state", "s"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(query, expected);
    let posted: Vec<_> =
        logout.parameters().iter().map(|(n, v)| ((*n).to_owned(), v.clone())).collect();
    assert_eq!((posted, logout.endpoint().query()), (query, None));
    assert!(!format!("{request:?}{logout:?}").contains("a.b.c"));
}

#[tokio::test]
async fn c73_without_a_hint_the_issuer_still_learns_which_client_asks() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    let request = EndSession { state: Some("s"), ..EndSession::default() };
    let logout = rp.end_session(&request, NOW).await.unwrap().unwrap();
    assert_eq!(logout.url().query(), Some("client_id=client"));
}

#[tokio::test]
async fn an_issuer_without_logout_has_no_such_address() {
    let mock = MockAs::start().await;
    mock.metadata(&json!({ "end_session_endpoint": null }));
    let rp = mock.relying_party(|_| {});
    assert!(rp.end_session(&EndSession::default(), NOW).await.unwrap().is_none());
}
