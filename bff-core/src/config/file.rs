//! Owns: `bff.yaml`: what has no variable. Unknown keys are errors; `description` is allowed everywhere.

use std::collections::BTreeMap;

use serde::Deserialize;
use shell::config::{Settings, yaml};

use super::login_methods::LoginMethodFile;
use super::rate_limits::RateLimitsFile;
use super::telemetry::TelemetryFile;
use super::user_context::ContextFile;
use crate::limits::RateLimits;

/// Its name in `BFF_CONFIG_DIR`.
pub(super) const NAME: &str = "bff.yaml";

/// The file as it is written.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct BffFile {
    #[serde(default)]
    #[expect(dead_code, reason = "for people")]
    description: Option<String>,
    /// What the server knows of a user and the browser need not.
    #[serde(default)]
    pub(super) user_context: Option<ContextFile>,
    /// Names for ways to sign in, for method= of /auth/login.
    #[serde(default)]
    login_methods: BTreeMap<String, LoginMethodFile>,
    /// How often callers may ask, where no tenant has its own.
    #[serde(default)]
    rate_limits: RateLimitsFile,
    /// What pages may name in their reports.
    #[serde(default)]
    pub(super) telemetry: TelemetryFile,
}

impl BffFile {
    /// That of `text`, noting all problems in `settings`.
    pub(super) fn parse(text: &str, settings: &mut Settings) -> Self {
        yaml::parse(NAME, text, settings).unwrap_or_else(|problem| {
            settings.add(problem);
            Self::default()
        })
    }

    /// Those that are written, once.
    pub(super) fn take_login_methods(&mut self) -> BTreeMap<String, LoginMethodFile> {
        std::mem::take(&mut self.login_methods)
    }

    /// The limits that hold for all.
    pub(super) fn rate_limits(&self, settings: &mut Settings) -> RateLimits {
        self.rate_limits.over(&RateLimits::default(), &format!("{NAME}: rate_limits"), settings)
    }
}
