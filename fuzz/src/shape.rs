//! Target: an answer of a service on a route with `response`. The first line is `keep` or `drop` and the paths.
//!
//! Oracle: what is passed on is what a filter of the whole value, read by `serde_json`, leaves of it.

use serde_json::{Map, Value};

/// Shapes it.
pub(crate) fn run(data: &[u8]) {
    let Some(line) = data.iter().position(|byte| *byte == b'\n') else { return };
    let Ok(rule) = std::str::from_utf8(&data[..line]) else { return };
    let text = &data[line + 1..];
    let mut words = rule.split(' ').filter(|word| !word.is_empty());
    let keeps = match words.next() {
        Some("keep") => true,
        Some("drop") => false,
        _ => return,
    };
    let paths: Vec<&str> = words.collect();
    let Some(Ok(shaped)) = bff_core::fuzzing::shaped(keeps, &paths, text) else { return };
    // Numbers of any size pass through; `serde_json` takes fewer.
    let Ok(whole) = serde_json::from_slice::<Value>(text) else { return };
    let told: Value = serde_json::from_slice(&shaped).expect("JSON");
    let names: Vec<Vec<&str>> = paths.iter().map(|path| path.split('.').collect()).collect();
    let names: Vec<&[&str]> = names.iter().map(Vec::as_slice).collect();
    assert_eq!(told, Filter { keeps }.within(&whole, &names), "{rule} {}", text.escape_ascii());
}

struct Filter {
    keeps: bool,
}

impl Filter {
    /// `value`, into which `paths` lead on.
    fn within(&self, value: &Value, paths: &[&[&str]]) -> Value {
        match value {
            Value::Object(members) => {
                let left = members.iter().filter_map(|(name, member)| {
                    Some((name.clone(), self.at(name, member, paths)?))
                });
                Value::Object(left.collect::<Map<_, _>>())
            }
            Value::Array(items) => {
                let left = items.iter().enumerate();
                left.filter_map(|(place, item)| self.at(&place.to_string(), item, paths)).collect()
            }
            scalar => scalar.clone(),
        }
    }

    fn at(&self, name: &str, value: &Value, paths: &[&[&str]]) -> Option<Value> {
        let lead = paths.iter().filter(|path| path[0] == name || path[0] == "*");
        let rest: Vec<&[&str]> = lead.map(|path| &path[1..]).collect();
        let ends = rest.iter().any(|path| path.is_empty());
        match (ends, rest.is_empty(), self.keeps) {
            (true, _, true) | (false, true, false) => Some(value.clone()),
            (true, _, false) | (false, true, true) => None,
            (false, false, keeps) => match value {
                Value::Object(_) | Value::Array(_) => Some(self.within(value, &rest)),
                scalar => (!keeps).then(|| scalar.clone()),
            },
        }
    }
}
