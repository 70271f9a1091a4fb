//! Owns: the shape of `routes.yaml`. Unknown keys are errors; `description` is allowed everywhere.

mod inject;
mod response;
mod route;
mod service;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use shell::config::parse;

use super::build::What;
pub(super) use inject::InjectFile;
pub(super) use response::ResponseFile;
pub(super) use route::{AuthFile, CsrfFile, NeedsFile, RouteFile};
pub(super) use service::ServiceFile;

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct RoutesFile {
    #[serde(default)]
    version: Option<Scalar>,
    #[serde(default)]
    #[expect(dead_code, reason = "for people")]
    description: Option<String>,
    /// Whom we call, by the name that routes use.
    #[serde(default)]
    pub(super) services: BTreeMap<String, ServiceFile>,
    /// What browsers may ask for, and where it goes.
    #[serde(default)]
    pub(super) routes: Vec<RouteFile>,
}

/// A number or a text: durations and versions may be either.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub(super) enum Scalar {
    Number(f64),
    Text(String),
}

impl Scalar {
    /// As a duration; a bare number is seconds.
    fn duration(&self) -> Result<Duration, String> {
        match self {
            Self::Number(seconds) => parse::duration(&seconds.to_string()),
            Self::Text(text) => parse::duration(text),
        }
    }

    /// As a size; a bare number is bytes.
    fn size(&self) -> Result<usize, String> {
        match self {
            Self::Number(bytes) => parse::size(&bytes.to_string()),
            Self::Text(text) => parse::size(text),
        }
    }
}

/// A time that something may take; zero would be no time at all.
pub(super) fn span(name: &str, value: Option<&Scalar>) -> Result<Option<Duration>, What> {
    let refused =
        |problem: &str| What::new(&format!("has {name} that {problem}"), "For example 30s.");
    match value.map(Scalar::duration).transpose() {
        Ok(Some(Duration::ZERO)) => Err(refused("is zero")),
        Ok(span) => Ok(span),
        Err(problem) => Err(refused(&problem)),
    }
}

impl RoutesFile {
    /// The files that it names.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        self.services.values().flat_map(ServiceFile::files).collect()
    }

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
