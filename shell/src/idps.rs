//! Owns: the part of `idps.yaml` that both programs read: its shape, and who may issue the bearer tokens that
//! routes take. Unknown keys are errors; `description` is allowed everywhere.

use serde::Deserialize;
use url::Url;

use crate::config::{Settings, parse};
use crate::origin::Origin;

/// The file in `BFF_CONFIG_DIR`.
pub const FILE: &str = "idps.yaml";
/// Longest name of an entry.
const NAME_MAX: usize = 64;

/// The file. `C` is the shape of a `client` block.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct IdpsFile<C> {
    #[serde(default)]
    #[expect(dead_code, reason = "for people")]
    description: Option<String>,
    /// The entries, in their order.
    #[serde(default = "Vec::new")]
    #[cfg_attr(feature = "schema", schemars(default))]
    pub idps: Vec<IdpFile<C>>,
}

/// An entry.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct IdpFile<C> {
    /// Unique in the file.
    pub name: String,
    #[serde(default)]
    #[expect(dead_code, reason = "for people")]
    description: Option<String>,
    /// Compared character for character with `iss`.
    pub issuer: String,
    /// What its bearer tokens must be for.
    #[serde(default)]
    pub audience: Option<String>,
    /// Where the keys of its bearer tokens are.
    #[serde(default)]
    pub jwks_url: Option<String>,
    /// Of what kind its bearer tokens are.
    #[serde(default)]
    pub profile: TokenProfile,
    /// Where claims stand.
    #[serde(default)]
    pub claims_mapping: Option<ClaimsFile>,
    /// An authority trusted for its keys beside the system's: PEM, or its file.
    #[serde(default)]
    pub tls_ca: Option<String>,
    /// How its opaque tokens are judged, which the proxy alone takes.
    #[serde(default = "none")]
    #[cfg_attr(feature = "schema", schemars(default))]
    pub introspection: Option<IntrospectionFile<C>>,
    /// Our registration there, which makes it a login provider.
    #[serde(default = "none")]
    #[cfg_attr(feature = "schema", schemars(default))]
    pub client: Option<C>,
}

/// Asking the issuer about opaque tokens (RFC 7662).
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct IntrospectionFile<C> {
    #[serde(default)]
    #[expect(dead_code, reason = "for people")]
    description: Option<String>,
    /// Its endpoint.
    #[serde(default)]
    pub url: Option<String>,
    /// For how long an answer counts.
    #[serde(default)]
    pub ttl: Option<Span>,
    /// Our registration for it.
    #[serde(default = "none")]
    #[cfg_attr(feature = "schema", schemars(default))]
    pub client: Option<C>,
}

/// A duration with a unit; a bare integer is seconds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Span {
    /// Seconds.
    Number(u64),
    /// With a unit.
    Text(String),
}

impl Span {
    /// Whole seconds, at least one.
    ///
    /// # Errors
    /// What is expected instead.
    pub fn seconds(&self) -> Result<u64, String> {
        match self {
            Self::Number(seconds) => parse::seconds(&seconds.to_string()),
            Self::Text(text) => parse::seconds(text),
        }
    }
}

const fn none<T>() -> Option<T> {
    None
}

/// Where claims stand: names, nested by dots.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ClaimsFile {
    #[serde(default)]
    #[expect(dead_code, reason = "for people")]
    description: Option<String>,
    /// Those of roles.
    #[serde(default)]
    pub roles: Option<Vec<String>>,
    /// Those of permissions.
    #[serde(default)]
    pub permissions: Option<Vec<String>>,
}

/// The kind of an issuer's access tokens: what tells them from its ID tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum TokenProfile {
    /// RFC 9068: `typ` is `at+jwt`.
    #[default]
    Rfc9068,
    /// Microsoft Entra ID.
    Entra,
    /// Keycloak.
    Keycloak,
    /// Amazon Cognito.
    Cognito,
    /// Auth0.
    Auth0,
}

/// An issuer of bearer tokens for one audience.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BearerIssuer {
    /// Unique in the file.
    pub name: String,
    /// Compared character for character with `iss`.
    pub issuer: String,
    /// Must be in `aud`.
    pub audience: String,
    /// Of what kind its tokens are.
    pub profile: TokenProfile,
    /// Where its keys are; from discovery if absent.
    pub jwks_url: Option<Url>,
    /// Where roles are found: claim names, nested by dots. `None` for the profile's own list.
    pub role_claims: Option<Vec<String>>,
    /// Where permissions are found, likewise.
    pub permission_claims: Option<Vec<String>>,
}

