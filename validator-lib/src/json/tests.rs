use serde_json::Value;

use super::{MAX_DEPTH, object};

#[test]
fn an_ordinary_object_is_read() {
    let value: Value = object(br#"{"a":1,"b":[{"a":2},{"a":3}],"c":{"a":null}}"#).unwrap();
    assert_eq!(value["b"][1]["a"], 3);
}

#[test]
fn t12_a_member_twice_is_refused_at_every_level_and_in_every_spelling() {
    for text in [
        r#"{"a":1,"a":1}"#,
        r#"{"a":1,"b":2,"\u0061":3}"#,
        r#"{"x":{"a":1,"a":2}}"#,
        r#"{"x":[{"a":1,"a":2}]}"#,
        r#"{"":1,"":2}"#,
    ] {
        assert!(object::<Value>(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn t12_a_member_twice_is_seen_where_the_type_has_no_use_for_it() {
    #[derive(Debug, serde::Deserialize)]
    struct Narrow {
        a: u8,
    }
    for text in [
        r#"{"a":1,"b":2,"b":3}"#,
        r#"{"b":{"c":1,"c":2},"a":1}"#,
        r#"{"a":1,"b":[[{"c":1,"c":2}]]}"#,
        r#"{"a":1,"a":1}"#,
    ] {
        assert!(object::<Narrow>(text.as_bytes()).is_err(), "{text}");
    }
    assert_eq!(object::<Narrow>(br#"{"b":{"a":7},"a":1}"#).unwrap().a, 1);
    // As many names as are compared one by one, and more.
    for count in [15, 16, 17, 18, 40] {
        let names: Vec<_> = (1..count).map(|n| format!(r#""n{n}":0"#)).collect();
        let text = format!(r#"{{"a":1,{}}}"#, names.join(","));
        assert!(object::<Narrow>(text.as_bytes()).is_ok(), "{count}");
        let twice = format!(r#"{{"a":1,{},"n1":0}}"#, names.join(","));
        assert!(object::<Narrow>(twice.as_bytes()).is_err(), "{count}");
    }
}

#[test]
fn an_array_does_not_stand_for_an_object() {
    #[derive(Debug, serde::Deserialize)]
    struct Inner {
        #[expect(dead_code, reason = "only whether it is read counts")]
        a: u8,
    }
    #[derive(Debug, serde::Deserialize)]
    struct Outer {
        #[expect(dead_code, reason = "only whether it is read counts")]
        inner: Inner,
    }
    assert!(object::<Outer>(br#"{"inner":{"a":1}}"#).is_ok());
    assert!(object::<Outer>(br#"{"inner":[1]}"#).is_err());
}

#[test]
fn only_one_object_is_accepted() {
    for text in
        ["", "null", "1", "\"a\"", "[]", "[{}]", "{}{}", "{} x", "{", "\u{feff}{}", "{\"a\":NaN}"]
    {
        assert!(object::<Value>(text.as_bytes()).is_err(), "{text}");
    }
    assert!(object::<Value>(b"{\"a\":\"\xff\"}").is_err());
}

#[test]
fn nesting_is_bounded() {
    let nested = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
    assert!(object::<Value>(nested(MAX_DEPTH - 1).as_bytes()).is_ok());
    assert!(object::<Value>(nested(MAX_DEPTH).as_bytes()).is_err());
}
