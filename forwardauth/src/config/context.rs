//! Owns: the settings of the context tokens that verify hands on (`FORWARDAUTH_AUTHORIZATION=context`, or a
//! policy that says so).

use std::num::NonZeroUsize;
use std::sync::Arc;

use session::context::ContextSigner;
use shell::config::Settings;

use super::BearerIssuers;
use crate::policy::HandOn;

const AUDIENCE: &str = "FORWARDAUTH_CONTEXT_AUD";
/// Most bytes of tokens that all threads keep together.
const TOKENS_MAX: usize = 64 << 20;

/// Who signs the tokens, and for whom. `Debug` shows no private key.
#[derive(Debug, Clone)]
pub struct ContextSettings {
    /// `BFF_CONTEXT_*`.
    pub signer: ContextSigner,
    /// `FORWARDAUTH_CONTEXT_AUD`: whom tokens are for where no policy says so.
    pub audience: Option<Arc<str>>,
    /// Most bytes of tokens that one thread keeps.
    pub kept_bytes: u64,
}

/// `None` where no keys are set, or something is wrong, which is noted in `settings`. `hand_on`: what the
/// routes without a policy of their own are given.
pub(super) fn read(
    settings: &mut Settings,
    threads: NonZeroUsize,
    hand_on: HandOn,
    bearer: &BearerIssuers,
) -> Option<ContextSettings> {
    let audience = settings.text(AUDIENCE).map(Arc::from);
    let has_keys = has_keys(settings);
    if hand_on == HandOn::ContextToken {
        let keys = "Set BFF_CONTEXT_KEYS and BFF_CONTEXT_ISSUER.";
        let name = "Set it to what services check as aud; policies may name their own.";
        if !has_keys {
            let problem = "asks for context tokens, and there are no keys to sign them";
            settings.problem("FORWARDAUTH_AUTHORIZATION", problem, keys);
        }
        if audience.is_none() {
            let problem = "is not set, and routes without a policy are given context tokens";
            settings.problem(AUDIENCE, problem, name);
        }
    } else if audience.is_some() && !has_keys {
        settings.problem(AUDIENCE, "names an audience of tokens that nobody signs", "Remove it.");
    }
    let signer = ContextSigner::read(settings)?;
    if let Some(issuer) = settings.text("OIDC_ISSUER") {
        signer.differs_from(&issuer, "OIDC_ISSUER", settings);
    }
    for (name, issuer) in bearer.load().all() {
        signer.differs_from(issuer, &format!("idps.yaml: idp {name}"), settings);
    }
    let kept_bytes = u64::try_from(TOKENS_MAX / threads).unwrap_or(u64::MAX);
    Some(ContextSettings { signer, audience, kept_bytes })
}

/// As the settings say it: what is wrong with the keys is told where they are read.
fn has_keys(settings: &mut Settings) -> bool {
    ["BFF_CONTEXT_KEYS", "BFF_CONTEXT_KEYS_FILE"].iter().any(|name| settings.text(name).is_some())
}
