use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn paths(texts: &[&str]) -> Vec<JsonPath> {
    texts.iter().map(|text| JsonPath::with_wildcards(text).unwrap()).collect()
}

fn kept(texts: &[&str], text: &str) -> Result<String, JsonError> {
    let out = Rules::keeping(paths(texts)).apply(text.as_bytes())?;
    Ok(String::from_utf8(out).unwrap())
}

fn dropped(texts: &[&str], text: &str) -> Result<String, JsonError> {
    let out = Rules::dropping(paths(texts)).apply(text.as_bytes())?;
    Ok(String::from_utf8(out).unwrap())
}

const ORDER: &str = r#"{ "owner": "a-1", "id": 7, "items": [ {"title": "x", "account": "a-1"}, "odd", {"account": "a-2"} ], "name": null }"#;

#[test]
fn only_what_is_kept_is_passed_on() {
    let out = kept(&["id", "name", "items.*.title"], ORDER).unwrap();
    assert_eq!(out, r#"{"id":7,"items":[{"title":"x"},{}],"name":null}"#);
    assert_eq!(kept(&["items.0"], ORDER).unwrap(), r#"{"items":[{"title":"x","account":"a-1"}]}"#);
    assert_eq!(kept(&["*.title"], r#"[{"title":1,"b":2}]"#).unwrap(), r#"[{"title":1}]"#);
    assert_eq!(kept(&["none"], ORDER).unwrap(), "{}");
    assert_eq!(kept(&["owner.name"], ORDER).unwrap(), "{}", "a text has no members");
}

#[test]
fn what_is_dropped_is_gone_and_nothing_else() {
    let out = dropped(&["owner", "items.*.account"], ORDER).unwrap();
    assert_eq!(out, r#"{"id":7,"items":[{"title":"x"},"odd",{}],"name":null}"#);
    assert_eq!(dropped(&["*.1"], "[[1,2,3],4]").unwrap(), "[[1,3],4]");
}

#[test]
fn a_path_by_name_and_one_by_any_name_count_together() {
    let text = r#"{"a":{"x":1,"y":2,"z":3},"b":{"x":1,"y":2}}"#;
    assert_eq!(kept(&["a.x", "*.y"], text).unwrap(), r#"{"a":{"x":1,"y":2},"b":{"y":2}}"#);
    assert_eq!(dropped(&["a.x", "*.y"], text).unwrap(), r#"{"a":{"z":3},"b":{"x":1}}"#);
}

#[test]
fn numbers_keep_their_digits_and_members_their_order() {
    let text = r#"{"z":12345678901234567890123.10,"a":1E+400,"b":-0.0,"c":"\u00e9\ud83d\ude00"}"#;
    let expected = r#"{"z":12345678901234567890123.10,"a":1E+400,"b":-0.0,"c":"é😀"}"#;
    assert_eq!(dropped(&["none"], text).unwrap(), expected);
    assert_eq!(kept(&["z", "a", "b", "c"], text).unwrap(), expected);
}

#[test]
fn a_text_that_two_readers_could_take_differently_is_refused() {
    for (text, error) in [
        (r#"{"id":1,"id":2}"#, JsonError::Repeated),
        (r#"{"id":1,"\u0069d":2}"#, JsonError::Repeated),
        (r#"{"secret":1,"secret":2}"#, JsonError::Repeated),
        ("7", JsonError::Misfit),
        ("\"text\"", JsonError::Misfit),
        ("", JsonError::Malformed),
        ("{", JsonError::Malformed),
        (r#"{"id":1}{"secret":1}"#, JsonError::Malformed),
        (r#"{"id":1,}"#, JsonError::Malformed),
        ("{\"id\":01}", JsonError::Malformed),
        ("{\"id\":NaN}", JsonError::Malformed),
        ("\u{feff}{}", JsonError::Malformed),
        (r#"{"id":"\ud800"}"#, JsonError::Malformed),
    ] {
        assert_eq!(kept(&["id"], text), Err(error), "{text}");
        assert_eq!(dropped(&["secret"], text), Err(error), "{text}");
    }
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    assert_eq!(kept(&["*"], &deep), Err(JsonError::Malformed));
    assert_eq!(
        Rules::keeping(paths(&["id"])).apply(b"{\"id\":\"\xff\"}"),
        Err(JsonError::Malformed)
    );
}

#[test]
fn a_path_that_leads_nowhere_is_refused() {
    for bad in ["", ".", "a.", ".a", "a..b", "a*", "*a.b", "a\nb"] {
        assert!(JsonPath::with_wildcards(bad).is_none(), "{bad}");
    }
}

fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<i32>().prop_map(Value::from),
        "[a-c]{0,2}".prop_map(Value::from)
    ];
    let inner = leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[abc]", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    });
    prop_oneof![
        proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
        proptest::collection::btree_map("[abc]", inner, 0..4)
            .prop_map(|map| Value::Object(map.into_iter().collect())),
    ]
}

/// Every place of a document, by its names.
fn places(value: &Value, at: &[String], out: &mut BTreeSet<Vec<String>>) {
    let mut below = |name: String, value: &Value| {
        let at: Vec<String> = at.iter().cloned().chain([name]).collect();
        out.insert(at.clone());
        places(value, &at, out);
    };
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| below(name.clone(), value));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, value)| below(at.to_string(), value));
        }
        _ => {}
    }
}

fn leads_to(rule: &str, place: &[String]) -> bool {
    let names: Vec<&str> = rule.split('.').collect();
    names.len() <= place.len()
        && names.iter().zip(place).all(|(name, at)| *name == "*" || name == at)
}

/// Without places in arrays: those move when something before them is left out.
fn members_only(at: &[String]) -> bool {
    at.iter().all(|name| !name.starts_with(|sign: char| sign.is_ascii_digit()))
}

proptest! {
    #[test]
    fn no_dropped_path_comes_out_and_all_others_do(document in document(), rules in proptest::collection::vec("[abc*](\\.[abc*]){0,3}", 1..4)) {
        let texts: Vec<&str> = rules.iter().map(String::as_str).collect();
        let out = dropped(&texts, &document.to_string()).unwrap();
        let out: Value = serde_json::from_str(&out).unwrap();
        let (mut before, mut after) = (BTreeSet::new(), BTreeSet::new());
        places(&document, &[], &mut before);
        places(&out, &[], &mut after);
        for place in &after {
            prop_assert!(!texts.iter().any(|rule| leads_to(rule, place)), "{place:?} came out");
        }
        for place in before.iter().filter(|place| members_only(place)) {
            let gone = texts.iter().any(|rule| leads_to(rule, place));
            prop_assert_eq!(after.contains(place), !gone, "{:?}", place);
        }
    }

    #[test]
    fn nothing_but_kept_paths_comes_out(document in document(), rules in proptest::collection::vec("[abc*](\\.[abc*]){0,3}", 1..4)) {
        let texts: Vec<&str> = rules.iter().map(String::as_str).collect();
        let out = kept(&texts, &document.to_string()).unwrap();
        let out: Value = serde_json::from_str(&out).unwrap();
        let mut after = BTreeSet::new();
        places(&out, &[], &mut after);
        for place in after.iter().filter(|place| members_only(place)) {
            let on_the_way = |rule: &&str| {
                rule.split('.').zip(place).all(|(name, at)| name == "*" || name == at)
            };
            prop_assert!(texts.iter().any(on_the_way), "{place:?} came out");
        }
        // What is kept as a whole is kept as it was.
        let mut before = BTreeSet::new();
        places(&document, &[], &mut before);
        for place in before.iter().filter(|place| members_only(place)) {
            if texts.iter().any(|rule| leads_to(rule, place)) {
                prop_assert!(after.contains(place), "{place:?} is gone");
            }
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in proptest::collection::vec(any::<u8>(), 0..64)) {
        let _result = Rules::keeping(paths(&["a.*", "b"])).apply(&text);
    }
}
