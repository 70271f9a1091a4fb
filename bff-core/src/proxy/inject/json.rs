//! Owns: a JSON body in which some members are ours.
//!
//! Some readers of JSON do not mind case, and of two members of a name some take the first and some the last:
//! on the way to a member of ours every name stands once, whatever its case.

use std::collections::HashSet;

use serde_json::Value;
use struson::reader::{JsonReader as _, ValueType};
use struson::writer::JsonWriter as _;

use crate::json::{JsonError, JsonPath, Passage, folded};

/// `text` with `ours` in the place of what stood there. Objects on the way are made where there are none.
///
/// # Errors
/// [`JsonError`]: nothing of such a text may be passed on.
pub(super) fn with(text: &[u8], ours: &[(&JsonPath, &Value)]) -> Result<Vec<u8>, JsonError> {
    let mut passage = Passage::of(text);
    if passage.reader.peek()? != ValueType::Object {
        return Err(JsonError::Misfit);
    }
    let ours: Vec<(&[String], &Value)> =
        ours.iter().map(|(path, value)| (path.names(), *value)).collect();
    object(&mut passage, &ours)?;
    passage.finish()
}

/// What stands at a name of ours.
enum Ours<'o> {
    Value(&'o Value),
    Within(Vec<(&'o [String], &'o Value)>),
}

fn object<'o>(
    passage: &mut Passage<'_>,
    ours: &[(&'o [String], &'o Value)],
) -> Result<(), JsonError> {
    let written = |_| JsonError::Malformed;
    let mut left = by_name(ours);
    let names: HashSet<String> = left.iter().map(|(name, _)| folded(name)).collect();
    let mut seen = HashSet::new();
    passage.reader.begin_object()?;
    passage.writer.begin_object().map_err(written)?;
    while passage.reader.has_next()? {
        let name = passage.reader.next_name_owned()?;
        if !seen.insert(folded(&name)) {
            return Err(JsonError::Repeated);
        }
        if !names.contains(&folded(&name)) {
            passage.writer.name(&name).map_err(written)?;
            passage.copy()?;
            continue;
        }
        let place = left.iter().position(|(our, _)| **our == *name);
        let is_object = passage.reader.peek()? == ValueType::Object;
        match place.map(|place| left.swap_remove(place)) {
            // An object of the browser's on the way to a member of ours stays, but for that.
            Some((name, Ours::Within(within))) if is_object => {
                passage.writer.name(name).map_err(written)?;
                object(passage, &within)?;
            }
            Some((name, ours)) => {
                passage.reader.skip_value()?;
                put(passage, name, &ours)?;
            }
            None => passage.reader.skip_value()?,
        }
    }
    passage.reader.end_object()?;
    for (name, ours) in left {
        put(passage, name, &ours)?;
    }
    passage.writer.end_object().map_err(written)
}

/// What is ours at this level, each name once, in the order of the configuration.
fn by_name<'o>(ours: &[(&'o [String], &'o Value)]) -> Vec<(&'o str, Ours<'o>)> {
    let mut named: Vec<(&str, Ours<'_>)> = Vec::new();
    for (path, value) in ours {
        let Some((name, rest)) = path.split_first() else { continue };
        if rest.is_empty() {
            named.push((name, Ours::Value(value)));
            continue;
        }
        let known = named.iter_mut().find(|(known, _)| known == name);
        match known {
            Some((_, Ours::Within(within))) => within.push((rest, value)),
            // The configuration has no value within another.
            Some((_, Ours::Value(_))) => {}
            None => named.push((name, Ours::Within(vec![(rest, value)]))),
        }
    }
    named
}

