//! Owns: `rate_limits` of `bff.yaml`, which holds for all, and of a tenant in `tenants.yaml`, which holds
//! in its place.

use serde::Deserialize;
use shell::config::Settings;

use crate::limits::{RateLimits, Rule, RuleFile};

/// The limits as a file writes them.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct RateLimitsFile {
    #[serde(default)]
    #[expect(dead_code, reason = "for people")]
    description: Option<String>,
    /// GET /auth/login, by address: off, or a limit and a window.
    #[serde(default)]
    login: Option<RuleFile>,
    /// POST to /auth/callback and the logouts, by address.
    #[serde(default)]
    auth_post: Option<RuleFile>,
    /// What pages ask about their session, by session.
    #[serde(default)]
    session: Option<RuleFile>,
    /// Proxied calls on routes without a limit of their own, by session.
    #[serde(default)]
    proxy: Option<RuleFile>,
    /// Back-channel logouts, by issuer and address.
    #[serde(default)]
    backchannel: Option<RuleFile>,
    /// Reports of pages, by address.
    #[serde(default)]
    telemetry: Option<RuleFile>,
}

impl RateLimitsFile {
    /// The limits, each as the file has it, else as `default` has it. `place` names the key in problems,
    /// which go to `settings`.
    pub(super) fn over(
        &self,
        default: &RateLimits,
        place: &str,
        settings: &mut Settings,
    ) -> RateLimits {
        let mut rule = |name: &'static str, written: Option<RuleFile>, default: &Option<Rule>| {
            let Some(written) = written else { return default.clone() };
            let place = format!("{place}: {name}");
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
            login: rule("login", self.login, &default.login),
            auth_post: rule("auth_post", self.auth_post, &default.auth_post),
            session: rule("session", self.session, &default.session),
            proxy: rule("proxy", self.proxy, &default.proxy),
            backchannel: rule("backchannel", self.backchannel, &default.backchannel),
            telemetry: rule("telemetry", self.telemetry, &default.telemetry),
        }
    }

    /// Those of a tenant, in the place of what holds for `all`.
    pub(super) fn of_tenant(
        &self,
        all: &RateLimits,
        place: &str,
        settings: &mut Settings,
    ) -> RateLimits {
        if self.backchannel.is_some() {
            settings.problem(
                &format!("{place}: backchannel"),
                "is counted by issuer, which tenants may share",
                "Say it in rate_limits of bff.yaml, for all.",
            );
        }
        self.over(all, place, settings)
    }
}
