//! Owns: `bff.yaml`: what has no variable. Unknown keys are errors; `description` is allowed everywhere.

use std::path::Path;

use serde::Deserialize;
use shell::config::{Settings, yaml};

use super::rate_limits::RateLimitsFile;
use super::telemetry::TelemetryFile;
use super::user_context::ContextFile;
use crate::limits::RateLimits;

const NAME: &str = "bff.yaml";

/// The file as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BffFile {
    #[serde(default)]
    #[expect(dead_code, reason = "for people")]
    description: Option<String>,
    #[serde(default)]
    pub(super) user_context: Option<ContextFile>,
    #[serde(default)]
    rate_limits: RateLimitsFile,
    #[serde(default)]
    pub(super) telemetry: TelemetryFile,
}

impl BffFile {
    /// `bff.yaml` in `BFF_CONFIG_DIR`, noting all problems in `settings`; empty if there is no such file.
    pub(super) fn read(settings: &mut Settings) -> Self {
        let directory = settings.text("BFF_CONFIG_DIR");
        let path = Path::new(directory.as_deref().unwrap_or("/app/config")).join(NAME);
        if !path.exists() {
            return Self::default();
        }
        yaml::load(&path, settings).unwrap_or_else(|problem| {
            settings.add(problem);
            Self::default()
        })
    }

    /// The limits that hold for all.
    pub(super) fn rate_limits(&self, settings: &mut Settings) -> RateLimits {
        self.rate_limits.over(&RateLimits::default(), &format!("{NAME}: rate_limits"), settings)
    }
}
