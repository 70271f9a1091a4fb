use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::oidc::mock::MockAs;
use crate::oidc::token::TokenType;
use crate::oidc::{Mode, Profile};

const AUDIENCE: &str = "https://orders.internal";

fn jwt(payload: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.c2ln", part(&json!({ "alg": "ES256" })), part(payload))
}

fn tokens(access_token: &str, token_type: TokenType) -> TokenSet {
    TokenSet {
        access_token: access_token.into(),
        refresh_token: None,
        id_token: None,
        token_type,
        sender_constrained: token_type == TokenType::Dpop,
        scope: None,
        expires_in: None,
    }
}

#[tokio::test]
async fn t07_a_token_that_says_to_be_for_more_than_the_service_is_not_for_it() {
    let mock = MockAs::start().await;
    let party = mock.relying_party(|_| {});
    let of = |token: &str| {
        party.check_service_token(&tokens(token, TokenType::Bearer), AUDIENCE, &"broad".into())
    };
    for aud in [json!(AUDIENCE), json!([AUDIENCE]), json!([AUDIENCE, AUDIENCE])] {
        assert_eq!(of(&jwt(&json!({ "aud": aud }))), Ok(()), "{aud}");
    }
    for payload in [
        json!({ "aud": "https://orders.internal/" }),
        json!({ "aud": [AUDIENCE, "https://bills.internal"] }),
        json!({ "aud": [AUDIENCE, 7] }),
        json!({ "aud": [] }),
        json!({ "aud": null }),
        json!({ "aud": { "0": AUDIENCE } }),
        json!({}),
    ] {
        assert_eq!(of(&jwt(&payload)), Err("audience_not_asked_for"), "{payload}");
    }
    assert_eq!(of("broad"), Err("resource_ignored"));
    for opaque in ["opaque", "a.b.c", "e30.e30.", "v1.local.xyz", "a.b.c.d.e"] {
        assert_eq!(of(opaque), Ok(()), "{opaque}");
    }
}

#[tokio::test]
async fn c26_a_token_for_a_service_is_bound_as_the_settings_want_it() {
    let mock = MockAs::start().await;
    for (dpop, profile, bearer) in [
        (Mode::Auto, Profile::Open, Ok(())),
        (Mode::Required, Profile::Open, Err("token_not_sender_constrained")),
    ] {
        let party = mock.relying_party(|config| (config.dpop, config.profile) = (dpop, profile));
        let of = |kind| party.check_service_token(&tokens("x", kind), AUDIENCE, &"broad".into());
        assert_eq!(of(TokenType::Bearer), bearer);
        assert_eq!(of(TokenType::Dpop), Ok(()));
    }
}

#[test]
fn a_resource_is_an_absolute_uri_without_a_fragment() {
    for good in ["https://api.example", "https://api.example/a?b=c", "urn:example:orders"] {
        assert!(is_resource(good), "{good}");
    }
    for bad in ["", "orders", "/orders", "//api.example", "https://api.example/#part"] {
        assert!(!is_resource(bad), "{bad}");
    }
}

proptest! {
    #[test]
    fn t17_no_token_makes_it_panic(token in r"[A-Za-z0-9_.=-]{0,80}|\PC{0,40}") {
        let _ = claims(&token);
    }
}
