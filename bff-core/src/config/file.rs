//! Owns: `bff.yaml`: what has no variable. Unknown keys are errors; `description` is allowed everywhere.

use std::path::Path;

use serde::Deserialize;
use shell::config::{Settings, yaml};

use super::telemetry::TelemetryFile;
use super::user_context::ContextFile;
use crate::limits::{RateLimits, Rule, RuleFile};

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

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RateLimitsFile {
    #[serde(default)]
    #[expect(dead_code, reason = "for people")]
    description: Option<String>,
    #[serde(default)]
    login: Option<RuleFile>,
    #[serde(default)]
    auth_post: Option<RuleFile>,
    #[serde(default)]
    session: Option<RuleFile>,
    #[serde(default)]
    proxy: Option<RuleFile>,
    #[serde(default)]
    backchannel: Option<RuleFile>,
    #[serde(default)]
    telemetry: Option<RuleFile>,
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

    /// The limits, each as the file has it, else as it is without a word.
    pub(super) fn rate_limits(&self, settings: &mut Settings) -> RateLimits {
        let (file, default) = (&self.rate_limits, RateLimits::default());
        let mut rule = |name: &'static str, written: Option<RuleFile>, default: Option<Rule>| {
            let Some(written) = written else { return default };
            let place = format!("{NAME}: rate_limits: {name}");
            if written.key().is_some() {
                let hint = "Remove key; routes alone choose theirs.";
                settings.problem(&place, "has a key of its own choice", hint);
            }
            written.rule(name, name).unwrap_or_else(|problem| {
                let hint = "For example { limit: 100, window: 1m }, or off.";
                settings.problem(&place, problem, hint);
                None
            })
        };
        RateLimits {
            login: rule("login", file.login, default.login),
            auth_post: rule("auth_post", file.auth_post, default.auth_post),
            session: rule("session", file.session, default.session),
            proxy: rule("proxy", file.proxy, default.proxy),
            backchannel: rule("backchannel", file.backchannel, default.backchannel),
            telemetry: rule("telemetry", file.telemetry, default.telemetry),
        }
    }
}
