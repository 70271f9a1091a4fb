//! The negative matrix of logout tokens, one test a name, by the reason that an operator reads.

mod keys;
mod typ;

use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::json;

use super::super::mock::{MockAs, NOW, Reply};
use super::super::{OidcConfig, RelyingParty};
use super::*;

type Outcome = Result<LogoutToken, &'static str>;

async fn judged(rp: &RelyingParty, compact: &str) -> Outcome {
    rp.logout_token(compact, NOW).await.map_err(|error| match error {
        LogoutTokenError::Refused(reason) => reason,
        LogoutTokenError::Unavailable(error) => panic!("{error}"),
    })
}

/// What becomes of a good token with these claims changed.
async fn with(changes: Value) -> Outcome {
    let mock = MockAs::start().await;
    judged(&mock.relying_party(|_| {}), &mock.logout_token(NOW, &changes)).await
}

/// What becomes of a good token under this header.
async fn under(header: Value) -> Outcome {
    under_set_up(header, |_| {}).await
}

async fn under_set_up(header: Value, change: impl FnOnce(&mut OidcConfig)) -> Outcome {
    let mock = MockAs::start().await;
    let token = mock.sign(&header, &mock.logout_claims(NOW, &json!({})));
    judged(&mock.relying_party(change), &token).await
}

async fn refused(changes: Value, reason: &str) {
    assert_eq!(with(changes.clone()).await.unwrap_err(), reason, "{changes}");
}

#[tokio::test]
async fn c75_a_good_token_says_who_is_logged_out() {
    let token = with(json!({})).await.unwrap();
    let session = |subject| LogoutScope::Session { sid: "idp-session".to_owned(), subject };
    assert!(token.scope == session(Some("alice".to_owned())));
    assert_eq!(token.replayable_for, Duration::from_secs(240));
    assert_eq!(token.name.len(), 43);
    assert!(with(json!({ "sub": null })).await.unwrap().scope == session(None));
    let subject = with(json!({ "sid": null })).await.unwrap().scope;
    assert!(subject == LogoutScope::Subject("alice".to_owned()));
    assert!(!format!("{token:?}{subject:?}").contains("alice"));
}

#[tokio::test]
async fn c75_a_list_of_us_alone_is_us() {
    assert!(with(json!({ "aud": ["client"] })).await.is_ok());
}

#[tokio::test]
async fn c75_times_may_have_fractions_and_the_clocks_two_minutes() {
    assert!(with(json!({ "iat": 1_800_000_000.5, "exp": 1_800_000_060.5 })).await.is_ok());
    assert!(with(json!({ "iat": NOW - 230, "exp": NOW - 110 })).await.is_ok());
    assert!(with(json!({ "iat": NOW + 119, "exp": NOW + 239 })).await.is_ok());
}

#[tokio::test]
async fn c76_tokens_are_told_apart_by_issuer_and_jti() {
    assert_ne!(name("a", "bc"), name("ab", "c"));
    let long = with(json!({ "jti": "j".repeat(4_000) })).await.unwrap();
    assert_eq!(long.name.len(), 43);
}

#[tokio::test]
async fn c77_a_wrong_issuer_is_refused() {
    refused(json!({ "iss": "https://evil.example" }), "logout_token_iss").await;
}

#[tokio::test]
async fn c77_a_missing_issuer_is_refused() {
    refused(json!({ "iss": null }), "logout_token_iss").await;
}

#[tokio::test]
async fn c77_a_wrong_audience_is_refused() {
    refused(json!({ "aud": "other" }), "logout_token_aud").await;
    refused(json!({ "aud": [] }), "logout_token_aud").await;
}

#[tokio::test]
async fn c77_a_missing_audience_is_refused() {
    refused(json!({ "aud": null }), "logout_token_aud").await;
}

#[tokio::test]
async fn c77_an_audience_that_is_not_trusted_is_refused() {
    refused(json!({ "aud": ["client", "other"] }), "logout_token_aud_untrusted").await;
}

#[tokio::test]
async fn c77_a_missing_exp_is_refused() {
    refused(json!({ "exp": null }), "logout_token_exp_missing").await;
}

#[tokio::test]
async fn c77_an_expired_token_is_refused() {
    refused(json!({ "exp": NOW - 120 }), "logout_token_expired").await;
}

#[tokio::test]
async fn c77_a_missing_iat_is_refused() {
    refused(json!({ "iat": null }), "logout_token_iat_missing").await;
}

#[tokio::test]
async fn c77_an_old_iat_is_refused_however_long_the_token_is_good() {
    refused(json!({ "iat": NOW - 420, "exp": NOW + 86_400 }), "logout_token_iat_old").await;
}

#[tokio::test]
async fn c77_an_iat_in_the_future_is_refused() {
    refused(json!({ "iat": NOW + 121, "exp": NOW + 300 }), "logout_token_iat_future").await;
}

#[tokio::test]
async fn c77_a_token_that_is_not_good_yet_is_refused() {
    refused(json!({ "nbf": NOW + 121 }), "logout_token_not_yet_valid").await;
}

#[tokio::test]
async fn c77_a_missing_jti_is_refused() {
    refused(json!({ "jti": null }), "logout_token_jti_missing").await;
    refused(json!({ "jti": "" }), "logout_token_jti_missing").await;
}

#[tokio::test]
async fn c77_missing_events_are_refused() {
    refused(json!({ "events": null }), "logout_token_events_missing").await;
}

#[tokio::test]
async fn c77_other_events_are_refused() {
    refused(json!({ "events": {} }), "logout_token_events").await;
    refused(json!({ "events": { "https://other.example/event": {} } }), "logout_token_events")
        .await;
}

#[tokio::test]
async fn c77_an_event_that_is_no_object_is_refused() {
    for value in [json!(null), json!(true), json!("x"), json!([])] {
        refused(json!({ "events": { EVENT: value } }), "logout_token_events").await;
    }
}

#[tokio::test]
async fn c77_events_that_are_no_object_are_refused() {
    for value in [json!([EVENT]), json!(EVENT)] {
        refused(json!({ "events": value }), "logout_token_claims_malformed").await;
    }
}

#[tokio::test]
async fn c77_a_nonce_is_refused() {
    refused(json!({ "nonce": "n" }), "logout_token_nonce").await;
    let mock = MockAs::start().await;
    let mut claims = mock.logout_claims(NOW, &json!({}));
    claims["nonce"] = Value::Null;
    let token = mock.sign(&json!({ "alg": "ES256", "kid": "k1" }), &claims);
    let outcome = judged(&mock.relying_party(|_| {}), &token).await;
    assert_eq!(outcome.unwrap_err(), "logout_token_nonce");
}

#[tokio::test]
async fn c77_neither_sub_nor_sid_is_refused() {
    refused(json!({ "sub": null, "sid": null }), "logout_token_scope_missing").await;
}

#[tokio::test]
async fn c77_an_empty_sub_or_sid_is_refused() {
    refused(json!({ "sid": "" }), "logout_token_scope_empty").await;
    refused(json!({ "sub": "" }), "logout_token_scope_empty").await;
}

#[tokio::test]
async fn c77_claims_of_the_wrong_type_are_refused() {
    for changes in [
        json!({ "exp": "1800000300" }),
        json!({ "iat": true }),
        json!({ "aud": { "client": 1 } }),
        json!({ "iss": ["x"] }),
        json!({ "jti": 7 }),
        json!({ "sub": 7 }),
        json!({ "sid": {} }),
    ] {
        refused(changes, "logout_token_claims_malformed").await;
    }
}
