//! Owns: the class of claims that are there with another JSON type (RFC 7519 section 4.1). A claim of the wrong
//! type makes the token malformed; to take it for absent is to skip its check.

use serde_json::{Value, json};

use super::Cases;

const TEXTS: &[&str] =
    &["iss", "sub", "jti", "client_id", "azp", "scope", "typ", "token_use", "acr"];
const DATES: &[&str] = &["exp", "nbf", "iat", "auth_time"];

pub(super) fn cases(c: &mut Cases<'_>) {
    let now = c.scene.issuer.now();
    for claim in TEXTS {
        for (name, value) in [
            ("null", Value::Null),
            ("number", json!(1)),
            ("true", json!(true)),
            ("array", json!(["x"])),
            ("object", json!({"x": 1})),
        ] {
            refuse(c, claim, name, value);
        }
    }
    for claim in DATES {
        for (name, value) in [
            ("null", Value::Null),
            ("text", json!((now + 300).to_string())),
            ("empty-text", json!("")),
            ("iso-text", json!("2027-01-15T08:00:00Z")),
            ("true", json!(true)),
            ("false", json!(false)),
            ("array", json!([now])),
            ("object", json!({"seconds": now})),
        ] {
            refuse(c, claim, name, value);
        }
    }
    for (name, value) in
        [("null", Value::Null), ("number", json!(1)), ("true", json!(true)), ("object", json!({}))]
    {
        refuse(c, "aud", name, value);
    }
    for (name, value) in [
        ("null", Value::Null),
        ("number", json!(1)),
        ("object", json!({})),
        ("array-of-numbers", json!([1])),
    ] {
        refuse(c, "scp", name, value);
    }
    subjects(c);
}

fn refuse(c: &mut Cases<'_>, claim: &str, kind: &str, value: Value) {
    let name = format!("claim-{}-of-type-{kind}", claim.replace('_', "-"));
    c.refuse(name, &c.mint().claim(claim, value).sign(), "claims_malformed");
}

fn subjects(c: &mut Cases<'_>) {
    c.refuse("claim-sub-missing", &c.mint().without("sub").sign(), "subject_missing");
    c.refuse("claim-sub-empty", &c.mint().subject("").sign(), "subject_missing");
    for (name, subject) in [
        ("of-another-script", "\u{430}lice \u{2603}".to_owned()),
        ("with-nul", "alice\0admin".to_owned()),
        ("long", "a".repeat(2_000)),
    ] {
        c.accept(format!("claim-sub-{name}"), &c.mint().subject(&subject).sign());
    }
    for claim in ["jti", "client_id"] {
        let name = format!("claim-{}-missing", claim.replace('_', "-"));
        c.accept(name, &c.mint().without(claim).sign());
    }
    c.accept("claim-nobody-reads-of-any-type", &c.mint().claim("x", json!([null, {}])).sign());
}
