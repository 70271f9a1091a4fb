//! What an operator is told of a token.

use serde_json::{Value, json};

use super::{builder, validator};
use crate::algorithm::Algorithm;
use crate::revocation::{LocalDenylist, WhenUnknown};
use crate::testkit::{ISSUER, NOW, Signer, key_set};
use crate::validator::Validator;

/// The checks that would refuse `token`, with their reasons.
async fn refused(validator: &Validator, token: &str) -> Vec<(&'static str, &'static str)> {
    let told = validator.explain(token).await;
    told.steps().iter().filter_map(|step| Some((step.check, step.refused?))).collect()
}

#[tokio::test]
async fn every_check_tells_what_it_makes_of_a_token_also_behind_the_first_that_fails() {
    let (ours, stranger) = (Signer::new(Algorithm::ES256), Signer::new(Algorithm::ES256));
    let validator = validator(&ours);
    let good = validator.explain(&ours.access_token("k", json!({}))).await;
    assert!(good.is_good());
    assert_eq!(
        good.to_string(),
        "ok  form        alg ES256, kid \"k\", typ \"at+jwt\"\n\
         ok  signature   good, by ES256\n\
         ok  type        Rfc9068 wants a header of its type\n\
         ok  issuer      iss \"https://auth.example.com\"\n\
         ok  audience    aud \"https://api.example.com\"\n\
         ok  kind        claims of an access token\n\
         ok  lifetime    exp in 300 s\n\
         ok  subject     sub\n\
         ok  binding     bound to nothing\n"
    );
    let wrong = json!({"aud": "x", "exp": NOW - 90, "sub": "", "cnf": {"jkt": "k"}});
    assert_eq!(
        refused(&validator, &stranger.access_token("k", wrong)).await,
        [
            ("signature", "signature"),
            ("audience", "audience"),
            ("lifetime", "expired"),
            ("subject", "subject_missing"),
            ("binding", "binding_unsupported"),
        ]
    );
    let unnamed = stranger.access_token("other", json!({}));
    assert_eq!(refused(&validator, &unnamed).await, [("signature", "key_unknown")]);
    for (token, expected) in [
        ("", ("form", "token_not_three_parts")),
        ("a.b.c.d.e", ("form", "token_encrypted")),
        ("e30.e30.AA", ("form", "token_header")),
    ] {
        assert_eq!(refused(&validator, token).await, [expected], "{token}");
    }
}

#[tokio::test]
async fn a_revoked_token_is_said_to_be_revoked() {
    let signer = Signer::new(Algorithm::ES256);
    let list = LocalDenylist::default();
    list.deny_token(ISSUER, "t1", NOW + 60, NOW);
    let keys = key_set(&[signer.jwk("k")]);
    let validator = builder().denylist(list, WhenUnknown::Refuse).with_keys(keys).unwrap();
    let token = signer.access_token("k", json!({}));
    assert_eq!(refused(&validator, &token).await, [("revocation", "revoked")]);
}

#[tokio::test]
async fn t18_an_explanation_holds_no_secret_and_no_line_of_a_senders_own() {
    let signer = Signer::new(Algorithm::ES256);
    let hostile = "x\u{1b}[31m\r\nok  signature   good".repeat(20);
    let claims =
        json!({"sub": "canary-subject", "iss": ISSUER, "aud": hostile, "jti": "canary-id"});
    let header = json!({"alg": "ES256", "typ": hostile, "kid": hostile});
    let token = signer.sign(&header, &claims);
    let text = validator(&signer).explain(&token).await.to_string();
    let payload = token.split('.').nth(1).unwrap();
    for secret in ["canary", payload, &token, "\u{1b}", "\r"] {
        assert!(!text.contains(secret), "{text}");
    }
    assert!(text.lines().all(|line| line.starts_with("ok  ") || line.starts_with("NO  ")));
    assert!(!text.lines().any(|line| line.starts_with("ok  signature")));
    let _: Value = claims;
}
