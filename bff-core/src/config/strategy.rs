//! Owns: `BFF_STRATEGY`, and the chart's flags that stand for it.

use shell::config::{Settings, parse};

use super::{Tenancy, TenantSettings};
use crate::oidc::Profile;

/// What services are shown of a session's rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strategy {
    /// Its access token.
    #[default]
    PassThrough,
    /// A token for the one service, exchanged for it (RFC 8693).
    Downscope,
    /// Its access token, and none that is not bound to a key or a certificate.
    Fapi,
}

/// Puts in place of the chart's flags what they stand for; what contradicts them is told.
pub(super) fn apply_flags(settings: &mut Settings) {
    let mut is_on = |name| settings.parsed(name, "Use true or false.", parse::switch) == Some(true);
    let narrow = is_on("ENABLE_TOKEN_DOWNSCOPING");
    let fapi = is_on("ENABLE_FAPI_COMPLIANCE");
    if narrow && fapi {
        settings.problem(
            "ENABLE_TOKEN_DOWNSCOPING",
            "stands for another BFF_STRATEGY than ENABLE_FAPI_COMPLIANCE",
            "Keep one; with the other, services may say token: exchange themselves.",
        );
    } else if narrow {
        stand_for(settings, "ENABLE_TOKEN_DOWNSCOPING", &[("BFF_STRATEGY", "downscope")]);
    } else if fapi {
        let wanted = [("OIDC_PROFILE", "fapi2"), ("BFF_STRATEGY", "fapi")];
        stand_for(settings, "ENABLE_FAPI_COMPLIANCE", &wanted);
    }
}

fn stand_for(settings: &mut Settings, flag: &str, wanted: &[(&'static str, &'static str)]) {
    for (name, value) in wanted {
        if settings.text(name).is_some_and(|set| set != *value) {
            let problem = format!("is not {value}, which {flag} stands for");
            settings.problem(name, &problem, "Change or unset one of them.");
        }
    }
    *settings = settings.clone().with_defaults(wanted.iter().copied());
}

impl Strategy {
    pub(super) fn read(settings: &mut Settings) -> Self {
        let hint = "Use pass_through, downscope or fapi.";
        settings.parsed("BFF_STRATEGY", hint, Self::parse).unwrap_or_default()
    }

    /// The strategy of `settings`, whose problems are told elsewhere.
    pub(crate) fn of(settings: &mut Settings) -> Self {
        let text = settings.text("BFF_STRATEGY");
        text.and_then(|text| Self::parse(&text).ok()).unwrap_or_default()
    }

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "pass_through" => Ok(Self::PassThrough),
            "downscope" => Ok(Self::Downscope),
            "fapi" => Ok(Self::Fapi),
            _ => Err("is not a strategy".to_owned()),
        }
    }

    /// What it needs of the relying parties.
    pub(super) fn agree(self, settings: &mut Settings, tenancy: &Tenancy) {
        let strict = |tenant: &TenantSettings| tenant.login.oidc.profile == Profile::Fapi2;
        if self == Self::Fapi && !tenancy.tenants.iter().all(strict) {
            settings.problem(
                "BFF_STRATEGY",
                "is fapi without OIDC_PROFILE=fapi2",
                "Set OIDC_PROFILE=fapi2: only bound tokens can be sent bound.",
            );
        }
    }
}
