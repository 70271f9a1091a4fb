use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::super::endpoint::Answer;
use super::*;

fn parse(body: &Value) -> Result<TokenSet, &'static str> {
    let answer = Answer::ok(body.to_string().into_bytes());
    let profile = Profile::Open;
    let binding = Binding { dpop: Mode::Auto, proved: true, certificate: false, profile };
    TokenSet::parse(&answer, binding).map_err(|error| error.reason())
}

#[test]
fn c57_expires_in_may_be_missing_or_spelled_in_several_ways() {
    for (value, expected) in [
        (json!(300), Some(300)),
        (json!(300.9), Some(300)),
        (json!("300"), Some(300)),
        (json!(null), None),
        (json!(0), Some(0)),
        // Nonsense is "expired", never "for ever".
        (json!(-5), Some(0)),
        (json!("soon"), Some(0)),
        (json!([300]), Some(0)),
        (json!(1e300), Some(0)),
    ] {
        let body = json!({ "access_token": "a", "token_type": "Bearer", "expires_in": value });
        assert_eq!(parse(&body).unwrap().expires_in, expected, "{value}");
    }
    let body = json!({ "access_token": "a", "token_type": "Bearer" });
    assert_eq!(parse(&body).unwrap().expires_in, None);
}

#[test]
fn c32_token_type_is_required_and_compared_without_case() {
    for (type_, expected) in [
        (json!("bearer"), Ok(TokenType::Bearer)),
        (json!("BEARER"), Ok(TokenType::Bearer)),
        (json!("DPoP"), Ok(TokenType::Dpop)),
        (json!("dpop"), Ok(TokenType::Dpop)),
        (json!("Bearer "), Err("token_type_unknown")),
        (json!("N_A"), Err("token_type_unknown")),
        (json!(null), Err("token_response_malformed")),
    ] {
        let body = json!({ "access_token": "a", "token_type": type_ });
        assert_eq!(parse(&body).map(|set| set.token_type), expected, "{type_}");
    }
    assert_eq!(parse(&json!({ "access_token": "a" })).unwrap_err(), "token_response_malformed");
}

#[test]
fn a_token_that_no_header_can_carry_is_refused() {
    for bad in ["", "a\r\nX-Evil: 1", "a\u{e9}"] {
        let body = json!({ "access_token": bad, "token_type": "Bearer" });
        assert_eq!(parse(&body).unwrap_err(), "token_malformed");
        let body = json!({ "access_token": "a", "token_type": "Bearer", "refresh_token": bad });
        assert_eq!(parse(&body).unwrap_err(), "token_malformed");
    }
}

#[test]
fn unknown_members_are_ignored_and_scope_is_kept() {
    let body = json!({
        "access_token": "a", "token_type": "Bearer", "scope": "openid orders:read",
        "refresh_expires_in": 1800, "session_state": "x", "refresh_token": null,
    });
    let set = parse(&body).unwrap();
    assert_eq!(set.access_token.expose_secret(), "a");
    assert_eq!(set.scope.as_deref(), Some("openid orders:read"));
    assert!(set.refresh_token.is_none());
}

#[test]
fn t19_a_token_response_that_is_no_object_in_utf_8_is_refused() {
    for body in [
        &br#"["a","Bearer",null,null,null,null]"#[..],
        b"{\"access_token\":\"a\",\"token_type\":\"Bearer\",\"other\":\"\xff\"}",
    ] {
        let binding =
            Binding { dpop: Mode::Auto, proved: false, certificate: false, profile: Profile::Open };
        let parsed = TokenSet::parse(&Answer::ok(body.to_vec()), binding);
        assert_eq!(parsed.unwrap_err().reason(), "token_response_malformed");
    }
}
