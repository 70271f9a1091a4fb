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
    #[serde(default)]
    #[expect(dead_code, reason = "for people")]
    description: Option<String>,
    /// One of these is enough.
    #[serde(default)]
    any: Option<Vec<String>>,
    /// All of these are needed.
    #[serde(default)]
    all: Option<Vec<String>>,
}

impl NeedsFile {
    /// Whether something is asked for wherever it looks like it, and nothing that nobody can have.
    pub(in super::super) fn is_meant(&self) -> bool {
        let mut lists = self.any.iter().chain(&self.all).peekable();
        lists.peek().is_some()
            && lists.all(|list| !list.is_empty() && list.iter().all(|one| !one.is_empty()))
    }
}

impl From<NeedsFile> for Needs {
    fn from(file: NeedsFile) -> Self {
        Self { any: file.any.unwrap_or_default(), all: file.all.unwrap_or_default() }
    }
}

impl RouteFile {
    /// Whether callers must hold something.
    pub(in super::super) const fn asks_for_rights(&self) -> bool {
        self.scopes.is_some() || self.roles.is_some()
    }
}
