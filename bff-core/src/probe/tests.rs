use super::*;
use crate::testing::World;

fn document(more: &str) -> Document {
    let text = format!(
        "{{\"issuer\":\"https://idp.example\",\"authorization_endpoint\":\"https://idp.example/a\",\
         \"token_endpoint\":\"https://idp.example/t\",\"jwks_uri\":\"https://idp.example/jwks\"{more}}}"
    );
    serde_json::from_str(&text).unwrap()
}

fn told(more: &str) -> String {
    report(&document(more), Ok(Some(vec!["EC ES256".to_owned(), "RSA RS256".to_owned()])))
}

const EVERYTHING: &str = ",\"pushed_authorization_request_endpoint\":\"https://idp.example/par\",\
    \"dpop_signing_alg_values_supported\":[\"ES256\",\"PS256\"],\
    \"code_challenge_methods_supported\":[\"S256\"],\
    \"authorization_response_iss_parameter_supported\":true,\
    \"token_endpoint_auth_methods_supported\":[\"private_key_jwt\",\"client_secret_basic\"],\
    \"grant_types_supported\":[\"authorization_code\",\"refresh_token\",\
    \"urn:ietf:params:oauth:grant-type:token-exchange\"],\
    \"scopes_supported\":[\"openid\",\"offline_access\"],\
    \"id_token_signing_alg_values_supported\":[\"ES256\"],\
    \"response_modes_supported\":[\"query\",\"jwt\"],\
    \"revocation_endpoint\":\"https://idp.example/r\",\
    \"end_session_endpoint\":\"https://idp.example/e\",\
    \"backchannel_logout_supported\":true,\"backchannel_logout_session_supported\":true";

#[test]
fn an_issuer_that_offers_everything_gets_the_strictest_settings() {
    insta::assert_snapshot!(told(EVERYTHING));
}

#[test]
fn an_issuer_that_says_little_is_told_what_to_mind() {
    insta::assert_snapshot!(told(""));
}

#[test]
fn an_issuer_in_between_gets_what_it_offers() {
    insta::assert_snapshot!(told(
        ",\"token_endpoint_auth_methods_supported\":[\"client_secret_post\"],\
         \"pushed_authorization_request_endpoint\":\"https://idp.example/par\",\
         \"require_pushed_authorization_requests\":true,\"require_signed_request_object\":true,\
         \"code_challenge_methods_supported\":[\"plain\"],\"scopes_supported\":[\"openid\"],\
         \"id_token_signing_alg_values_supported\":[\"HS256\"]"
    ));
}

#[test]
fn what_is_no_issuer_is_not_asked() {
    for bad in [
        "idp.example",
        "http://idp.example",
        "https://idp.example?x=1",
        "https://idp.example#x",
        "https://user@idp.example",
        "file:///etc/passwd",
    ] {
        let error = document_url(bad).unwrap_err();
        assert!(matches!(error, ProbeError::Address(_)), "{bad}: {error}");
    }
    let url = document_url("https://idp.example/realms/one/").unwrap();
    let expected = "https://idp.example/realms/one/.well-known/openid-configuration";
    assert_eq!(url.as_str(), expected);
}

#[tokio::test]
async fn c04_an_issuer_is_compared_to_the_letter() {
    let world = World::with(&[]).await;
    let issuer = &world.idp.issuer;
    let told = probe(issuer, None).await.unwrap();
    assert!(told.contains(&format!("  OIDC_ISSUER={issuer}\n")), "{told}");
    let error = probe(&format!("{issuer}/"), None).await.unwrap_err();
    assert!(matches!(&error, ProbeError::Odd { reason, .. } if reason.contains(issuer)), "{error}");
    let error = probe("http://127.0.0.1:1", None).await.unwrap_err();
    assert!(matches!(error, ProbeError::Away { .. }), "{error}");
}
