use secrecy::ExposeSecret;

use super::*;

fn refused(query: &str) -> &'static str {
    AuthorizationResponse::parse(query).unwrap_err().reason()
}

fn plain(response: AuthorizationResponse) -> Plain {
    match response.answer {
        Answer::Plain(plain) => plain,
        Answer::Signed(_) => panic!("signed"),
    }
}

#[test]
fn c11_a_parameter_that_is_there_twice_is_refused_even_with_one_value() {
    for name in ["state", "code", "iss", "error", "response"] {
        let query = format!("state=s&code=c&{name}=x&{name}=x");
        assert_eq!(refused(&query), "duplicate_parameter", "{name}");
    }
    assert_eq!(refused("code=c&st%61te=1&state=1"), "duplicate_parameter");
}

#[test]
fn a_response_is_a_code_or_an_error_and_not_both() {
    for query in ["", "state=s", "code=&state=s", "code=c&error=access_denied", "CODE=c"] {
        assert_eq!(refused(query), "neither_code_nor_error", "{query}");
    }
    assert_eq!(refused(&"x".repeat(MAX_RESPONSE + 1)), "response_too_long");
    for beside in ["code=c", "error=access_denied", "state=s"] {
        assert_eq!(refused(&format!("response=jwt&{beside}")), "more_than_a_signed_response");
    }
}

#[test]
fn parameters_nobody_asked_for_are_ignored_also_when_repeated() {
    let query = "code=c&state=s%20t&session_state=1&session_state=2&scope=a";
    let response = AuthorizationResponse::parse(query).unwrap();
    assert_eq!(response.state(), Some("s t"));
    let code = plain(response).into_code("https://idp.example", IssPolicy::Optional).unwrap();
    assert_eq!(code.expose_secret(), "c");
}

#[test]
fn c08_iss_is_compared_character_for_character() {
    for (iss, good) in [
        ("https%3A%2F%2Fidp.example", true),
        ("https://idp.example", true),
        ("https://idp.example/", false),
        ("https://IDP.example", false),
        ("https://idp.example:443", false),
        ("https%253A%252F%252Fidp.example", false),
    ] {
        let response = AuthorizationResponse::parse(&format!("code=c&iss={iss}")).unwrap();
        let outcome = plain(response).into_code("https://idp.example", IssPolicy::Required);
        assert_eq!(outcome.is_ok(), good, "{iss}");
    }
}

#[test]
fn the_state_of_a_signed_response_is_found_before_it_is_checked() {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let payload = URL_SAFE_NO_PAD.encode(r#"{"state":"s","code":"c"}"#);
    let response = AuthorizationResponse::parse(&format!("response=e30.{payload}.AA")).unwrap();
    assert_eq!(response.state(), Some("s"));
    for jwt in ["", "x", "e30.e30.AA", "e30.!!.AA", "a.b.c.d.e"] {
        let response = AuthorizationResponse::parse(&format!("response={jwt}")).unwrap();
        assert_eq!(response.state(), None, "{jwt}");
    }
}
