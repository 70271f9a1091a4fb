//! The other answers of the issuer: to the browser, at the token endpoint, at userinfo.

use super::*;

async fn answered(query: &str) -> (Outcome, usize) {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    let begun = mock.begin(&rp).await;
    let response = AuthorizationResponse::parse(query).unwrap();
    let outcome = rp.finish_login(response, begun.secrets, NOW).await;
    (outcome, mock.seen("/token").len())
}

#[tokio::test]
async fn c08_invalid_authorization_response_iss() {
    for outcome in ["code=code", "error=access_denied"] {
        let query = format!("state=state&{outcome}&iss=https%3A%2F%2Fevil.example");
        let (outcome, spent) = answered(&query).await;
        assert_eq!((reason(outcome), spent), ("iss_mismatch", 0));
    }
}

#[tokio::test]
async fn c09_remove_authorization_response_iss() {
    for outcome in ["code=code", "error=access_denied"] {
        let (outcome, spent) = answered(&format!("state=state&{outcome}")).await;
        assert_eq!((reason(outcome), spent), ("iss_missing", 0));
    }
}

/// A login whose token response has these members changed.
async fn with_tokens(changes: Value) -> Outcome {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    let begun = mock.begin(&rp).await;
    let id_token = mock.id_token(begun.secrets.nonce.expose_secret(), &json!({}));
    let mut body = tokens("DPoP", &id_token);
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            body.as_object_mut().unwrap().remove(name);
        } else {
            body[name] = value.clone();
        }
    }
    mock.once("/token", Reply::json(200, body));
    rp.finish_login(mock.response("code"), begun.secrets, NOW).await
}

#[tokio::test]
async fn c18_no_scope_in_token_endpoint_response() {
    assert_eq!(with_tokens(json!({ "scope": null })).await.unwrap().tokens.scope, None);
}

#[tokio::test]
async fn c57_token_endpoint_response_without_expires_in() {
    let done = with_tokens(json!({ "expires_in": null })).await.unwrap();
    assert_eq!(done.tokens.expires_in, None);
}

#[tokio::test]
async fn c32_token_type_case_insensitivity() {
    for (type_, expected) in
        [("dpop", TokenType::Dpop), ("DPOP", TokenType::Dpop), ("bEaReR", TokenType::Bearer)]
    {
        let done = with_tokens(json!({ "token_type": type_ })).await.unwrap();
        assert_eq!(done.tokens.token_type, expected, "{type_}");
    }
}

/// What userinfo says after a login; with DPoP or without.
async fn userinfo(dpop: Mode, replies: Vec<Reply>) -> (MockAs, Result<Value, OidcError>) {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|config| config.dpop = dpop);
    let done = mock.login(&rp).await;
    for reply in replies {
        mock.once("/userinfo", reply);
    }
    let told = rp.userinfo(&done.tokens, done.dpop_key.as_ref(), "alice", NOW).await;
    (mock, told.map(|claims| Value::Object(claims.unwrap())))
}

#[tokio::test]
async fn c18_userinfo_bearer_header() {
    let good = Reply::json(200, json!({ "sub": "alice" }));
    let (mock, told) = userinfo(Mode::Off, vec![good]).await;
    assert_eq!(told.unwrap()["sub"], "alice");
    let request = mock.seen("/userinfo").pop().unwrap();
    assert_eq!(request.headers["authorization"], format!("Bearer {ACCESS_TOKEN}"));
    assert!(request.form.is_empty());
}

#[tokio::test]
async fn c18_userinfo_invalid_sub() {
    let bad = Reply::json(200, json!({ "sub": "mallory" }));
    let (_, told) = userinfo(Mode::Off, vec![bad]).await;
    assert_eq!(reason(told), "userinfo_sub_mismatch");
}

#[tokio::test]
async fn c18_userinfo_signed() {
    // We never register for a signed answer, so one is not what we asked for.
    let signed = Reply::text(200, "application/jwt", "a.b.c");
    let (_, told) = userinfo(Mode::Off, vec![signed]).await;
    assert_eq!(reason(told), "userinfo_not_json");
}

#[tokio::test]
async fn c29_rs_dpop_auth_scheme_case_insensitivity() {
    for scheme in ["DPoP", "dpop", "DPOP"] {
        let challenge = Reply::text(401, "text/plain", "")
            .with("www-authenticate", &format!("{scheme} error=\"use_dpop_nonce\""))
            .with("dpop-nonce", "n");
        let good = Reply::json(200, json!({ "sub": "alice" }));
        let (mock, told) = userinfo(Mode::Required, vec![challenge, good]).await;
        assert!(told.is_ok(), "{scheme}");
        assert_eq!(mock.seen("/userinfo").len(), 2);
    }
}
