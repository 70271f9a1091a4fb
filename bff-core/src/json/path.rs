//! Owns: dotted paths into JSON, as configuration files write them: `items.0.id`, `items.*.title`.

use serde_json::Value;

/// Deepest path, and longest name in one.
const MAX_DEPTH: usize = 16;
const MAX_NAME: usize = 128;

/// One or more names, for members of objects or places in arrays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JsonPath(Vec<String>);

impl JsonPath {
    /// A path in which `*` may stand for every member and every place.
    pub(crate) fn with_wildcards(text: &str) -> Option<Self> {
        Self::parse(text)
            .filter(|path| path.0.iter().all(|name| name == "*" || !name.contains('*')))
    }

    /// A path to one value.
    pub(crate) fn exact(text: &str) -> Option<Self> {
        Self::parse(text).filter(|path| path.0.iter().all(|name| !name.contains('*')))
    }

    fn parse(text: &str) -> Option<Self> {
        let names: Vec<String> = text.split('.').map(str::to_owned).collect();
        let plain = |name: &String| {
            (1..=MAX_NAME).contains(&name.len()) && !name.chars().any(char::is_control)
        };
        (names.len() <= MAX_DEPTH && names.iter().all(plain)).then_some(Self(names))
    }

    /// What it leads to. A member whose whole name is the path as it is written comes first: names of claims
    /// may hold dots.
    pub(crate) fn find<'v>(&self, root: &'v Value) -> Option<&'v Value> {
        let whole = root.as_object().and_then(|members| members.get(&self.0.join(".")));
        let steps = || {
            self.0.iter().try_fold(root, |value, name| match value {
                Value::Object(members) => members.get(name),
                Value::Array(items) => items.get(name.parse::<usize>().ok()?),
                _ => None,
            })
        };
        whole.or_else(steps).filter(|value| !value.is_null())
    }

    /// The names.
    pub(crate) fn names(&self) -> &[String] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_path_leads_to_one_value_or_none() {
        let told = json!({ "items": [{ "id": "a-1" }], "a.b": 1, "a": { "b": 2 }, "none": null });
        let find = |path: &str| JsonPath::exact(path).unwrap().find(&told).cloned();
        assert_eq!(find("items.0.id"), Some(json!("a-1")));
        assert_eq!(find("a.b"), Some(json!(1)));
        assert_eq!(find("items.1.id"), None);
        assert_eq!(find("items.00x"), None);
        assert_eq!(find("none"), None);
        assert_eq!(find("a.b.c"), None);
        assert!(JsonPath::exact("items.*").is_none());
    }
}
