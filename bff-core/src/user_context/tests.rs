use serde_json::json;
use session::record::SourceValues;

use super::*;
use crate::config::Source;
use crate::json::JsonPath;

fn settings() -> ContextSettings {
    let source = |name: &str, kind, values: &[&str]| Source {
        name: name.to_owned(),
        kind,
        timeout: Duration::from_secs(2),
        required: false,
        map: values
            .iter()
            .map(|value| ((*value).to_owned(), JsonPath::exact(value).unwrap()))
            .collect(),
    };
    ContextSettings {
        refresh: 900,
        max_bytes: 100,
        sources: vec![
            source("claims", SourceKind::Claims, &["email"]),
            source("userinfo", SourceKind::Userinfo, &["accounts", "phone"]),
        ],
        browser: vec!["email".to_owned(), "phone".to_owned()],
    }
}

fn told(values: &Value) -> SourceValues {
    SourceValues { read_at: 1_000, values: values.as_object().unwrap().clone() }
}

#[test]
fn a_value_is_known_missing_or_not_read_yet() {
    let settings = settings();
    let mut context = UserContext::default();
    assert_eq!(value(&settings, &context, "accounts.0"), Err(Lacking::Unread));
    context.0.insert("userinfo".to_owned(), told(&json!({ "accounts": ["a-1"] })));
    assert_eq!(value(&settings, &context, "accounts.0"), Ok(&json!("a-1")));
    assert_eq!(value(&settings, &context, "accounts.1"), Err(Lacking::Missing));
    assert_eq!(value(&settings, &context, "phone"), Err(Lacking::Missing));
    assert_eq!(value(&settings, &context, "other"), Err(Lacking::Missing));
}

#[test]
fn t18_the_browser_is_shown_what_is_listed_and_nothing_else() {
    let settings = settings();
    let mut context = UserContext::default();
    context.0.insert("claims".to_owned(), told(&json!({ "email": "a@b" })));
    context.0.insert("userinfo".to_owned(), told(&json!({ "accounts": ["a-1"] })));
    let shown = Value::Object(for_browser(&settings, &context));
    assert_eq!(shown, json!({ "email": "a@b" }));
}

#[test]
fn a_source_is_due_until_it_answered_and_again_when_that_is_old() {
    let settings = settings();
    let mut context = UserContext::default();
    assert!(is_due(&settings, &context, "userinfo", 1_000));
    assert!(!is_due(&settings, &context, "claims", 1_000), "claims come with ID tokens");
    assert!(!is_due(&settings, &context, "unknown", 1_000));
    context.0.insert("userinfo".to_owned(), told(&json!({})));
    assert!(!is_due(&settings, &context, "userinfo", 1_899));
    assert!(is_due(&settings, &context, "userinfo", 1_900));
    assert!(!is_due(&settings, &context, "userinfo", 0), "another replica's clock may be ahead");
}

#[test]
fn a_context_never_grows_beyond_its_bound() {
    let settings = settings();
    let (claims, userinfo) = (&settings.sources[0], &settings.sources[1]);
    let mut context = UserContext::default();
    let small = told(&json!({ "email": "x".repeat(50) }));
    assert_eq!(read::add(&settings, &mut context, claims, small.clone()), Ok(()));
    let large = told(&json!({ "phone": "x".repeat(50) }));
    let refused = read::add(&settings, &mut context, userinfo, large.clone());
    assert_eq!(refused, Err("context_too_large"));
    assert_eq!(context.0.len(), 1);
    // What a source said before makes room for what it says now.
    assert_eq!(read::add(&settings, &mut context, claims, small), Ok(()));
}
