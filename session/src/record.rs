//! Owns: the sealed parts of a session, in clear.
//!
//! The token part is what only the browser's cookie and the server together can open; the
//! management part is what the server alone must read to list and end sessions.

use std::collections::BTreeMap;
use std::fmt;

use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// How an access token is presented (RFC 6750, RFC 9449).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenType {
    /// Whoever holds it may use it.
    Bearer,
    /// Bound to a key; needs a proof with every use.
    Dpop,
}

/// What the sources of the user context said of a user, by the name of the source. Browsers and logs get
/// none of it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserContext(pub BTreeMap<String, SourceValues>);

/// What one source said.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceValues {
    /// When it was asked, seconds since the epoch.
    pub read_at: u64,
    /// Values under the dotted names that they are used by.
    pub values: serde_json::Map<String, serde_json::Value>,
}

impl fmt::Debug for UserContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserContext({} sources, redacted)", self.0.len())
    }
}

impl fmt::Debug for SourceValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceValues").field("read_at", &self.read_at).finish_non_exhaustive()
    }
}

/// Tokens and what belongs to them.
#[derive(Clone)]
pub struct TokenPart {
    /// Access token.
    pub access_token: SecretString,
    /// When it was obtained, seconds since the epoch.
    pub obtained_at: u64,
    /// When it expires, seconds since the epoch; `None` if the server did not say.
    pub access_expires_at: Option<u64>,
    /// Refresh token, if the server gave one.
    pub refresh_token: Option<SecretString>,
    /// ID token, kept as the hint of RP-initiated logout.
    pub id_token: Option<SecretString>,
    /// How the access token is presented.
    pub token_type: TokenType,
    /// Granted scopes, space-separated.
    pub scope: String,
    /// DPoP key (PKCS#8), if tokens are bound to one.
    pub dpop_key: Option<SecretSlice<u8>>,
    /// What the browser may know of its user.
    pub profile: serde_json::Map<String, serde_json::Value>,
    /// What the server alone knows of the user.
    pub context: UserContext,
}

impl fmt::Debug for TokenPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenPart")
            .field("access_expires_at", &self.access_expires_at)
            .field("refresh_token", &self.refresh_token.is_some())
            .field("token_type", &self.token_type)
            .field("scope", &self.scope)
            .field("dpop_key", &self.dpop_key.is_some())
            .finish_non_exhaustive()
    }
}

/// [`TokenPart`] as JSON under the seal.
#[derive(Serialize, Deserialize)]
struct TokenWire<'a> {
    #[serde(borrow)]
    access_token: std::borrow::Cow<'a, str>,
    obtained_at: u64,
    access_expires_at: Option<u64>,
    refresh_token: Option<std::borrow::Cow<'a, str>>,
    id_token: Option<std::borrow::Cow<'a, str>>,
    token_type: TokenType,
    scope: std::borrow::Cow<'a, str>,
    dpop_key: Option<Vec<u8>>,
    profile: std::borrow::Cow<'a, serde_json::Map<String, serde_json::Value>>,
    #[serde(default, skip_serializing_if = "is_empty")]
    context: std::borrow::Cow<'a, UserContext>,
}

fn is_empty(context: &UserContext) -> bool {
    context.0.is_empty()
}

impl TokenPart {
    pub(crate) fn to_json(&self) -> Result<Zeroizing<Vec<u8>>, serde_json::Error> {
        fn exposed(secret: Option<&SecretString>) -> Option<std::borrow::Cow<'_, str>> {
            secret.map(|secret| secret.expose_secret().into())
        }
        serde_json::to_vec(&TokenWire {
            access_token: self.access_token.expose_secret().into(),
            obtained_at: self.obtained_at,
            access_expires_at: self.access_expires_at,
            refresh_token: exposed(self.refresh_token.as_ref()),
            id_token: exposed(self.id_token.as_ref()),
            token_type: self.token_type,
            scope: self.scope.as_str().into(),
            dpop_key: self.dpop_key.as_ref().map(|key| key.expose_secret().to_vec()),
            profile: std::borrow::Cow::Borrowed(&self.profile),
            context: std::borrow::Cow::Borrowed(&self.context),
        })
        .map(Zeroizing::new)
    }

    pub(crate) fn from_json(json: &[u8]) -> Result<Self, serde_json::Error> {
        let wire: TokenWire<'_> = serde_json::from_slice(json)?;
        let secret = |text: std::borrow::Cow<'_, str>| SecretString::from(text.into_owned());
        Ok(Self {
            access_token: secret(wire.access_token),
            obtained_at: wire.obtained_at,
            access_expires_at: wire.access_expires_at,
            refresh_token: wire.refresh_token.map(secret),
            id_token: wire.id_token.map(secret),
            token_type: wire.token_type,
            scope: wire.scope.into_owned(),
            dpop_key: wire.dpop_key.map(SecretSlice::from),
            profile: wire.profile.into_owned(),
            context: wire.context.into_owned(),
        })
    }
}

/// What listing, back-channel logout and administration need of a session. Holds no token.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Management {
    /// When the session began, seconds since the epoch.
    pub created_at: u64,
    /// The tenant that it is a session of; empty without tenants.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub tenant: String,
    /// Issuer that vouched for the user.
    pub issuer: String,
    /// The user's `sub` at that issuer.
    pub subject: String,
    /// The user's id (`OIDC_USER_ID_CLAIM`).
    pub user_id: String,
    /// The IdP's own session (`sid`), if it told.
    pub idp_session: Option<String>,
    /// The name of the login provider; `None` for the main one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// What the user will recognise the device by.
    pub device: String,
    /// `jti` of the access token, if it is a JWT that has one.
    pub access_jti: Option<String>,
    /// When that token expires.
    pub access_expires_at: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t18_debug_holds_no_token() {
        let part = TokenPart {
            access_token: "canary-at".to_owned().into(),
            obtained_at: 0,
            access_expires_at: Some(1),
            refresh_token: Some("canary-rt".to_owned().into()),
            id_token: Some("canary-id".to_owned().into()),
            token_type: TokenType::Dpop,
            scope: "openid".to_owned(),
            dpop_key: Some(vec![1, 2, 3].into()),
            profile: serde_json::Map::new(),
            context: UserContext(BTreeMap::from([("accounts".to_owned(), told("canary-account"))])),
        };
        let shown = format!("{part:?} {:?} {:?}", part.context, part.context.0);
        assert!(!shown.contains("canary") && !shown.contains("1, 2, 3"), "{shown}");

        let back = TokenPart::from_json(&part.to_json().unwrap()).unwrap();
        assert_eq!(back.access_token.expose_secret(), "canary-at");
        assert_eq!(back.dpop_key.unwrap().expose_secret(), &[1, 2, 3]);
        assert_eq!(back.context, part.context);
    }

    fn told(account: &str) -> SourceValues {
        let values = serde_json::json!({ "accounts.cash": account });
        SourceValues { read_at: 7, values: values.as_object().unwrap().clone() }
    }
}
