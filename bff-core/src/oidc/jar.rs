//! Owns: the signed authorization request (RFC 9101): all parameters in one JWT, so that nothing on
//! the way can change one.

use serde_json::{Map, Value, json};

use super::client_key::ClientKey;
use super::error::OidcError;

/// A pushed object is read at once.
pub(super) const PUSHED_LIFETIME: u64 = 60;
/// One that the browser carries may wait for a slow network.
pub(super) const CARRIED_LIFETIME: u64 = 300;

/// What a request object says beside the parameters.
#[derive(Debug, Clone, Copy)]
pub(super) struct Envelope<'a> {
    pub(super) client_id: &'a str,
    /// The issuer.
    pub(super) audience: &'a str,
    pub(super) jti: &'a str,
    pub(super) issued_at: u64,
    pub(super) expires_at: u64,
}

/// `parameters` as a request object (sections 4 and 10.8).
pub(super) fn request_object(
    key: &ClientKey,
    parameters: &[(String, String)],
    envelope: &Envelope<'_>,
) -> Result<String, OidcError> {
    let mut claims = Map::new();
    for (name, value) in parameters {
        // Section 4: numbers are JSON numbers. Several resources are an array (RFC 8707 section 2).
        let value = match (name.as_str(), value.parse::<u64>()) {
            ("max_age", Ok(seconds)) => json!(seconds),
            _ => json!(value),
        };
        match claims.get_mut(name) {
            None => drop(claims.insert(name.clone(), value)),
            Some(Value::Array(several)) => several.push(value),
            Some(first) => *first = json!([first.take(), value]),
        }
    }
    let own = [
        ("iss", json!(envelope.client_id)),
        ("aud", json!(envelope.audience)),
        ("jti", json!(envelope.jti)),
        ("iat", json!(envelope.issued_at)),
        ("nbf", json!(envelope.issued_at)),
        ("exp", json!(envelope.expires_at)),
    ];
    let claims = claims.iter().map(|(name, value)| (name.as_str(), value.clone())).chain(own);
    key.sign("oauth-authz-req+jwt", claims).map_err(|_| OidcError::Config("request_object"))
}
