use super::*;
use serde_json::{Value, json};

use crate::oidc::claims_with;

fn listed(names: &str) -> EdgeClaims {
    read(names).unwrap()
}

fn read(text: &str) -> Result<EdgeClaims, String> {
    let mut settings = Settings::from_pairs([("BFF_EDGE_CLAIMS", text)]);
    let claims = EdgeClaims::read(&mut settings);
    settings.finish(Some(claims)).map(|(claims, _)| claims).map_err(|told| told.to_string())
}

#[expect(clippy::needless_pass_by_value, reason = "tests write it where it is used")]
fn claims(of: Value) -> IdClaims {
    claims_with(of.as_object().unwrap().clone())
}

fn found(part: &[u8], name: &str) -> Option<String> {
    claims::find(part, name).map(text)
}

fn alice() -> IdClaims {
    claims(json!({
        "preferred_username": "alice", "name": "Alice Ä", "email": "alice@example.com",
        "email_verified": true, "org": { "unit": "R&D", "level": 3, "tags": ["a,b", true] },
        "https://claims.example/id": 7, "address": { "street": "x" },
    }))
}

#[test]
fn a_login_tells_its_claims_as_header_text() {
    let names = "org.unit, org.level,org.tags,https://claims.example/id,address,nothing";
    let part = listed(names).of_login(&alice());
    for (name, expected) in [
        ("preferred_username", Some("alice")),
        ("name", Some("Alice %C3%84")),
        ("email", Some("alice@example.com")),
        ("email_verified", Some("true")),
        ("org.unit", Some("R&D")),
        ("org.level", Some("3")),
        ("org.tags", Some("a%2Cb,true")),
        ("https://claims.example/id", Some("7")),
        ("address", None),
        ("nothing", None),
        ("sub", None),
    ] {
        assert_eq!(found(&part, name).as_deref(), expected, "{name}");
    }
    let own = listed("").of_login(&alice());
    assert_eq!(found(&own, "org.unit"), None);
    assert!(EdgeClaims::Off.of_login(&alice()).is_empty());
}

#[test]
fn t09_an_address_counts_as_verified_only_where_that_was_said_of_it() {
    let listed = listed("");
    let verified = |part: &[u8]| found(part, EMAIL_VERIFIED).is_some();
    for (said, expected) in
        [(json!(true), true), (json!("true"), true), (json!(false), false), (json!(1), false)]
    {
        let login = claims(json!({ "email": "a@example.com", "email_verified": said }));
        assert_eq!(verified(&listed.of_login(&login)), expected, "{said}");
    }
    let silent = claims(json!({ "email": "a@example.com" }));
    assert!(!verified(&listed.of_login(&silent)));

    let before = listed.of_login(&alice());
    for (fresh, expected) in [
        (json!({}), true),
        (json!({ "email_verified": true }), true),
        (json!({ "email_verified": false }), false),
        (json!({ "email": "other@example.com" }), false),
        (json!({ "email": "other@example.com", "email_verified": true }), true),
    ] {
        let after = listed.after_refresh(Some(&claims(fresh.clone())), &before);
        assert_eq!(verified(&after), expected, "{fresh}");
    }
    let never = listed.of_login(&silent);
    let after = listed.after_refresh(Some(&claims(json!({ "email_verified": true }))), &never);
    assert!(!verified(&after), "said of no address");
}

#[test]
fn a_refresh_keeps_what_it_does_not_speak_of_and_drops_what_is_not_listed_any_more() {
    let before = listed("org.unit,org.level").of_login(&alice());
    let fresh = claims(json!({ "name": "Alice B", "org": { "unit": "Sales" } }));
    let after = listed("org.unit").after_refresh(Some(&fresh), &before);
    assert_eq!(found(&after, NAME).as_deref(), Some("Alice B"));
    assert_eq!(found(&after, USERNAME).as_deref(), Some("alice"));
    assert_eq!(found(&after, "org.unit").as_deref(), Some("Sales"));
    assert_eq!(found(&after, "org.level"), None);
    assert_eq!(listed("").after_refresh(None, &before), before);
    assert!(EdgeClaims::Off.after_refresh(Some(&fresh), &before).is_empty());
    assert!(EdgeClaims::Off.after_refresh(None, &before).is_empty());
}

#[test]
fn t17_what_is_too_long_is_left_out_as_a_whole() {
    let long = "x".repeat(VALUE_MAX + 1);
    let part = listed("a").of_login(&claims(json!({ "name": long, "a": "kept" })));
    assert_eq!(found(&part, NAME), None);
    assert_eq!(found(&part, "a").as_deref(), Some("kept"));

    let much = "x".repeat(VALUE_MAX);
    let many = claims(json!({ "a": much, "b": much, "c": much, "d": much, "e": "kept" }));
    let part = listed("a,b,c,d,e").of_login(&many);
    assert!(part.len() <= ALL_MAX);
    assert_eq!(found(&part, "d"), None);
    assert_eq!(found(&part, "e").as_deref(), Some("kept"));
}

#[test]
fn t09_a_list_that_cannot_be_meant_is_refused() {
    for bad in ["email", "groups", "a,off", "a..b", ".a", "ä", "a b"] {
        assert!(read(bad).unwrap_err().starts_with("BFF_EDGE_CLAIMS: entry"), "{bad}");
    }
    let many: Vec<String> = (0..17).map(|number| format!("c{number}")).collect();
    assert!(read(&many.join(",")).unwrap_err().contains("more than 16"));
    assert_eq!(read("off"), Ok(EdgeClaims::Off));
    assert_eq!(read("a, b,a"), Ok(EdgeClaims::Listed(vec!["a".to_owned(), "b".to_owned()])));
}