fn put(passage: &mut Passage<'_>, name: &str, ours: &Ours<'_>) -> Result<(), JsonError> {
    let written = |_| JsonError::Malformed;
    passage.writer.name(name).map_err(written)?;
    match ours {
        Ours::Value(Value::String(text)) => passage.writer.string_value(text).map_err(written),
        Ours::Value(Value::Bool(truth)) => passage.writer.bool_value(*truth).map_err(written),
        Ours::Value(Value::Number(number)) => passage
            .writer
            .number_value_from_string(&number.to_string())
            .map_err(|_| JsonError::Malformed),
        Ours::Value(_) => Err(JsonError::Misfit),
        Ours::Within(within) => {
            passage.writer.begin_object().map_err(written)?;
            for (name, ours) in by_name(within) {
                put(passage, name, &ours)?;
            }
            passage.writer.end_object().map_err(written)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn put_into(text: &str, ours: &[(&str, Value)]) -> Result<String, JsonError> {
        let ours: Vec<_> =
            ours.iter().map(|(path, value)| (JsonPath::exact(path).unwrap(), value)).collect();
        let ours: Vec<_> = ours.iter().map(|(path, value)| (path, *value)).collect();
        with(text.as_bytes(), &ours).map(|out| String::from_utf8(out).unwrap())
    }

    #[test]
    fn our_value_stands_in_the_place_of_the_browsers() {
        let ours = [("account", json!("a-1")), ("by.id", json!(7)), ("by.ok", json!(true))];
        for (text, expected) in [
            ("{}", r#"{"account":"a-1","by":{"id":7,"ok":true}}"#),
            (
                r#"{"n":1.50,"account":"evil","z":[1]}"#,
                r#"{"n":1.50,"account":"a-1","z":[1],"by":{"id":7,"ok":true}}"#,
            ),
            (r#"{"by":{"x":1,"id":"evil","ID":"gone"},"ACCOUNT":{}}"#, ""),
            (
                r#"{"by":{"x":1,"id":"evil"},"ACCOUNT":{"a":1}}"#,
                r#"{"by":{"x":1,"id":7,"ok":true},"account":"a-1"}"#,
            ),
            (r#"{"by":"evil"}"#, r#"{"by":{"id":7,"ok":true},"account":"a-1"}"#),
            (r#"{"\u0061ccount":1}"#, r#"{"account":"a-1","by":{"id":7,"ok":true}}"#),
        ] {
            let got = put_into(text, &ours);
            if expected.is_empty() {
                assert_eq!(got, Err(JsonError::Repeated), "{text}");
            } else {
                assert_eq!(got.as_deref(), Ok(expected), "{text}");
            }
        }
    }

    #[test]
    fn a_body_that_may_mean_two_things_is_refused() {
        for (text, error) in [
            (r#"{"a":1,"a":2}"#, JsonError::Repeated),
            (r#"{"account":1,"account":2}"#, JsonError::Repeated),
            (r#"{"account":1,"Account":2}"#, JsonError::Repeated),
            (r#"{"account":1,"a\u0063count":2}"#, JsonError::Repeated),
            (r#"[{"account":1}]"#, JsonError::Misfit),
            ("7", JsonError::Misfit),
            ("", JsonError::Malformed),
            (r#"{"a":1}{"account":2}"#, JsonError::Malformed),
            ("{'a':1}", JsonError::Malformed),
        ] {
            assert_eq!(put_into(text, &[("account", json!("a-1"))]), Err(error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_the_browser_sends_our_value_is_the_only_one(
            text in "\\{((\"(account|Account|a|by|id|\\\\u0061ccount|ACC\\\\u004fUNT)\":(1|\"evil\"|\\{\\}|\\{\"id\":2\\}|\\[\\]),?){0,5})\\}"
        ) {
            let ours = [("account", json!("a-1")), ("by.id", json!("b-1"))];
            if let Ok(out) = put_into(&text, &ours) {
                let read: Value = serde_json::from_str(&out).unwrap();
                prop_assert_eq!(&read["account"], "a-1");
                prop_assert_eq!(&read["by"]["id"], "b-1");
                let named = |name: &str| {
                    let members = read.as_object().unwrap().keys();
                    members.filter(|other| other.eq_ignore_ascii_case(name)).count()
                };
                prop_assert_eq!((named("account"), named("by")), (1, 1));
            }
        }
    }
}
