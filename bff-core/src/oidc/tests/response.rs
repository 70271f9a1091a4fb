//! The authorization response: who it comes from, and what becomes of one that is not right.

use secrecy::ExposeSecret;
use serde_json::json;

use super::super::mock::{MockAs, NOW, Reply, tokens};
use super::super::{AuthorizationResponse, OAuthCode, OidcError};
use super::reason;

#[tokio::test]
async fn c08_an_iss_that_differs_in_one_character_is_refused_before_the_code_is_sent() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    let begun = mock.begin(&rp).await;
    for iss in [
        "https://evil.example".to_owned(),
        format!("{}/", mock.issuer),
        mock.issuer.replace("http", "HTTP"),
        mock.issuer.to_uppercase(),
        format!("{} ", mock.issuer),
        String::new(),
    ] {
        for outcome in ["code=c", "error=access_denied"] {
            let query = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("state", "state")
                .append_pair("iss", &iss)
                .finish();
            let response = AuthorizationResponse::parse(&format!("{query}&{outcome}")).unwrap();
            let outcome = rp.finish_login(response, begun.secrets.clone(), NOW).await;
            assert_eq!(reason(outcome), "iss_mismatch", "{iss}");
        }
    }
    assert!(mock.seen("/token").is_empty());
}

#[tokio::test]
async fn c09_a_promised_iss_that_is_missing_is_refused_and_one_never_promised_is_not_missed() {
    let mock = MockAs::start().await;
    let promised = mock.relying_party(|_| {});
    let begun = mock.begin(&promised).await;
    let response = || AuthorizationResponse::parse("state=state&code=code").unwrap();
    let outcome = promised.finish_login(response(), begun.secrets, NOW).await;
    assert_eq!(reason(outcome), "iss_missing");
    assert!(mock.seen("/token").is_empty());

    mock.metadata(&json!({ "authorization_response_iss_parameter_supported": null }));
    let strict = mock.relying_party(|config| config.require_iss_parameter = true);
    let begun = mock.begin(&strict).await;
    let outcome = strict.finish_login(response(), begun.secrets, NOW).await;
    assert_eq!(reason(outcome), "iss_missing");

    let lenient = mock.relying_party(|_| {});
    let begun = mock.begin(&lenient).await;
    let id_token = mock.id_token(begun.secrets.nonce.expose_secret(), &json!({}));
    mock.once("/token", Reply::json(200, tokens("DPoP", &id_token)));
    assert!(lenient.finish_login(response(), begun.secrets, NOW).await.is_ok());
}

#[tokio::test]
async fn c10_an_error_response_is_typed_after_its_iss_and_its_description_is_forgotten() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    let begun = mock.begin(&rp).await;
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("iss", &mock.issuer)
        .append_pair("state", "state")
        .append_pair("error", "access_denied")
        .append_pair("error_description", "<script>canary</script>")
        .finish();
    let response = AuthorizationResponse::parse(&query).unwrap();
    let error = rp.finish_login(response, begun.secrets, NOW).await.unwrap_err();
    assert!(matches!(error, OidcError::Denied(denied) if denied.code == OAuthCode::AccessDenied));
    assert!(!format!("{error} {error:?}").contains("canary"));
    assert!(mock.seen("/token").is_empty());
}

#[tokio::test]
async fn t14_a_login_that_began_at_another_issuer_is_not_finished_here() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    let mut begun = mock.begin(&rp).await;
    begun.secrets.issuer = "https://other.example".to_owned();
    let outcome = rp.finish_login(mock.response("code"), begun.secrets, NOW).await;
    assert_eq!(reason(outcome), "login_of_another_issuer");
    assert!(mock.seen("/token").is_empty());
}
