//! Target: the query of a middleware's address.
//!
//! Oracle: what it asks is what the crate `url` reads in it. A key that is there twice, or whose value cannot be
//! read whole, is an error and never "nothing is asked". What was read, written down and read again is the same.

use forwardauth::fuzzing::{Asked, asked};
use session::header_text::encode_list;
use url::form_urlencoded;

const KEYS: [&str; 8] =
    ["policy", "scope", "scope_any", "role", "role_any", "tenant", "acr", "max_age"];

/// Reads it.
pub(crate) fn run(data: &[u8]) {
    let Ok(query) = std::str::from_utf8(data) else { return };
    // What a request line can hold.
    if !query.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
        return;
    }
    let values = |key: &str| {
        let pairs = form_urlencoded::parse(data).filter(|(name, _)| name == key);
        pairs.map(|(_, value)| value.into_owned()).collect::<Vec<_>>()
    };
    let read = asked(query);
    if KEYS.iter().any(|key| values(key).len() > 1) {
        assert!(read.is_err(), "twice: {query}");
    }
    let Ok(read) = read else { return };
    assert!(values("policy").is_empty(), "there are no policies: {query}");
    let list = |key: &str| {
        let value = values(key).pop();
        assert!(
            value.as_ref().is_none_or(|value| !value.contains('\u{fffd}') || is_written(query)),
            "{query}"
        );
        let split = |value: String| {
            let entries = value.split([',', ' ']).filter(|entry| !entry.is_empty());
            let entries: Vec<String> = entries.map(str::to_owned).collect();
            assert!(!entries.is_empty(), "an empty list asks for nothing: {query}");
            entries
        };
        value.map(split).unwrap_or_default()
    };
    let encoded = |entries: Vec<String>| -> Vec<String> {
        entries.iter().map(|entry| encode_list([entry.as_str()])).collect()
    };
    let expected = Asked {
        scopes: list("scope"),
        any_scope: list("scope_any"),
        roles: encoded(list("role")),
        any_role: encoded(list("role_any")),
        tenant: list("tenant").pop(),
        acr: list("acr"),
        max_age: values("max_age").first().map(|age| age.parse().expect("a number")),
    };
    assert_eq!(read, expected, "{query}");

    let mut again = form_urlencoded::Serializer::new(String::new());
    for key in KEYS {
        if let Some(value) = values(key).first() {
            again.append_pair(key, value);
        }
    }
    assert_eq!(asked(&again.finish()).as_ref(), Ok(&read), "{query}");
}

/// Whether the character that stands for what cannot be read was written as such.
fn is_written(query: &str) -> bool {
    query.to_ascii_lowercase().contains("%ef%bf%bd")
}
