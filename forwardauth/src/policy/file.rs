//! Owns: the shape of `forwardauth.yaml`. Unknown keys are errors; `description` is allowed everywhere.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct PoliciesFile {
    #[serde(default)]
    #[expect(dead_code, reason = "for people")]
    description: Option<String>,
    /// Required: a file that was cut short is not one that takes all policies away.
    pub(super) policies: BTreeMap<String, PolicyFile>,
}

#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct PolicyFile {
    #[serde(default)]
    #[expect(dead_code, reason = "for people")]
    description: Option<String>,
    #[serde(default)]
    pub(super) scopes: Option<NeedsFile>,
    #[serde(default)]
    pub(super) roles: Option<NeedsFile>,
    #[serde(default)]
    pub(super) groups: Option<GroupsFile>,
    #[serde(default)]
    pub(super) tenant: Option<String>,
    #[serde(default)]
    pub(super) acr: Option<Words>,
    #[serde(default)]
    pub(super) max_age: Option<Scalar>,
    #[serde(default)]
    pub(super) email_domains: Option<Vec<String>>,
    #[serde(default)]
    pub(super) authorization: Option<AuthorizationFile>,
    #[serde(default)]
    pub(super) aud: Option<String>,
    #[serde(default)]
    pub(super) bearer: Option<Vec<String>>,
    #[serde(default)]
    pub(super) headers: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct NeedsFile {
    #[serde(default)]
    #[expect(dead_code, reason = "for people")]
    description: Option<String>,
    /// One of these is enough.
    #[serde(default)]
    pub(super) any: Option<Vec<String>>,
    /// All of these are needed.
    #[serde(default)]
    pub(super) all: Option<Vec<String>>,
}

/// What is needed, or a plain list, one of which is enough, as of `email_domains`.
#[derive(Debug)]
pub(super) struct GroupsFile(pub(super) NeedsFile);

impl<'de> Deserialize<'de> for GroupsFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListOrNeeds;

        impl<'de> Visitor<'de> for ListOrNeeds {
            type Value = GroupsFile;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list, or any and all with lists")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<GroupsFile, A::Error> {
                let any = Vec::deserialize(SeqAccessDeserializer::new(list))?;
                Ok(GroupsFile(NeedsFile { any: Some(any), ..NeedsFile::default() }))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<GroupsFile, A::Error> {
                NeedsFile::deserialize(MapAccessDeserializer::new(map)).map(GroupsFile)
            }
        }

        deserializer.deserialize_any(ListOrNeeds)
    }
}

#[cfg(test)]
impl schemars::JsonSchema for GroupsFile {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "GroupsFile".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let (list, needs) =
            (generator.subschema_for::<Vec<String>>(), generator.subschema_for::<NeedsFile>());
        schemars::json_schema!({ "anyOf": [list, needs] })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(super) enum AuthorizationFile {
    None,
    Access,
    Context,
}

/// A number or a text: durations may be either.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub(super) enum Scalar {
    Number(u64),
    Text(String),
}

/// One word, or several in a list.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub(super) enum Words {
    Text(String),
    List(Vec<String>),
}

impl Words {
    pub(super) fn list(self) -> Vec<String> {
        match self {
            Self::Text(text) => vec![text],
            Self::List(words) => words,
        }
    }
}
