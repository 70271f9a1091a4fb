use serde_json::json;

use super::date::LAST_DATE;
use super::{AccessClaims, NumericDate, OneOrMany, strings_at};

#[test]
fn a_date_is_a_number_in_range_and_nothing_else() {
    let read = |text: &str| serde_json::from_str::<NumericDate>(text).ok();
    assert_eq!(read("0"), Some(NumericDate(0)));
    assert_eq!(read("1700000000"), Some(NumericDate(1_700_000_000)));
    assert_eq!(read("1700000000.9"), Some(NumericDate(1_700_000_000)));
    assert_eq!(read("1.7e9"), Some(NumericDate(1_700_000_000)));
    assert_eq!(read(&LAST_DATE.to_string()), Some(NumericDate(LAST_DATE)));
    for text in [
        "-1",
        "-0.5",
        "1e300",
        "253402300800",
        "9223372036854775808",
        "18446744073709551616",
        "\"1700000000\"",
        "null",
        "true",
        "[1]",
        "{}",
    ] {
        assert_eq!(read(text), None, "{text}");
    }
}

#[test]
fn an_audience_is_a_string_or_strings() {
    fn read(text: &str) -> Option<Vec<String>> {
        let read: OneOrMany<'_> = serde_json::from_str(text).ok()?;
        Some(read.iter().map(str::to_owned).collect())
    }
    assert_eq!(read("\"a\""), Some(vec!["a".to_owned()]));
    assert_eq!(read("\"\\u0061\""), Some(vec!["a".to_owned()]));
    assert_eq!(read("[\"a\",\"b\"]").unwrap(), ["a", "b"]);
    for text in ["null", "1", "[1]", "[\"a\",null]", "[[\"a\"]]", "{\"a\":1}"] {
        assert_eq!(read(text), None, "{text}");
    }
}

#[test]
fn a_null_claim_is_of_the_wrong_type() {
    for claim in ["sub", "aud", "exp", "nbf", "iat", "jti", "scope", "scp", "cnf", "typ"] {
        let claims = json!({"iss": "i", claim: null}).to_string();
        assert!(serde_json::from_str::<AccessClaims<'_>>(&claims).is_err(), "{claim}");
    }
}

#[test]
fn roles_are_found_by_name_or_by_path() {
    let claims = json!({
        "realm_access": {"roles": ["a", 1, "b"]},
        "resource_access": {"api.example.com": {"roles": ["c"]}},
        "https://example.com/roles": "d",
    });
    assert_eq!(strings_at(&claims, "realm_access.roles"), ["a", "b"]);
    assert_eq!(strings_at(&claims, "resource_access.api.example.com.roles"), ["c"]);
    assert_eq!(strings_at(&claims, "https://example.com/roles"), ["d"]);
    for path in ["", ".", "realm_access", "realm_access.", "realm_access.roles.0", "none.x"] {
        assert!(strings_at(&claims, path).is_empty(), "{path}");
    }
}
