//! Owns: rules: how many requests in what time, and the defaults of DESIGN section 6.

use std::sync::Arc;
use std::time::Duration;

use session::permits::Quota;

use super::RateLimited;

/// How many requests a caller may make in what time.
#[derive(Debug, Clone)]
pub struct Rule {
    pub(super) kind: &'static str,
    pub(super) label: Arc<str>,
    pub(super) quota: Quota,
}

impl Rule {
    /// `kind` is what clients are told; `label` names the rule in metrics and logs, and keeps what is counted
    /// apart from other rules. `None` for a limit of zero, or a window that is not of a second to a day.
    pub fn new(kind: &'static str, label: &str, limit: u32, window: Duration) -> Option<Self> {
        Quota::new(limit, window).map(|quota| Self { kind, label: label.into(), quota })
    }

    /// What it allows.
    pub const fn quota(&self) -> Quota {
        self.quota
    }

    pub(super) fn refusal(&self, back_in: Duration) -> RateLimited {
        RateLimited { kind: self.kind, label: Arc::clone(&self.label), quota: self.quota, back_in }
    }
}

/// The limits that hold without a word in a file; `None` is switched off.
#[derive(Debug, Clone)]
pub struct RateLimits {
    /// `/auth/login`, by address.
    pub login: Option<Rule>,
    /// Other `POST /auth/*`, by address.
    pub auth_post: Option<Rule>,
    /// `/api/auth/session` and its neighbours, by session.
    pub session: Option<Rule>,
    /// Proxied calls on routes without a limit of their own, by session.
    pub proxy: Option<Rule>,
    /// `/auth/backchannel-logout`, by issuer and address.
    pub backchannel: Option<Rule>,
    /// `/api/v1/metrics`, by address.
    pub telemetry: Option<Rule>,
}

impl Default for RateLimits {
    fn default() -> Self {
        let rule = |kind, limit| Rule::new(kind, kind, limit, Duration::from_secs(60));
        Self {
            login: rule("login", 10),
            auth_post: rule("auth_post", 20),
            session: rule("session", 100),
            proxy: rule("proxy", 1_000),
            backchannel: rule("backchannel", 1_000),
            telemetry: rule("telemetry", 600),
        }
    }
}
