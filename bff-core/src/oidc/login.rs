//! Owns: what a login in flight consists of: what the browser may ask for, and what the server
//! remembers until the browser is back.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::{Zeroize, Zeroizing};

use super::dpop::DpopKey;
use super::error::OidcError;

/// What starts a login.
#[derive(Clone, Copy)]
pub struct LoginRequest<'a> {
    /// Where the identity provider sends the browser back to; registered there.
    pub redirect_uri: &'a str,
    /// The caller's state token. The caller compares it when the browser is back.
    pub state: &'a str,
    /// What the browser asked for.
    pub hints: &'a LoginHints,
    /// Services that tokens will be asked for one by one ([`super::Exchange::Resource`]): the grant has to
    /// cover them all (RFC 8707 section 2.2).
    pub services: &'a [Arc<str>],
}

impl std::fmt::Debug for LoginRequest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoginRequest")
            .field("redirect_uri", &self.redirect_uri)
            .finish_non_exhaustive()
    }
}

/// The parameters a browser may pass through us to the identity provider. There are no others, but those that
/// a [`super::LoginMethod`] has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoginHints {
    pub(super) prompt: Option<String>,
    pub(super) login_hint: Option<String>,
    ui_locales: Option<String>,
    pub(super) acr_values: Option<String>,
    max_age: Option<u64>,
    /// Beyond those of OpenID Connect, by a method that the operator configured.
    pub(super) further: Vec<(String, String)>,
}

/// Longer than any mail address or list of languages.
const MAX_HINT: usize = 320;

impl LoginHints {
    /// Picks the parameters we pass on out of a query; the others are dropped.
    ///
    /// # Errors
    /// [`OidcError::Hint`] when one of ours is there twice, too long, or not in its grammar.
    pub fn from_query(query: &str) -> Result<Self, OidcError> {
        let mut hints = Self::default();
        for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let (slot, name) = match &*key {
                "login_hint" => (&mut hints.login_hint, "login_hint"),
                "ui_locales" => (&mut hints.ui_locales, "ui_locales"),
                "acr_values" => (&mut hints.acr_values, "acr_values"),
                "prompt" => {
                    set(&mut hints.prompt, "prompt", prompt(&value)?)?;
                    continue;
                }
                "max_age" => {
                    let seconds = value.parse().map_err(|_| OidcError::Hint("max_age"))?;
                    set(&mut hints.max_age, "max_age", seconds)?;
                    continue;
                }
                _ => continue,
            };
            set(slot, name, text(name, &value)?)?;
        }
        Ok(hints)
    }

    /// Asks for an authentication not older than `seconds`.
    #[must_use]
    pub fn with_max_age(mut self, seconds: u64) -> Self {
        self.max_age = Some(seconds);
        self
    }

    /// Asks for one of these authentication classes (space separated).
    ///
    /// # Errors
    /// [`OidcError::Hint`] when the list is too long or holds control characters.
    pub fn with_acr_values(mut self, values: &str) -> Result<Self, OidcError> {
        self.acr_values = Some(text("acr_values", values)?);
        Ok(self)
    }

    /// `prompt`, as OpenID Connect Core section 3.1.2.1 defines it.
    pub fn prompt(&self) -> Option<&str> {
        self.prompt.as_deref()
    }

    /// The oldest authentication that will do, in seconds.
    pub fn max_age(&self) -> Option<u64> {
        self.max_age
    }

    /// The authentication classes asked for, space separated.
    pub fn acr_values(&self) -> Option<&str> {
        self.acr_values.as_deref()
    }

    /// As request parameters, in a fixed order.
    pub(super) fn parameters(&self) -> Vec<(&'static str, String)> {
        let text = [
            ("prompt", &self.prompt),
            ("login_hint", &self.login_hint),
            ("ui_locales", &self.ui_locales),
            ("acr_values", &self.acr_values),
        ];
        text.into_iter()
            .filter_map(|(name, value)| Some((name, value.clone()?)))
            .chain(self.max_age.map(|seconds| ("max_age", seconds.to_string())))
            .collect()
    }
}

fn set<T>(slot: &mut Option<T>, name: &'static str, value: T) -> Result<(), OidcError> {
    if slot.replace(value).is_some() {
        return Err(OidcError::Hint(name));
    }
    Ok(())
}

