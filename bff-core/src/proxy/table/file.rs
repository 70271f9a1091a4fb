//! Owns: the shape of `routes.yaml`. Unknown keys are errors; `description` is allowed everywhere.

use std::collections::BTreeMap;

use http::Uri;
use serde::Deserialize;
use shell::config::parse;

use super::build::What;
use super::{Needs, Service};

const DEFAULT_TIMEOUT: &str = "30s";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RoutesFile {
    #[serde(default)]
    version: Option<Scalar>,
    #[serde(default)]
    #[expect(dead_code, reason = "for people")]
    description: Option<String>,
    #[serde(default)]
    pub(super) services: BTreeMap<String, ServiceFile>,
    #[serde(default)]
    pub(super) routes: Vec<RouteFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServiceFile {
    base_url: String,
    #[serde(default)]
    timeout: Option<Scalar>,
    #[serde(default)]
    #[expect(dead_code, reason = "serves token exchange, which is not built yet")]
    audience: Option<String>,
    #[serde(default)]
    tls: Option<Unbuilt>,
    #[serde(default)]
    #[expect(dead_code, reason = "for people")]
    description: Option<String>,
}

/// A number or a text: durations and versions may be either.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Scalar {
    Number(f64),
    Text(String),
}

/// Something whose shape is checked by the version that builds it.
#[derive(Debug, Deserialize)]
struct Unbuilt {}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RouteFile {
    #[serde(default)]
    pub(super) id: Option<String>,
    #[serde(default)]
    #[expect(dead_code, reason = "for people")]
    description: Option<String>,
    pub(super) path: String,
    pub(super) target_service: String,
    #[serde(default)]
    pub(super) upstream_path: Option<String>,
    #[serde(default)]
    #[expect(dead_code, reason = "paths are always kept as they are")]
    preserve_path: bool,
    pub(super) methods: Vec<String>,
    pub(super) auth: AuthFile,
    #[serde(default)]
    pub(super) csrf: Option<CsrfFile>,
    #[serde(default)]
    pub(super) scopes: Option<NeedsFile>,
    #[serde(default)]
    pub(super) roles: Option<NeedsFile>,
    #[serde(default)]
    rate_limit: Option<Unbuilt>,
    #[serde(default)]
    inject: Option<Unbuilt>,
    #[serde(default)]
    response: Option<Unbuilt>,
    #[serde(default)]
    timeout: Option<Scalar>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum AuthFile {
    Session,
    Bearer,
    Hybrid,
    Optional,
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum CsrfFile {
    Default,
    Strict,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NeedsFile {
    #[serde(default)]
    any: Vec<String>,
    #[serde(default)]
    all: Vec<String>,
}

impl From<NeedsFile> for Needs {
    fn from(file: NeedsFile) -> Self {
        Self { any: file.any, all: file.all }
    }
}

impl RoutesFile {
    /// There is one version so far; a file without one is of it.
    pub(super) fn check_version(&self) -> Option<What> {
        let known = match &self.version {
            None => true,
            Some(Scalar::Number(number)) => number.to_string() == "1",
            Some(Scalar::Text(text)) => matches!(text.as_str(), "1" | "1.0"),
        };
        (!known).then(|| What::new("is not one that this program reads", "Write version: \"1.0\"."))
    }
}

impl ServiceFile {
    pub(super) fn parse(&self, name: &str) -> Result<Service, What> {
        if self.tls.is_some() {
            return Err(What::new(
                "has tls settings, which are not available in this version",
                "Remove them; services are checked against the system's authorities.",
            ));
        }
        let url = self.base_url.trim_end_matches('/');
        let base_url: Option<Uri> = url.parse().ok();
        let usable = |uri: &Uri| {
            matches!(uri.scheme_str(), Some("http" | "https"))
                && uri.query().is_none()
                && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
        };
        let base_url = base_url.filter(usable).ok_or_else(|| {
            What::new("has a base_url that is no http URL", "For example http://crud:8000.")
        })?;
        let timeout = match &self.timeout {
            None => parse::duration(DEFAULT_TIMEOUT),
            Some(Scalar::Number(seconds)) => parse::duration(&seconds.to_string()),
            Some(Scalar::Text(text)) => parse::duration(text),
        };
        let timeout = timeout.map_err(|problem| {
            What::new(&format!("has a timeout that {problem}"), "For example 30s.")
        })?;
        Ok(Service { name: name.to_owned(), base_url, timeout })
    }
}

impl RouteFile {
    /// Whether callers must hold something.
    pub(super) fn asks_for_rights(&self) -> bool {
        let needs = |file: &Option<NeedsFile>| {
            file.as_ref().is_some_and(|file| !file.any.is_empty() || !file.all.is_empty())
        };
        needs(&self.scopes) || needs(&self.roles)
    }

    /// Keys and values that this version reads but does not carry out. Ignoring them would open
    /// what they close.
    pub(super) fn not_available(&self) -> Vec<What> {
        let asked = [
            ("auth: bearer or hybrid", matches!(self.auth, AuthFile::Bearer | AuthFile::Hybrid)),
            ("rate_limit", self.rate_limit.is_some()),
            ("inject", self.inject.is_some()),
            ("response", self.response.is_some()),
            ("timeout on a route", self.timeout.is_some()),
        ];
        asked
            .into_iter()
            .filter(|(_, asked)| *asked)
            .map(|(name, _)| {
                let problem = format!("asks for {name}, which is not available in this version");
                What::new(&problem, "Remove it; the README's table says what works today.")
            })
            .collect()
    }
}
