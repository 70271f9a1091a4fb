//! Owns: the text form of identity values in HTTP headers.
//!
//! A user id may be any Unicode string; a header value may not. Everything but visible ASCII is
//! percent-encoded, and so is `%` itself, so that no two users share one header value.

use std::borrow::Cow;
use std::fmt::Write as _;

use percent_encoding::percent_decode;
use serde_json::Value;

/// `value` as header text. Injective: different values give different texts.
pub fn encode(value: &str) -> String {
    encode_with(value, |_| false)
}

/// As [`encode`], but a single blank inside stays one: text that people read, such as a full name.
/// Injective too.
pub fn encode_phrase(value: &str) -> String {
    let encoded = encode(value);
    let mut out = String::with_capacity(encoded.len());
    let mut words = encoded.split("%20").peekable();
    while let Some(word) = words.next() {
        out.push_str(word);
        let inside = words.peek().is_some_and(|next| !word.is_empty() && !next.is_empty());
        if words.peek().is_some() {
            out.push_str(if inside { " " } else { "%20" });
        }
    }
    out
}

/// `values` as a comma-separated list in which no value can forge a second one.
pub fn encode_list<'a>(values: impl IntoIterator<Item = &'a str>) -> String {
    let parts: Vec<String> =
        values.into_iter().map(|value| encode_with(value, |byte| byte == b',')).collect();
    parts.join(",")
}

/// What a claim is in a header: a text, a number, a truth, or a list of these. `None` for what is none of
/// them.
pub fn encode_json(value: &Value) -> Option<String> {
    match value {
        Value::Array(items) => {
            let items: Option<Vec<String>> = items.iter().map(scalar).collect();
            Some(encode_list(items?.iter().map(String::as_str)))
        }
        value => scalar(value).map(|text| encode_phrase(&text)),
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// What [`encode`] was given; `None` if `text` is nothing that it writes.
pub fn decode(text: &[u8]) -> Option<Cow<'_, str>> {
    percent_decode(text).decode_utf8().ok()
}

/// What [`encode_list`] was given. Values that it does not write are left out.
pub fn decode_list(text: &[u8]) -> impl Iterator<Item = Cow<'_, str>> {
    text.split(|byte| *byte == b',').filter(|part| !part.is_empty()).filter_map(decode)
}

fn encode_with(value: &str, also: impl Fn(u8) -> bool) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_graphic() && byte != b'%' && !also(byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a `String` does not fail.
            let _infallible = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ordinary_ids_stay_as_they_are() {
        for id in ["alice", "auth0|5f7c", "a.b+c@example.com", "google-oauth2:12"] {
            assert_eq!(encode(id), id);
        }
    }

    #[test]
    fn a_full_name_stays_readable() {
        for (name, expected) in [
            ("Alice Example", "Alice Example"),
            ("J\u{fc}rgen von der L\u{fc}he", "J%C3%BCrgen von der L%C3%BChe"),
            (" a  b ", "%20a%20%20b%20"),
            ("a%20b", "a%2520b"),
            (" ", "%20"),
            ("", ""),
        ] {
            assert_eq!(encode_phrase(name), expected);
        }
    }

    #[test]
    fn t04_a_role_cannot_forge_a_second_role() {
        assert_eq!(encode_list(["a,b", "rôle x", "c"]), "a%2Cb,r%C3%B4le%20x,c");
    }

    proptest! {
        #[test]
        fn t10_encoding_is_injective_and_visible(a in ".*", b in ".*") {
            prop_assert_eq!(a == b, encode(&a) == encode(&b));
            prop_assert!(encode(&a).bytes().all(|byte| byte.is_ascii_graphic()));
            prop_assert_eq!(a == b, encode_phrase(&a) == encode_phrase(&b));
            let phrase = encode_phrase(&a);
            prop_assert_eq!(phrase.trim(), &phrase);
        }

        #[test]
        fn t10_what_is_decoded_is_what_was_encoded(value in ".*", list in proptest::collection::vec(".+", 0..4)) {
            let text = encode(&value);
            prop_assert_eq!(decode(text.as_bytes()).unwrap(), value.as_str());
            let text = encode_list(list.iter().map(String::as_str));
            prop_assert_eq!(decode_list(text.as_bytes()).collect::<Vec<_>>(), list);
        }
    }
}
