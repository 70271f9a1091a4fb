//! Owns: the shape of a `client` block of `idps.yaml`; that of the file is `shell`'s. Unknown keys are errors;
//! `description` is allowed everywhere.

use secrecy::SecretString;
use serde::Deserialize;

/// Our registration at a provider. What `OIDC_*` settings say of the main one is said here under the
/// rest of their names.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct ClientFile {
    #[serde(default)]
    #[expect(dead_code, reason = "for people")]
    description: Option<String>,
    pub(super) id: String,
    #[serde(default)]
    pub(super) auth: Option<String>,
    #[serde(default)]
    pub(super) secret: Option<SecretString>,
    #[serde(default)]
    pub(super) secret_file: Option<String>,
    #[serde(default)]
    pub(super) key: Option<SecretString>,
    #[serde(default)]
    pub(super) key_file: Option<String>,
    #[serde(default)]
    pub(super) cert: Option<String>,
    #[serde(default)]
    pub(super) assertion_aud: Option<String>,
    #[serde(default)]
    pub(super) scopes: Option<Words>,
    #[serde(default)]
    pub(super) par: Option<String>,
    #[serde(default)]
    pub(super) dpop: Option<String>,
    #[serde(default)]
    pub(super) jar: Option<String>,
    #[serde(default)]
    pub(super) jarm: Option<String>,
    #[serde(default)]
    pub(super) resource: Option<Words>,
    #[serde(default)]
    pub(super) exchange: Option<String>,
    #[serde(default)]
    pub(super) user_id_claim: Option<String>,
    #[serde(default)]
    pub(super) internal_base: Option<String>,
    #[serde(default)]
    pub(super) tls_ca: Option<String>,
    #[serde(default)]
    pub(super) require_iss: Option<bool>,
}

/// Words in one text, or in a list.
#[derive(Debug, Deserialize)]
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
