//! Owns: variants of a good file, each with one thing wrong or odd.

use serde_json::{Value, json};

/// Each place of `value` with another kind of value, without one of its keys, and with a key that is not known.
pub(super) fn of(value: &Value) -> impl Iterator<Item = Value> {
    let mut all = Vec::new();
    let mut places = Vec::new();
    pointers(value, "", &mut places);
    for place in places {
        let Some(old) = value.pointer(&place) else { continue };
        for new in variants(old) {
            let mut mutant = value.clone();
            if let Some(slot) = mutant.pointer_mut(&place) {
                *slot = new;
            }
            all.push(mutant);
        }
    }
    all.into_iter()
}

fn pointers(value: &Value, at: &str, places: &mut Vec<String>) {
    places.push(at.to_owned());
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                pointers(member, &format!("{at}/{name}"), places);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointers(item, &format!("{at}/{index}"), places);
            }
        }
        _ => {}
    }
}

fn variants(value: &Value) -> Vec<Value> {
    let mut variants = vec![json!([]), json!({}), json!([[]]), json!({ "x": [[]] })];
    match value {
        Value::Object(members) => {
            variants.push(json!("a word"));
            for name in members.keys() {
                let mut without = members.clone();
                without.remove(name);
                variants.push(Value::Object(without));
            }
            let mut with = members.clone();
            with.insert("no_such_key".to_owned(), json!([[]]));
            variants.push(Value::Object(with));
        }
        Value::Bool(is) => variants.extend([json!(!is), json!("a word")]),
        Value::Number(_) => variants.push(json!(-1)),
        Value::Array(_) | Value::String(_) => variants.push(json!("a word")),
        Value::Null => {}
    }
    variants
}
