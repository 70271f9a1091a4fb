//! Owns: a second reading of JSON objects, which keeps members that are there twice.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

/// The members of an object, in their order.
#[derive(Debug)]
pub(crate) struct Members(pub(crate) Vec<(String, Value)>);

impl Members {
    /// Those of `text`, which our code took for an object; `None` where it passes over what `serde_json` cannot
    /// keep: numbers of any size, and what is nested deeper than that reads.
    pub(crate) fn of(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).expect("UTF-8");
        assert!(text.trim_ascii().starts_with('{') && text.trim_ascii().ends_with('}'), "{text}");
        serde_json::from_str(text).ok()
    }

    /// The value of the only member called `name`. Panics if there are several.
    pub(crate) fn only(&self, name: &str) -> Option<&Value> {
        let mut found = self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value);
        let (one, other) = (found.next(), found.next());
        assert!(other.is_none(), "{name} is there twice: {self:?}");
        one
    }

    /// The text of the only member called `name`, if it is one.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.only(name)?.as_str()
    }

    /// Whether every name is there once.
    pub(crate) fn are_distinct(&self) -> bool {
        let mut names: Vec<&str> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names.windows(2).all(|pair| pair[0] != pair[1])
    }

    /// The number of a `NumericDate`; those before the epoch are the epoch.
    pub(crate) fn seconds(&self, name: &str) -> Option<f64> {
        self.only(name)?.as_f64().map(|seconds| seconds.max(0.0))
    }

    /// Whether the member called `name` is `wanted`, or a list that holds it.
    pub(crate) fn is_or_holds(&self, name: &str, wanted: &str) -> bool {
        match self.only(name) {
            Some(Value::String(text)) => text == wanted,
            Some(Value::Array(list)) => list.iter().any(|entry| entry == wanted),
            _ => false,
        }
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Read)
    }
}
