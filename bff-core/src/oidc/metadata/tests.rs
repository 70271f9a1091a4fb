use serde_json::{Value, json};

use super::super::config::{ClientAuth, Mode};
use super::*;

const ISSUER: &str = "https://idp.example/realm";

fn config() -> OidcConfig {
    OidcConfig::new(ISSUER.to_owned(), "client".to_owned(), ClientAuth::None)
}

fn document(changes: &Value) -> Value {
    let mut document = json!({
        "issuer": ISSUER,
        "authorization_endpoint": "https://idp.example/realm/auth",
        "token_endpoint": "https://idp.example/realm/token",
        "jwks_uri": "https://keys.example/jwks",
    });
    document.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    document
}

fn parse(changes: &Value, config: &OidcConfig) -> Result<Metadata, &'static str> {
    Metadata::parse(document(changes).to_string().as_bytes(), config)
        .map_err(|error| error.reason())
}

#[test]
fn c17_the_issuer_must_be_the_configured_one_character_for_character() {
    for issuer in [
        "https://idp.example/realm/",
        "https://idp.example",
        "https://IDP.example/realm",
        "https://idp.example:443/realm",
        "http://idp.example/realm",
        "",
    ] {
        let parsed = parse(&json!({ "issuer": issuer }), &config());
        assert_eq!(parsed.unwrap_err(), "discovery_issuer_mismatch", "{issuer}");
    }
    assert!(parse(&json!({}), &config()).is_ok());
}

#[test]
fn c17_endpoints_that_would_carry_secrets_in_the_clear_are_refused() {
    for name in [
        "authorization_endpoint",
        "token_endpoint",
        "jwks_uri",
        "pushed_authorization_request_endpoint",
        "userinfo_endpoint",
        "revocation_endpoint",
        "end_session_endpoint",
    ] {
        for (url, reason) in [
            ("http://idp.example/x", "endpoint_not_https"),
            ("ftp://idp.example/x", "endpoint_not_https"),
            ("javascript:alert(1)", "endpoint_not_https"),
            ("http://127.0.0.1.evil.example/x", "endpoint_not_https"),
            ("/relative", "endpoint_not_a_url"),
            ("https://user:pass@idp.example/x", "endpoint_not_a_url"),
            ("https://idp.example/x#f", "endpoint_not_a_url"),
        ] {
            assert_eq!(
                parse(&json!({ name: url }), &config()).unwrap_err(),
                reason,
                "{name} {url}"
            );
        }
        for url in ["http://localhost:1/x", "http://127.0.0.9/x", "http://[::1]/x"] {
            assert!(parse(&json!({ name: url }), &config()).is_ok(), "{name} {url}");
        }
    }
}

#[test]
fn c17_a_document_without_what_a_login_needs_is_refused() {
    for name in ["issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"] {
        let mut document = document(&json!({}));
        document.as_object_mut().unwrap().remove(name);
        let parsed = Metadata::parse(document.to_string().as_bytes(), &config());
        assert_eq!(parsed.unwrap_err().reason(), "discovery_malformed", "{name}");
    }
}

#[test]
fn c07_required_pushed_requests_leave_no_other_way() {
    let requires = json!({ "require_pushed_authorization_requests": true });
    let with_endpoint = json!({
        "require_pushed_authorization_requests": true,
        "pushed_authorization_request_endpoint": "https://idp.example/par",
    });
    let mut config = config();
    for (mode, changes, expected) in [
        (Mode::Off, &with_endpoint, Err("par_required_by_issuer")),
        (Mode::Auto, &requires, Err("par_not_offered")),
        (Mode::Required, &json!({}), Err("par_not_offered")),
        (Mode::Auto, &with_endpoint, Ok(true)),
        (Mode::Required, &with_endpoint, Ok(true)),
        (Mode::Auto, &json!({}), Ok(false)),
        (Mode::Off, &json!({}), Ok(false)),
    ] {
        config.par = mode;
        let used = parse(changes, &config).map(|metadata| metadata.par_endpoint().is_some());
        assert_eq!(used, expected, "{mode:?} {changes}");
    }
}

#[test]
fn server_side_calls_move_to_the_internal_origin_and_browser_urls_stay_public() {
    let mut config = config();
    config.internal_base = Some(Url::parse("http://idp.internal:8080/ignored?x=1").unwrap());
    let changes = json!({ "end_session_endpoint": "http://idp.internal:8080/realm/logout?a=b" });
    let metadata = parse(&changes, &config).unwrap();
    let token = metadata.token_endpoint();
    assert_eq!(token.call().as_str(), "http://idp.internal:8080/realm/token");
    assert_eq!(token.public(), "https://idp.example/realm/token");
    assert_eq!(metadata.authorization_endpoint().as_str(), "https://idp.example/realm/auth");
    assert_eq!(
        metadata.end_session_endpoint().unwrap().as_str(),
        "https://idp.example/realm/logout?a=b"
    );
    // Somebody else's host is not ours to move.
    assert_eq!(metadata.jwks().call().as_str(), "https://keys.example/jwks");
}

#[test]
fn the_internal_origin_allows_plain_text_to_itself_alone() {
    let mut config = config();
    config.internal_base = Some(Url::parse("http://idp.internal:8080").unwrap());
    let changes = json!({ "token_endpoint": "http://other.internal/token" });
    assert_eq!(parse(&changes, &config).unwrap_err(), "endpoint_not_https");
    let changes = json!({ "token_endpoint": "http://idp.internal:8080/realm/token" });
    assert!(parse(&changes, &config).is_ok());
}

#[test]
fn dpop_auto_needs_an_offer_of_es256() {
    let mut config = config();
    for (mode, offered, used) in [
        (Mode::Auto, json!(["ES256"]), true),
        (Mode::Auto, json!(["EdDSA"]), false),
        (Mode::Auto, json!([]), false),
        (Mode::Required, json!([]), true),
        (Mode::Off, json!(["ES256"]), false),
    ] {
        config.dpop = mode;
        let metadata = parse(&json!({ "dpop_signing_alg_values_supported": offered }), &config);
        assert_eq!(metadata.unwrap().use_dpop(), used, "{mode:?}");
    }
}
