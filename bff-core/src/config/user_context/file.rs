//! Owns: the shape of `user_context` in `bff.yaml`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use shell::config::parse;

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct ContextFile {
    #[serde(default)]
    #[expect(dead_code, reason = "for people")]
    description: Option<String>,
    #[serde(default)]
    pub(super) refresh: Option<Scalar>,
    #[serde(default)]
    pub(super) max_bytes: Option<Scalar>,
    #[serde(default)]
    pub(super) sources: Vec<SourceFile>,
    #[serde(default)]
    pub(super) browser: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct SourceFile {
    #[serde(default)]
    #[expect(dead_code, reason = "for people")]
    description: Option<String>,
    pub(super) kind: KindFile,
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) url: Option<String>,
    #[serde(default)]
    pub(super) timeout: Option<Scalar>,
    #[serde(default)]
    pub(super) token: Option<TokenFile>,
    #[serde(default)]
    pub(super) required: bool,
    pub(super) map: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(super) enum KindFile {
    Claims,
    Userinfo,
    Http,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(super) enum TokenFile {
    Session,
    None,
}

/// A number or a text.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub(super) enum Scalar {
    Number(u64),
    Text(String),
}

impl KindFile {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Claims => "claims",
            Self::Userinfo => "userinfo",
            Self::Http => "http",
        }
    }
}

impl Scalar {
    fn text(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }

    /// As a duration; a bare number is seconds.
    pub(super) fn duration(&self) -> Result<Duration, String> {
        parse::duration(&self.text())
    }

    /// As a size; a bare number is bytes.
    pub(super) fn size(&self) -> Result<usize, String> {
        parse::size(&self.text())
    }
}
