//! Owns: a route of `routes.yaml`.

use serde::Deserialize;

use super::super::Needs;
use super::{InjectFile, ResponseFile, Scalar};
use crate::limits::RuleFile;

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in super::super) struct RouteFile {
    #[serde(default)]
    pub(in super::super) id: Option<String>,
    #[serde(default)]
    #[expect(dead_code, reason = "for people")]
    description: Option<String>,
    pub(in super::super) path: String,
    pub(in super::super) target_service: String,
    #[serde(default)]
    pub(in super::super) upstream_path: Option<String>,
    #[serde(default)]
    #[expect(dead_code, reason = "paths are always kept as they are")]
    preserve_path: bool,
    pub(in super::super) methods: Vec<String>,
    pub(in super::super) auth: AuthFile,
    /// Entries of `idps.yaml`.
    #[serde(default)]
    pub(in super::super) idps: Vec<String>,
    /// Entries of `tenants.yaml`.
    #[serde(default)]
    pub(in super::super) tenants: Option<Vec<String>>,
    #[serde(default)]
    pub(in super::super) csrf: Option<CsrfFile>,
    #[serde(default)]
    pub(in super::super) scopes: Option<NeedsFile>,
    #[serde(default)]
    pub(in super::super) roles: Option<NeedsFile>,
    /// How often it may be asked: off, or a limit and a window.
    #[serde(default)]
    pub(in super::super) rate_limit: Option<RuleFile>,
    #[serde(default)]
    pub(in super::super) inject: Option<InjectFile>,
    #[serde(default)]
    pub(in super::super) response: Option<ResponseFile>,
    #[serde(default)]
    pub(in super::super) websocket: bool,
    #[serde(default)]
    pub(in super::super) timeout: Option<Scalar>,
    #[serde(default)]
    pub(in super::super) idle_timeout: Option<Scalar>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(in super::super) enum AuthFile {
    Session,
    Bearer,
    Hybrid,
    Optional,
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(in super::super) enum CsrfFile {
    Default,
    Strict,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in super::super) struct NeedsFile {
    /// One of these is enough.
    #[serde(default)]
    any: Vec<String>,
    /// All of these are needed.
    #[serde(default)]
    all: Vec<String>,
}

impl From<NeedsFile> for Needs {
    fn from(file: NeedsFile) -> Self {
        Self { any: file.any, all: file.all }
    }
}

impl RouteFile {
    /// Whether callers must hold something.
    pub(in super::super) fn asks_for_rights(&self) -> bool {
        let needs = |file: &Option<NeedsFile>| {
            file.as_ref().is_some_and(|file| !file.any.is_empty() || !file.all.is_empty())
        };
        needs(&self.scopes) || needs(&self.roles)
    }
}
