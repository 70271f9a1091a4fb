//! Owns: the form of a record of the audit log, and its hash (docs/LOGGING.md).
//!
//! The canonical form is that of RFC 8785 for what records hold: one object, its members sorted by name, no
//! white space; values are strings, whole numbers and truth values.

use std::collections::BTreeMap;
use std::fmt;

use ring::{digest, hmac};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value;
use shell::telemetry::Record;

/// What every hash begins with, so that it is good for nothing else.
const PURPOSE: &[u8] = b"wicketgate audit v1\n";

/// Where a chain is joined: the last record of something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) chain: String,
    pub(super) seq: u64,
    pub(super) hash: String,
}

impl Link {
    /// What `record` says of its own place; `None` if it has none.
    pub(super) fn of(record: &Record) -> Option<Self> {
        let text = |name: &str| record.get(name)?.as_str().map(str::to_owned);
        let seq = record.get("seq")?.as_u64()?;
        Some(Self { chain: text("chain")?, seq, hash: text("hash")? })
    }
}

/// How records are hashed.
#[derive(Clone)]
pub(super) enum Hasher {
    /// By SHA-256: anybody can check a chain, and anybody can make one.
    Plain,
    /// By HMAC-SHA-256: only who has the key can.
    Keyed(hmac::Key),
}

impl Hasher {
    pub(super) fn keyed(key: &[u8]) -> Self {
        Self::Keyed(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// As the first record of a chain names it.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Plain => "sha-256",
            Self::Keyed(_) => "hmac-sha-256",
        }
    }

    /// The hash of `record`, which has none in it.
    pub(super) fn hash(&self, record: &Record) -> String {
        let text = canonical(record);
        match self {
            Self::Plain => {
                let mut context = digest::Context::new(&digest::SHA256);
                context.update(PURPOSE);
                context.update(text.as_bytes());
                hexadecimal(context.finish().as_ref())
            }
            Self::Keyed(key) => {
                let mut context = hmac::Context::with_key(key);
                context.update(PURPOSE);
                context.update(text.as_bytes());
                hexadecimal(context.sign().as_ref())
            }
        }
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The canonical form, which is also how a record is written.
pub(super) fn canonical(record: &Record) -> String {
    let members = record.iter().map(|(name, value)| (Value::from(name.as_str()), value));
    let members: Vec<String> = members.map(|(name, value)| format!("{name}:{value}")).collect();
    format!("{{{}}}", members.join(","))
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

/// A record as it was read: no member twice, and nothing but what records hold.
#[derive(Debug)]
pub(super) struct Read(pub(super) Record);

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Read;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Read, A::Error> {
        let mut record = BTreeMap::new();
        while let Some((name, value)) = members.next_entry::<String, Value>()? {
            let is_plain =
                value.is_string() || value.is_boolean() || value.is_u64() || value.is_i64();
            if !is_plain || record.insert(name, value).is_some() {
                return Err(A::Error::custom("not a record"));
            }
        }
        Ok(Read(record))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_canonical_form_is_sorted_and_has_no_white_space() {
        let text = r#" { "b" : 1 , "a" : "\u0041\n\u00e4" , "c":true } "#;
        let Read(record) = serde_json::from_str(text).unwrap();
        assert_eq!(canonical(&record), r#"{"a":"A\nä","b":1,"c":true}"#);
        // sha256("wicketgate audit v1\n" + the above)
        assert_eq!(
            Hasher::Plain.hash(&record),
            "a3a9b63e008f247a5d2976ceb4b9244cd2bd55417ac6980230a5ec976b09a5a5"
        );
        assert_eq!(
            Hasher::keyed(b"key").hash(&record),
            "f479d91d34a2c871f16278d34f4684c1b2d27aebeee545622bc7f736757851ea"
        );
    }

    #[test]
    fn a_member_that_is_there_twice_or_holds_another_thing_is_no_record() {
        for text in
            [r#"{"a":"1","a":"2"}"#, r#"{"a":[]}"#, r#"{"a":null}"#, r#"{"a":1.5}"#, "[]", "{} {}"]
        {
            assert!(serde_json::from_str::<Read>(text).is_err(), "{text}");
        }
    }
}