/// An entry, and where its problems are told.
#[derive(Debug)]
pub struct Entry<C> {
    /// What the file says.
    pub file: IdpFile<C>,
    place: String,
}

impl<C> Entry<C> {
    /// The entry that stands at `index` of the file, behind those called `known`.
    pub fn new(index: usize, file: IdpFile<C>, known: &[String], settings: &mut Settings) -> Self {
        let named = is_name(&file.name);
        let place = if named { file.name.clone() } else { format!("number {}", index + 1) };
        let entry = Self { file, place: format!("{FILE}: idp {place}") };
        if known.contains(&entry.file.name) {
            let hint = "Give each its own name.";
            entry.problem("name", "is that of another entry", hint, settings);
        }
        if !named {
            let hint = "Use 1 to 64 letters, digits, dots, hyphens and underscores.";
            entry.problem("name", "is not a name", hint, settings);
        }
        if !entry.file.claims_mapping.as_ref().is_none_or(ClaimsFile::names_claims) {
            let hint = "Name claims such as roles or realm_access.roles.";
            let problem = "holds something that is no claim's name";
            entry.problem("claims_mapping", problem, hint, settings);
        }
        entry
    }

    /// `idps.yaml: idp NAME`.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Notes a problem with a key of the entry.
    pub fn problem(&self, key: &str, problem: &str, hint: &str, settings: &mut Settings) {
        settings.problem(&format!("{}: {key}", self.place), problem, hint);
    }

    /// The entry as an issuer of bearer tokens, if it names the audience that they must have. The issuer of one
    /// that `logs_in` is checked with its client.
    pub fn bearer(&self, logs_in: bool, settings: &mut Settings) -> Option<BearerIssuer> {
        let Some(audience) = self.file.audience.clone().filter(|text| !text.is_empty()) else {
            if !logs_in {
                let hint = "Name the audience of its tokens, or add a client to log in with it.";
                self.problem("audience", "is required and not set", hint, settings);
            }
            return None;
        };
        let issuer = self.file.issuer.clone();
        if let (Some(reason), false) = (issuer_fault(&issuer), logs_in) {
            let hint = "Give the issuer's exact URL: https, or http on loopback.";
            self.problem("issuer", &format!("is not acceptable ({reason})"), hint, settings);
        }
        let jwks_url = self.file.jwks_url.as_deref().map(key_url);
        if jwks_url == Some(None) {
            let hint = "Give an https URL; http is for loopback hosts only.";
            self.problem("jwks_url", "is not acceptable", hint, settings);
        }
        let claims = self.file.claims_mapping.clone().unwrap_or_default();
        Some(BearerIssuer {
            name: self.file.name.clone(),
            issuer,
            audience,
            profile: self.file.profile,
            jwks_url: jwks_url.flatten(),
            role_claims: claims.roles,
            permission_claims: claims.permissions,
        })
    }
}

impl ClaimsFile {
    fn names_claims(&self) -> bool {
        let names = self.roles.iter().chain(&self.permissions).flatten();
        names.flat_map(|name| name.split('.')).all(|part| !part.is_empty())
    }
}

/// It stands in addresses and in logs.
fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=NAME_MAX).contains(&text.len()) && text.bytes().all(plain)
}

fn issuer_fault(text: &str) -> Option<&'static str> {
    let Ok(url) = Url::parse(text) else { return Some("issuer_not_a_url") };
    if !is_https_or_loopback(&url) {
        Some("issuer_not_https")
    } else if url.query().is_some() || url.fragment().is_some() {
        Some("issuer_has_query_or_fragment")
    } else {
        None
    }
}

/// An address that decides who is believed: over TLS, or on this machine.
pub fn key_url(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(is_https_or_loopback)
}

fn is_https_or_loopback(url: &Url) -> bool {
    let origin = Origin::parse(&url.origin().ascii_serialization());
    origin.is_some_and(|origin| url.scheme() == "https" || origin.is_loopback())
}
