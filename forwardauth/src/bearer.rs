//! Owns: the bearer token of a request, where a policy takes one (RFC 6750, through `validator-lib`). A token that is
//! there decides alone. JWKS is all that is fetched; a DPoP-bound token is refused, because its proof is for an
//! address that verify cannot vouch for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use shell::clock::Clock;
use validator_lib::{Incoming, Token, Validator};

use crate::background::Background;
use crate::config::{BearerIssuers, Issuers, VerifyConfig};
use crate::policy::{Demands, StepUp};
use crate::refusal::Refusal;

/// What one thread keeps of the tokens of one set of issuers, in bytes.
const KEPT_BYTES: u64 = 4 << 20;
/// Most sets of issuers whose validators are kept: a file that is reloaded may name new ones.
const SETS_MAX: usize = 64;

/// What a policy takes: names of entries in `idps.yaml`.
pub(crate) type IssuerSet = Arc<[String]>;

/// The validators of one thread.
pub(crate) struct Bearer {
    issuers: BearerIssuers,
    clock: Arc<dyn Clock>,
    /// Longest wait for keys.
    deadline: Duration,
    background: Background,
    validators: Mutex<Validators>,
}

/// Those that were made of one `idps.yaml`.
#[derive(Default)]
struct Validators {
    of: Arc<Issuers>,
    by_set: HashMap<IssuerSet, Validator>,
}

/// A token that is not taken.
#[derive(Debug)]
pub(crate) struct NotTaken {
    pub(crate) refusal: Refusal,
    /// For logs.
    pub(crate) reason: &'static str,
    /// What is said of it (RFC 6750 section 3).
    pub(crate) challenges: Vec<String>,
}

impl NotTaken {
    /// A good token that does not do for its route (RFC 6750 section 3.1, RFC 9470 section 3).
    pub(crate) fn lacking(refusal: Refusal, demands: &Demands) -> Self {
        let quoted = |name: &str, text: &str| format!(r#", {name}="{text}""#);
        let more = if refusal == Refusal::MissingScope {
            quoted("scope", &demands.scopes().join(" "))
        } else if refusal.asks_for_step_up() {
            let StepUp { acr, max_age } = demands.step_up();
            let acr =
                if acr.is_empty() { String::new() } else { quoted("acr_values", &acr.join(" ")) };
            let max_age = max_age.map(|age| quoted("max_age", &age.to_string()));
            format!("{acr}{}", max_age.unwrap_or_default())
        } else {
            String::new()
        };
        let code = refusal.row().code;
        let challenges = vec![format!(r#"Bearer error="{code}"{more}"#)];
        Self { refusal, reason: refusal.reason(), challenges }
    }

    pub(crate) const fn for_reason(refusal: Refusal, reason: &'static str) -> Self {
        Self { refusal, reason, challenges: Vec::new() }
    }
}

impl From<validator_lib::Refusal> for NotTaken {
    fn from(refused: validator_lib::Refusal) -> Self {
        let refusal = match refused.status() {
            400 => Refusal::BearerMalformed,
            503 => Refusal::BearerKeys,
            _ => Refusal::BearerInvalid,
        };
        Self { refusal, reason: refused.reason(), challenges: refused.challenges() }
    }
}

impl Bearer {
    pub(crate) fn new(
        config: &VerifyConfig,
        clock: Arc<dyn Clock>,
        background: Background,
    ) -> Self {
        let (issuers, deadline) = (config.bearer.clone(), config.deadline);
        Self { issuers, clock, deadline, background, validators: Mutex::default() }
    }

    /// Whether a token is there, or anything that may be meant as one. Another scheme is none.
    pub(crate) fn is_shown(headers: &HeaderMap) -> bool {
        let other = |value: &HeaderValue| {
            let name = value.as_bytes().split(u8::is_ascii_whitespace).next().unwrap_or_default();
            let ours = [&b"bearer"[..], b"dpop"].iter().any(|ours| name.eq_ignore_ascii_case(ours));
            !ours && value.to_str().is_ok()
        };
        !headers.get_all(AUTHORIZATION).iter().all(other)
    }

    /// The token in `headers`, checked within the deadline.
    ///
    /// # Errors
    /// [`NotTaken`]. Keys that cannot be had are 503, and never the token's fault.
    ///
    /// # Cancel safety
    /// Dropped, it leaves a fetch to whoever asks next.
    pub(crate) async fn token(
        &self,
        set: &IssuerSet,
        headers: &HeaderMap,
    ) -> Result<Token, NotTaken> {
        let validator =
            self.validator(set).ok_or(NotTaken::for_reason(Refusal::Policy, "issuers"))?;
        let lines: Vec<HeaderValue> = headers.get_all(AUTHORIZATION).iter().cloned().collect();
        let mut checked = Box::pin(async move {
            let lines: Vec<&[u8]> = lines.iter().map(HeaderValue::as_bytes).collect();
            validator.check_incoming(&Incoming::new("", "", &lines)).await
        });
        if let Ok(checked) = tokio::time::timeout(self.deadline, &mut checked).await {
            return Ok(checked?);
        }
        // The fetch goes on, so that its answer is there for who asks next.
        self.background.run("keys", async move { drop(checked.await) });
        Err(NotTaken::for_reason(Refusal::BearerKeys, "keys_timeout"))
    }

    fn validator(&self, set: &IssuerSet) -> Option<Validator> {
        let mut validators = self.validators.lock().unwrap_or_else(PoisonError::into_inner);
        let issuers = self.issuers.load();
        if !Arc::ptr_eq(&validators.of, &issuers) {
            *validators = Validators { of: Arc::clone(&issuers), by_set: HashMap::new() };
        }
        if let Some(validator) = validators.by_set.get(set) {
            return Some(validator.clone());
        }
        let mut trusted = set.iter().map(|name| issuers.trusted(name));
        let clock = Arc::clone(&self.clock);
        let mut builder = Validator::trusting(trusted.next()??)
            .cache_bytes(KEPT_BYTES)
            .clock(move || clock.unix_seconds());
        for issuer in trusted {
            builder = builder.trust(issuer?);
        }
        let validator = builder.build().ok()?;
        if validators.by_set.len() >= SETS_MAX {
            validators.by_set.clear();
        }
        validators.by_set.insert(Arc::clone(set), validator.clone());
        Some(validator)
    }
}
