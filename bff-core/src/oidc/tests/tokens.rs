//! Token responses that are not by the book (class T19).

use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::super::mock::{ACCESS_TOKEN, MockAs, NOW, Reply, refresh_of, tokens};
use super::super::{OidcError, RefreshError};
use super::reason;

async fn answered(body: impl FnOnce(&str) -> String) -> Result<(), OidcError> {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    let begun = mock.begin(&rp).await;
    let id_token = mock.id_token(begun.secrets.nonce.expose_secret(), &json!({}));
    mock.once("/token", Reply::text(200, "application/json", &body(&id_token)));
    rp.finish_login(mock.response("code"), begun.secrets, NOW).await.map(drop)
}

#[tokio::test]
async fn t19_a_token_response_with_a_member_twice_is_refused() {
    for (name, value) in [
        ("access_token", "\"other\""),
        ("token_type", "\"DPoP\""),
        ("refresh_token", "\"other\""),
        ("id_token", "\"a.b.c\""),
        ("expires_in", "1"),
        ("scope", "\"admin\""),
    ] {
        let outcome = answered(|id_token| {
            let mut body = tokens("DPoP", id_token);
            body["scope"] = json!("openid");
            let text = body.to_string();
            text.replacen('{', &format!(r#"{{"{name}":{value},"#), 1)
        });
        assert_eq!(reason(outcome.await), "token_response_malformed", "{name}");
    }
}

#[tokio::test]
async fn t19_a_token_response_without_token_type_is_refused() {
    for value in [None, Some(Value::Null), Some(json!(["DPoP"])), Some(json!(""))] {
        let outcome = answered(|id_token| {
            let mut body = tokens("DPoP", id_token);
            match &value {
                None => drop(body.as_object_mut().unwrap().remove("token_type")),
                Some(value) => body["token_type"] = value.clone(),
            }
            body.to_string()
        });
        let refused = reason(outcome.await);
        assert!(["token_response_malformed", "token_type_unknown"].contains(&refused), "{value:?}");
    }
}

#[tokio::test]
async fn t19_an_id_token_with_a_claim_twice_is_refused() {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    let begun = mock.begin(&rp).await;
    let nonce = begun.secrets.nonce.expose_secret();
    let good = mock.id_token(nonce, &json!({}));
    let (head, rest) = good.split_once('.').unwrap();
    let claims = rest.split('.').next().unwrap();
    let claims = String::from_utf8(URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    let twice = claims.replacen('{', r#"{"sub":"mallory","#, 1);
    let token = mock.sign_text(&format!("{head}.{}", URL_SAFE_NO_PAD.encode(twice)));
    mock.once("/token", Reply::json(200, tokens("DPoP", &token)));
    let outcome = rp.finish_login(mock.response("code"), begun.secrets, NOW).await;
    assert_eq!(reason(outcome), "id_token_claims_malformed");
}

#[tokio::test]
async fn t19_c57_refreshed_tokens_of_another_subject_are_refused() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    let old = "old".to_owned().into();
    for (claims, good) in [
        (json!({}), true),
        (json!({ "nonce": null }), true),
        (json!({ "sub": "mallory" }), false),
        (json!({ "sub": null }), false),
        (json!({ "iat": null }), false),
        (json!({ "exp": null }), false),
    ] {
        let id_token = mock.id_token("n", &claims);
        mock.once("/token", Reply::json(200, tokens("DPoP", &id_token)));
        let outcome = rp.refresh(&refresh_of(&old, None), NOW).await;
        match outcome {
            Ok(fresh) => {
                assert!(good, "{claims}");
                assert_eq!(fresh.tokens.access_token.expose_secret(), ACCESS_TOKEN);
            }
            Err(error) => {
                assert!(!good && matches!(error, RefreshError::Contradiction(_)), "{claims}");
            }
        }
    }
}

#[tokio::test]
async fn t19_a_userinfo_answer_with_two_subjects_is_refused() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    let done = mock.login(&rp).await;
    let body = r#"{"sub":"mallory","sub":"alice"}"#;
    mock.once("/userinfo", Reply::text(200, "application/json", body));
    let outcome = rp.userinfo(&done.tokens, done.dpop_key.as_ref(), "alice", NOW).await;
    assert_eq!(reason(outcome), "userinfo_malformed");
}

#[tokio::test]
async fn t19_metadata_with_an_endpoint_twice_is_refused() {
    let mock = MockAs::start().await;
    let body = format!(
        r#"{{"issuer":"{0}","authorization_endpoint":"{0}/a","token_endpoint":"{0}/t",
            "token_endpoint":"https://evil.example/t","jwks_uri":"{0}/j"}}"#,
        mock.issuer
    );
    let path = "/.well-known/openid-configuration";
    mock.always(path, Reply::text(200, "application/json", &body));
    let rp = mock.relying_party(|_| {});
    assert_eq!(reason(rp.check_health().await), "discovery_malformed");
}
