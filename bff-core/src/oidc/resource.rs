//! Owns: tokens for one service by resource indicators (RFC 8707 section 2.2): what is asked for, and whether
//! the access token that came is for that service alone, as far as we can see.
//!
//! An issuer that does not know the parameter ignores it and answers with a broad token, which no service
//! may be shown.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

use super::RelyingParty;
use super::token::{TokenSet, is_taken};

/// A service for which a refresh token is asked for an access token.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ServiceRequest<'a> {
    /// Its resource indicator.
    pub(crate) audience: &'a str,
    /// Space separated; without it the issuer decides.
    pub(crate) scope: Option<&'a str>,
}

impl RelyingParty {
    /// Whether `tokens` may be shown to the service of `audience`, in place of the `broad` token of its
    /// session. An opaque token cannot be looked into.
    ///
    /// # Errors
    /// A short stable code.
    pub(crate) fn check_service_token(
        &self,
        tokens: &TokenSet,
        audience: &str,
        broad: &SecretString,
    ) -> Result<(), &'static str> {
        let settings = (self.config.dpop, self.config.profile);
        if !is_taken(settings, tokens.token_type, tokens.sender_constrained) {
            return Err("token_not_sender_constrained");
        }
        let token = tokens.access_token.expose_secret();
        if token == broad.expose_secret() {
            return Err("resource_ignored");
        }
        match claims(token) {
            Some(claims) if !is_alone(claims.get("aud"), audience) => Err("audience_not_asked_for"),
            _ => Ok(()),
        }
    }
}

/// RFC 8707 section 2: an absolute URI without a fragment.
pub(crate) fn is_resource(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| url.fragment().is_none())
}

/// The claims of a signed JWT; `None` for what is none. It is for the service to check; nothing here is
/// believed.
fn claims(token: &str) -> Option<Map<String, Value>> {
    #[derive(Deserialize)]
    struct Header {
        #[serde(rename = "alg")]
        _alg: String,
    }
    let mut parts = token.split('.');
    let (header, payload) = (parts.next()?, parts.next()?);
    parts.next().filter(|_| parts.next().is_none())?;
    let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
    serde_json::from_slice::<Header>(&decoded(header)?).ok()?;
    serde_json::from_slice(&decoded(payload)?).ok()
}

/// RFC 7519 section 4.1.3.
fn is_alone(aud: Option<&Value>, audience: &str) -> bool {
    match aud {
        Some(Value::String(one)) => one == audience,
        Some(Value::Array(all)) => {
            !all.is_empty() && all.iter().all(|one| one.as_str() == Some(audience))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
