//! Owns: the shape of a `client` block of `idps.yaml`; that of the file is `shell`'s. Unknown keys are errors;
//! `description` is allowed everywhere.

use secrecy::SecretString;
use serde::Deserialize;

/// Our registration at a provider. What `OIDC_*` settings say of the main one is said here under the
/// rest of their names.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct ClientFile {
    #[serde(default)]
    #[expect(dead_code, reason = "for people")]
    description: Option<String>,
    /// As `OIDC_CLIENT_ID`.
    pub(super) id: String,
    /// As `OIDC_CLIENT_AUTH`.
    #[serde(default)]
    pub(super) auth: Option<String>,
    /// As `OIDC_CLIENT_SECRET`.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(super) secret: Option<SecretString>,
    /// A file with the secret.
    #[serde(default)]
    pub(super) secret_file: Option<String>,
    /// As `OIDC_CLIENT_KEY`.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(super) key: Option<SecretString>,
    /// A file with the key.
    #[serde(default)]
    pub(super) key_file: Option<String>,
    /// As `OIDC_CLIENT_CERT`.
    #[serde(default)]
    pub(super) cert: Option<String>,
    /// As `OIDC_CLIENT_ASSERTION_AUD`.
    #[serde(default)]
    pub(super) assertion_aud: Option<String>,
    /// As `OIDC_SCOPES`; a text or a list.
    #[serde(default)]
    pub(super) scopes: Option<Words>,
    /// As `OIDC_PAR`.
    #[serde(default)]
    pub(super) par: Option<String>,
    /// As `OIDC_DPOP`.
    #[serde(default)]
    pub(super) dpop: Option<String>,
    /// As `OIDC_JAR`.
    #[serde(default)]
    pub(super) jar: Option<String>,
    /// As `OIDC_JARM`.
    #[serde(default)]
    pub(super) jarm: Option<String>,
    /// As `OIDC_RESOURCE`; a text or a list.
    #[serde(default)]
    pub(super) resource: Option<Words>,
    /// As `OIDC_EXCHANGE`.
    #[serde(default)]
    pub(super) exchange: Option<String>,
    /// As `OIDC_USER_ID_CLAIM`.
    #[serde(default)]
    pub(super) user_id_claim: Option<String>,
    /// As `OIDC_INTERNAL_BASE`.
    #[serde(default)]
    pub(super) internal_base: Option<String>,
    /// As `OIDC_TLS_CA`.
    #[serde(default)]
    pub(super) tls_ca: Option<String>,
    /// Whether answers to the browser must name the issuer (RFC 9207).
    #[serde(default)]
    pub(super) require_iss: Option<bool>,
}

/// Words in one text, or in a list.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub(super) enum Words {
    Text(String),
    List(Vec<String>),
}

impl Words {
    pub(super) fn joined(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::List(words) => words.join(" "),
        }
    }
}
