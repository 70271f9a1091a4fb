use serde_json::json;

use super::super::RelyingParty;
use super::super::mock::{ACCESS_TOKEN, MockAs, NOW, Reply};
use super::*;

async fn ask(mock: &MockAs, rp: &RelyingParty) -> Result<Option<Map<String, Value>>, OidcError> {
    let done = mock.login(rp).await;
    rp.userinfo(&done.tokens, done.dpop_key.as_ref(), "alice", NOW).await
}

#[tokio::test]
async fn c18_userinfo_about_somebody_else_is_refused() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    for (body, outcome) in [
        (json!({ "sub": "alice", "name": "Alice" }), None),
        (json!({ "sub": "mallory" }), Some("userinfo_sub_mismatch")),
        (json!({ "name": "Alice" }), Some("userinfo_sub_mismatch")),
        (json!({ "sub": ["alice"] }), Some("userinfo_sub_mismatch")),
        (json!([]), Some("userinfo_malformed")),
    ] {
        mock.once("/userinfo", Reply::json(200, body.clone()));
        let error = ask(&mock, &rp).await.err().map(|error| error.reason());
        assert_eq!(error, outcome, "{body}");
    }
    mock.once("/userinfo", Reply::text(200, "application/jwt", "a.b.c"));
    assert_eq!(ask(&mock, &rp).await.unwrap_err().reason(), "userinfo_not_json");
}

#[tokio::test]
async fn c29_userinfo_takes_a_nonce_of_its_own_with_one_retry() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    let challenge = Reply::text(401, "text/plain", "")
        .with("www-authenticate", "DPoP algs=\"ES256\", error=\"use_dpop_nonce\"")
        .with("dpop-nonce", "resource-nonce");
    mock.once("/userinfo", challenge.clone());
    mock.once("/userinfo", Reply::json(200, json!({ "sub": "alice" })));
    assert!(ask(&mock, &rp).await.unwrap().is_some());
    let requests = mock.seen("/userinfo");
    let authorization = requests[1].headers["authorization"].to_str().unwrap();
    assert_eq!(authorization, format!("DPoP {ACCESS_TOKEN}"));
    let (_, claims) = requests[1].proof().unwrap();
    assert_eq!(claims["nonce"], "resource-nonce");
    assert_eq!(claims["htm"], "GET");
    assert!(claims["ath"].is_string());
    // The token endpoint of the same origin is not told.
    mock.login(&rp).await;
    assert!(mock.seen("/token").pop().unwrap().proof().unwrap().1.get("nonce").is_none());

    mock.always("/userinfo", challenge);
    assert!(ask(&mock, &rp).await.is_err());
    assert_eq!(mock.seen("/userinfo").len(), 4);
}

#[tokio::test]
async fn an_issuer_without_userinfo_is_not_called() {
    let mock = MockAs::start().await;
    mock.metadata(&json!({ "userinfo_endpoint": null }));
    let rp = mock.relying_party(|_| {});
    assert!(ask(&mock, &rp).await.unwrap().is_none());
}
