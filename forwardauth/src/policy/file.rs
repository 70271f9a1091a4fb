//! Owns: the shape of `forwardauth.yaml`. Unknown keys are errors; `description` is allowed everywhere.

use std::collections::BTreeMap;

use serde::Deserialize;

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
    pub(super) groups: Option<NeedsFile>,
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
