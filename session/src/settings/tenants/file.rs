//! Owns: the shape of `tenants.yaml`. Unknown keys are errors; `description` is allowed everywhere.

use serde::Deserialize;

/// The file. `C` is the shape of a `client`, `R` that of `rate_limits`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, bound(deserialize = "C: Deserialize<'de>, R: Deserialize<'de>"))]
#[cfg_attr(not(feature = "schema"), expect(unreachable_pub, reason = "schemas are made outside"))]
pub struct File<C, R> {
    #[serde(default)]
    version: Option<Scalar>,
    #[serde(default)]
    #[expect(dead_code, reason = "for people")]
    description: Option<String>,
    /// What subdomains are under.
    #[serde(default)]
    pub(super) domain: Option<String>,
    /// Whom this deployment is for.
    #[serde(default = "Vec::new")]
    #[cfg_attr(feature = "schema", schemars(default))]
    pub(super) tenants: Vec<Entry<C, R>>,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, bound(deserialize = "C: Deserialize<'de>, R: Deserialize<'de>"))]
pub(super) struct Entry<C, R> {
    pub(super) id: String,
    #[serde(default)]
    pub(super) slug: Option<String>,
    #[serde(default)]
    #[expect(dead_code, reason = "for people")]
    description: Option<String>,
    #[serde(default)]
    pub(super) subdomain: Option<String>,
    #[serde(default)]
    pub(super) hosts: Vec<String>,
    #[serde(default)]
    pub(super) cookie: Option<CookieFile>,
    #[serde(default)]
    pub(super) cors_origins: Option<Vec<String>>,
    #[serde(default)]
    pub(super) issuer: Option<String>,
    #[serde(default = "none")]
    #[cfg_attr(feature = "schema", schemars(default))]
    pub(super) client: Option<C>,
    #[serde(default)]
    pub(super) idps: Vec<String>,
    #[serde(default)]
    pub(super) callback_host: Option<String>,
    #[serde(default)]
    pub(super) allowed_redirect_hosts: Vec<String>,
    #[serde(default)]
    pub(super) post_logout_redirect_uri: Option<String>,
    #[serde(default)]
    pub(super) limits: Option<LimitsFile>,
    #[serde(default = "none")]
    #[cfg_attr(feature = "schema", schemars(default))]
    pub(super) rate_limits: Option<R>,
}

fn none<T>() -> Option<T> {
    None
}

/// The session cookie of a tenant; what is left out is as the `BFF_COOKIE_*` settings have it.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CookieFile {
    #[serde(default)]
    #[expect(dead_code, reason = "for people")]
    description: Option<String>,
    /// `BFF_COOKIE_NAME`
    #[serde(default)]
    pub name: Option<String>,
    /// `BFF_COOKIE_DOMAIN`
    #[serde(default)]
    pub domain: Option<String>,
    /// `BFF_COOKIE_SAMESITE`
    #[serde(default)]
    pub samesite: Option<String>,
}

/// What a tenant's sessions may at most. It only narrows what holds for everybody.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LimitsFile {
    #[serde(default)]
    #[expect(dead_code, reason = "for people")]
    description: Option<String>,
    /// `SESSION_TTL`
    #[serde(default)]
    pub session_ttl: Option<Scalar>,
    /// `SESSION_IDLE_TTL`
    #[serde(default)]
    pub session_idle_ttl: Option<Scalar>,
    /// `SESSION_MAX_PER_USER`
    #[serde(default)]
    pub max_sessions_per_user: Option<usize>,
}

/// A number or a text: durations and versions may be either.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Scalar {
    /// A bare number.
    Number(f64),
    /// Anything in quotes, or with a unit.
    Text(String),
}

impl std::fmt::Display for Scalar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

impl<C, R> File<C, R> {
    /// There is one version so far; a file without one is of it.
    pub(super) fn is_known_version(&self) -> bool {
        let version = self.version.as_ref().map(Scalar::to_string);
        version.is_none_or(|version| matches!(version.as_str(), "1" | "1.0"))
    }
}
