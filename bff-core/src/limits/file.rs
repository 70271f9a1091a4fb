//! Owns: how files write a limit: `off`, or `{ limit: 1000, window: 1m }`.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use shell::config::parse;

use super::Rule;

/// By what a route counts its requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Key {
    /// The client's address.
    Ip,
    /// The session.
    #[default]
    Session,
    /// The user, over all sessions.
    User,
    /// The tenant, over all users.
    Tenant,
}

impl Key {
    /// As files write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::Session => "session",
            Self::User => "user",
            Self::Tenant => "tenant",
        }
    }
}

/// A limit as files write it: `off`, or a limit and its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleFile {
    /// No limit.
    Off,
    /// A limit, which may be by what the requests are counted.
    Limit(LimitFile),
}

/// The limit of a [`RuleFile`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LimitFile {
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    description: ForPeople,
    /// How many.
    pub limit: u32,
    /// In what time.
    #[serde(deserialize_with = "duration")]
    #[cfg_attr(test, schemars(schema_with = "window"))]
    pub window: Duration,
    /// By what they are counted; routes alone may say so.
    #[serde(default)]
    pub key: Option<Key>,
}

/// Text that is read and forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct ForPeople;

impl<'de> Deserialize<'de> for ForPeople {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::<String>::deserialize(deserializer).map(|_| Self)
    }
}

/// A variable is expanded before the value is read.
#[cfg(test)]
fn window(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let text = serde_json::json!({ "type": "string", "pattern": r"^[0-9]+(ms|s|m|h|d)?$|\$\{" });
    schemars::json_schema!({ "anyOf": [{ "type": "integer", "minimum": 0 }, text] })
}

#[cfg(test)]
impl schemars::JsonSchema for RuleFile {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RuleFile".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let limit = generator.subschema_for::<LimitFile>();
        schemars::json_schema!({ "anyOf": [{ "enum": ["off", false] }, limit] })
    }
}

impl<'de> Deserialize<'de> for RuleFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OffOrLimit;

        impl<'de> Visitor<'de> for OffOrLimit {
            type Value = RuleFile;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("off, or a limit and a window")
            }

            fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<RuleFile, E> {
                if value {
                    Err(E::custom("expected off, or a limit and a window"))
                } else {
                    Ok(RuleFile::Off)
                }
            }

            fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<RuleFile, E> {
                self.visit_bool(parse::switch(value).map_or(true, |on| on))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RuleFile, A::Error> {
                LimitFile::deserialize(MapAccessDeserializer::new(map)).map(RuleFile::Limit)
            }
        }

        deserializer.deserialize_any(OffOrLimit)
    }
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    struct Text;

    impl Visitor<'_> for Text {
        type Value = Duration;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a duration such as 1m")
        }

        fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Duration, E> {
            self.visit_str(&value.to_string())
        }

        fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Duration, E> {
            parse::duration(value).map_err(E::custom)
        }
    }

    deserializer.deserialize_any(Text)
}

impl RuleFile {
    /// By what requests are counted, where it says so.
    pub const fn key(self) -> Option<Key> {
        match self {
            Self::Off => None,
            Self::Limit(limit) => limit.key,
        }
    }

    /// The rule that is written; `Ok(None)` for `off`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn rule(self, kind: &'static str, label: &str) -> Result<Option<Rule>, &'static str> {
        match self {
            Self::Off => Ok(None),
            Self::Limit(LimitFile { limit, window, .. }) => Rule::new(kind, label, limit, window)
                .map(Some)
                .ok_or("allows nothing, or has a window that is not of 1s to 1d"),
        }
    }
}

#[cfg(test)]
mod tests {
    use shell::config::{Settings, yaml};

    use super::*;

    fn read(text: &str) -> Result<RuleFile, String> {
        let parsed = yaml::parse("bff.yaml", text, &Settings::from_pairs([("NONE", "")]));
        parsed.map_err(|problem| problem.to_string())
    }

    #[test]
    fn a_limit_is_off_or_has_a_window() {
        let limit = |limit, seconds, key| {
            let window = Duration::from_secs(seconds);
            Ok(RuleFile::Limit(LimitFile { description: ForPeople, limit, window, key }))
        };
        for text in ["off", "\"off\"", "false"] {
            assert_eq!(read(text), Ok(RuleFile::Off), "{text}");
        }
        assert_eq!(read("{ limit: 1000, window: 1m }"), limit(1_000, 60, None));
        assert_eq!(read("limit: 5\nwindow: 30\nkey: user\n"), limit(5, 30, Some(Key::User)));
        for text in ["on", "true", "5", "{ limit: 5 }", "{ limit: -1, window: 1m }", "[]", "~"] {
            assert!(read(text).is_err(), "{text}");
        }
        let unknown = read("{ limit: 5, window: 1m, burst: 9 }").unwrap_err();
        assert!(unknown.contains("burst"), "{unknown}");
        let odd = read("{ limit: 5, window: soon }").unwrap_err();
        assert!(odd.contains("is not a duration"), "{odd}");
        for (limit, window) in [(0, 60), (5, 0), (5, 100_000)] {
            let window = Duration::from_secs(window);
            let file =
                RuleFile::Limit(LimitFile { description: ForPeople, limit, window, key: None });
            assert!(file.rule("route", "x").is_err(), "{limit} in {window:?}");
        }
    }
}
