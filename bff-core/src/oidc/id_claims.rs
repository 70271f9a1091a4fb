//! Owns: what is read out of a verified ID token, and where roles, groups and tenant are found.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::config::OidcConfig;
use super::error::OidcError;

/// The claims of an ID token that passed every check.
#[derive(Clone)]
pub struct IdClaims {
    /// `iss`
    pub issuer: String,
    /// `sub`
    pub subject: String,
    /// The value of the configured user id claim.
    pub user_id: String,
    /// The session at the issuer, which back-channel logout names.
    pub sid: Option<String>,
    /// When the user authenticated, unix seconds.
    pub auth_time: Option<u64>,
    /// `iat`, unix seconds.
    pub issued_at: u64,
    /// `exp`, unix seconds.
    pub expires_at: u64,
    /// The authentication class reached.
    pub acr: Option<String>,
    /// The authentication methods used.
    pub amr: Vec<String>,
    /// `name`
    pub name: Option<String>,
    /// `preferred_username`
    pub preferred_username: Option<String>,
    /// `email`
    pub email: Option<String>,
    /// `email_verified`
    pub email_verified: Option<bool>,
    /// `picture`
    pub picture: Option<String>,
    /// From the configured role claims, without duplicates.
    pub roles: Vec<String>,
    /// From the configured group claims, without duplicates.
    pub groups: Vec<String>,
    /// From the configured tenant claim.
    pub tenant: Option<String>,
    /// Every claim as it came.
    pub all: Map<String, Value>,
}

impl std::fmt::Debug for IdClaims {
    /// Claims are personal data, so a log gets none.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IdClaims").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// The registered claims that are checked, typed as OpenID Connect Core section 2 types them.
#[derive(Deserialize)]
pub(super) struct Registered {
    pub(super) iss: String,
    pub(super) sub: String,
    pub(super) aud: Audience,
    pub(super) exp: Seconds,
    pub(super) iat: Seconds,
    pub(super) nbf: Option<Seconds>,
    pub(super) azp: Option<String>,
    pub(super) nonce: Option<String>,
    pub(super) at_hash: Option<String>,
    pub(super) auth_time: Option<Seconds>,
    pub(super) acr: Option<String>,
    pub(super) sid: Option<String>,
}

/// `aud`: one string or several.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    pub(super) fn as_slice(&self) -> &[String] {
        match self {
            Self::One(audience) => std::slice::from_ref(audience),
            Self::Many(audiences) => audiences,
        }
    }
}

/// A `NumericDate` (RFC 7519 section 2), which may have a fraction.
#[derive(Deserialize, Clone, Copy)]
#[serde(untagged)]
pub(super) enum Seconds {
    Whole(u64),
    Fraction(f64),
}

impl Seconds {
    /// Whole seconds; a date before the epoch or out of range is the epoch.
    pub(super) fn get(self) -> u64 {
        match self {
            Self::Whole(seconds) => seconds,
            Self::Fraction(seconds) => std::time::Duration::try_from_secs_f64(seconds)
                .map_or(0, |duration| duration.as_secs()),
        }
    }
}

impl IdClaims {
    pub(super) fn new(
        registered: Registered,
        all: Map<String, Value>,
        config: &OidcConfig,
    ) -> Result<Self, OidcError> {
        let text = |name: &str| all.get(name).and_then(Value::as_str).map(str::to_owned);
        let user_id = at(&all, &config.user_id_claim)
            .and_then(scalar)
            .filter(|id| !id.is_empty())
            .ok_or(OidcError::IdToken("user_id_claim_missing"))?;
        Ok(Self {
            user_id,
            sid: registered.sid,
            auth_time: registered.auth_time.map(Seconds::get),
            issued_at: registered.iat.get(),
            expires_at: registered.exp.get(),
            acr: registered.acr,
            amr: all.get("amr").map(words).unwrap_or_default(),
            name: text("name"),
            preferred_username: text("preferred_username"),
            email: text("email"),
            email_verified: all.get("email_verified").and_then(truth),
            picture: text("picture"),
            roles: joined(&all, &config.role_claims),
            groups: joined(&all, &config.group_claims),
            tenant: config.tenant_claim.as_deref().and_then(|name| scalar(at(&all, name)?)),
            issuer: registered.iss,
            subject: registered.sub,
            all,
        })
    }

    /// The claim called `name`, or else the one that the dots in `name` lead to.
    pub fn claim(&self, name: &str) -> Option<&Value> {
        at(&self.all, name)
    }
}

/// The claim called `name`, or else the one that the dots in `name` lead to. URLs as claim names
/// hold dots too, so the whole name is tried first.
pub(crate) fn at<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    if let Some(value) = claims.get(name) {
        return Some(value);
    }
    let mut parts = name.split('.');
    let first = claims.get(parts.next()?)?;
    parts.try_fold(first, |value, part| value.get(part))
}

/// A text, or a number as one.
pub(crate) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// `email_verified` is a string at some issuers.
fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// A list of strings, or one string. A string is one value: splitting it would turn a role that
/// holds a space into two that may mean more.
fn words(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// The values of all claims called `names`, each once.
pub(crate) fn joined(claims: &Map<String, Value>, names: &[String]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for word in names.iter().filter_map(|name| at(claims, name)).flat_map(words) {
        if !word.is_empty() && !all.contains(&word) {
            all.push(word);
        }
    }
    all
}

#[cfg(test)]
pub(super) mod tests;