pub(super) fn text(name: &'static str, value: &str) -> Result<String, OidcError> {
    if value.is_empty() || value.len() > MAX_HINT || value.chars().any(char::is_control) {
        return Err(OidcError::Hint(name));
    }
    Ok(value.to_owned())
}

pub(super) fn prompt(value: &str) -> Result<String, OidcError> {
    const KNOWN: [&str; 5] = ["none", "login", "consent", "select_account", "create"];
    let mut words = value.split(' ');
    // `none` excludes every other prompt.
    let alone = value == "none" || !value.split(' ').any(|word| word == "none");
    if alone && words.all(|word| KNOWN.contains(&word)) {
        Ok(value.to_owned())
    } else {
        Err(OidcError::Hint("prompt"))
    }
}

/// A login that may be sent to the browser.
pub struct Begun {
    /// Where to send the browser.
    pub url: Url,
    /// What to keep, sealed and bound to that browser, until it is back.
    pub secrets: LoginSecrets,
}

/// The address holds state and nonce.
impl std::fmt::Debug for Begun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Begun").field("secrets", &self.secrets).finish_non_exhaustive()
    }
}

/// What the server keeps of a login in flight. Serialised through [`LoginSecretsWire`].
#[derive(Debug, Clone)]
pub struct LoginSecrets {
    /// The PKCE verifier (RFC 7636).
    pub verifier: SecretString,
    /// The nonce the ID token must repeat.
    pub nonce: SecretString,
    /// The key the tokens shall be bound to.
    pub dpop_key: Option<DpopKey>,
    /// The issuer the request went to.
    pub issuer: String,
    /// The redirect URI of the request, which the token request repeats.
    pub redirect_uri: String,
    /// When the request was made, unix seconds.
    pub started_at: u64,
    /// What was asked of the authentication's age.
    pub max_age: Option<u64>,
    /// What was asked of its class, space separated.
    pub acr_values: Option<String>,
    /// Whether a signed answer was asked for (JARM): a plain one will not do.
    pub signed_response: bool,
}

/// [`LoginSecrets`] for sealed storage, and nothing else.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoginSecretsWire {
    verifier: String,
    nonce: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    dpop_key: Option<String>,
    issuer: String,
    redirect_uri: String,
    started_at: u64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    max_age: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    acr_values: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    signed_response: bool,
}

impl From<&LoginSecrets> for LoginSecretsWire {
    fn from(secrets: &LoginSecrets) -> Self {
        Self {
            verifier: secrets.verifier.expose_secret().to_owned(),
            nonce: secrets.nonce.expose_secret().to_owned(),
            dpop_key: secrets.dpop_key.as_ref().map(|key| URL_SAFE_NO_PAD.encode(key.to_bytes())),
            issuer: secrets.issuer.clone(),
            redirect_uri: secrets.redirect_uri.clone(),
            started_at: secrets.started_at,
            max_age: secrets.max_age,
            acr_values: secrets.acr_values.clone(),
            signed_response: secrets.signed_response,
        }
    }
}

impl TryFrom<LoginSecretsWire> for LoginSecrets {
    type Error = OidcError;

    fn try_from(mut wire: LoginSecretsWire) -> Result<Self, OidcError> {
        let dpop_key = wire
            .dpop_key
            .as_deref()
            .map(|text| {
                let pkcs8 =
                    URL_SAFE_NO_PAD.decode(text).map_err(|_| OidcError::Config("dpop_key"))?;
                DpopKey::from_bytes(&Zeroizing::new(pkcs8))
            })
            .transpose()?;
        Ok(Self {
            verifier: std::mem::take(&mut wire.verifier).into(),
            nonce: std::mem::take(&mut wire.nonce).into(),
            dpop_key,
            issuer: std::mem::take(&mut wire.issuer),
            redirect_uri: std::mem::take(&mut wire.redirect_uri),
            started_at: wire.started_at,
            max_age: wire.max_age,
            acr_values: wire.acr_values.take(),
            signed_response: wire.signed_response,
        })
    }
}

impl Drop for LoginSecretsWire {
    fn drop(&mut self) {
        self.verifier.zeroize();
        self.nonce.zeroize();
        self.dpop_key.zeroize();
    }
}

impl std::fmt::Debug for LoginSecretsWire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoginSecretsWire").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
