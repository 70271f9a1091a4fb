use super::*;

fn status(status: u16, body: &str) -> OidcError {
    refusal(Endpoint::Token, StatusCode::from_u16(status).unwrap(), body.as_bytes())
}

#[test]
fn c55_an_error_code_counts_only_as_the_json_member_of_a_4xx() {
    for (code, body, expected) in [
        (400, r#"{"error":"invalid_grant"}"#, "invalid_grant"),
        (400, r#"{"error":"INVALID_GRANT"}"#, "other"),
        (400, r#"{"error":["invalid_grant"]}"#, "other"),
        (400, r#"{"error_description":"invalid_grant"}"#, "other"),
        (400, "invalid_grant", "other"),
        (400, "", "other"),
        (500, r#"{"error":"invalid_grant"}"#, "idp_busy"),
        (429, r#"{"error":"invalid_grant"}"#, "idp_busy"),
        (408, r#"{"error":"invalid_grant"}"#, "idp_busy"),
        (302, r#"{"error":"invalid_grant"}"#, "unexpected_status"),
    ] {
        assert_eq!(status(code, body).reason(), expected, "{code} {body}");
    }
}

#[test]
fn a_description_from_the_other_side_is_not_repeated() {
    let error = status(400, r#"{"error":"canary","error_description":"canary"}"#);
    assert!(!format!("{error} {error:?} {}", error.reason()).contains("canary"));
}
