//! Owns: the shapes of the claims this crate reads (RFC 7519 section 4.1, RFC 9068 section 2.2,
//! RFC 7800 section 3). A claim that is there with the wrong type makes the token malformed; it is
//! never taken for an absent one.

mod date;
mod path;
mod text;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::json;

pub(crate) use date::NumericDate;
pub(crate) use path::strings_at;
pub(crate) use text::{OneOrMany, Text};

/// The claims of an access token that decide whether it is accepted.
#[derive(Debug, Deserialize)]
pub(crate) struct AccessClaims<'a> {
    #[serde(borrow)]
    pub(crate) iss: Text<'a>,
    #[serde(borrow, default, deserialize_with = "json::present")]
    pub(crate) sub: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "json::present")]
    pub(crate) aud: Option<OneOrMany<'a>>,
    #[serde(default, deserialize_with = "json::present")]
    pub(crate) exp: Option<NumericDate>,
    #[serde(default, deserialize_with = "json::present")]
    pub(crate) nbf: Option<NumericDate>,
    #[serde(default, deserialize_with = "json::present")]
    pub(crate) iat: Option<NumericDate>,
    #[serde(borrow, default, deserialize_with = "json::present")]
    pub(crate) jti: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "json::present")]
    pub(crate) client_id: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "json::present")]
    pub(crate) azp: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "json::present")]
    pub(crate) scope: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "json::present")]
    pub(crate) scp: Option<OneOrMany<'a>>,
    #[serde(default, deserialize_with = "json::present")]
    pub(crate) cnf: Option<Confirmation>,
    #[serde(borrow, default, deserialize_with = "json::present")]
    pub(crate) typ: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "json::present")]
    pub(crate) token_use: Option<Text<'a>>,
    #[serde(default, deserialize_with = "json::present")]
    pub(crate) auth_time: Option<NumericDate>,
    #[serde(borrow, default, deserialize_with = "json::present")]
    pub(crate) acr: Option<Text<'a>>,
    #[serde(default, deserialize_with = "json::present")]
    pub(crate) roles: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "json::present")]
    pub(crate) nonce: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "json::present")]
    pub(crate) at_hash: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "json::present")]
    pub(crate) c_hash: Option<IgnoredAny>,
}

/// What a token is bound to (RFC 7800 section 3.1).
#[derive(Debug, Deserialize)]
pub(crate) struct Confirmation {
    /// Thumbprint of a DPoP key (RFC 9449 section 6.1).
    #[serde(default, deserialize_with = "json::present")]
    pub(crate) jkt: Option<String>,
    /// Thumbprint of a certificate (RFC 8705 section 3.1).
    #[serde(default, rename = "x5t#S256", deserialize_with = "json::present")]
    pub(crate) x5t: Option<String>,
    /// Kinds of binding that this crate cannot check.
    #[serde(flatten)]
    pub(crate) other: serde_json::Map<String, Value>,
}

#[cfg(test)]
mod tests;
