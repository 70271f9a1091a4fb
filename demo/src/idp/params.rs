//! Owns: request parameters, from a query or a form (RFC 6749 sections 3.1 and 3.2): a parameter
//! without a value counts as left out, and none may be sent twice.

use http::header::CONTENT_TYPE;

use crate::idp::error::OAuthError;
use crate::idp::{Call, MAX_BODY};

/// The one parameter that may be repeated (RFC 8707 section 2).
const REPEATABLE: &str = "resource";

/// The parameters of one request.
#[derive(Debug)]
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    pub(super) fn parse(raw: &[u8]) -> Result<Self, OAuthError> {
        if raw.len() > MAX_BODY {
            return Err(OAuthError::invalid_request("the parameters are too long"));
        }
        let mut kept: Vec<(String, String)> = Vec::new();
        for (name, value) in url::form_urlencoded::parse(raw).into_owned() {
            if name != REPEATABLE && kept.iter().any(|(earlier, _)| *earlier == name) {
                return Err(OAuthError::invalid_request("a parameter is repeated"));
            }
            kept.push((name, value));
        }
        Ok(Self(kept))
    }

    /// The body of `call`, which must be a form.
    pub(super) fn form(call: &Call) -> Result<Self, OAuthError> {
        let media_type = call.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = media_type.and_then(|value| value.split(';').next()).unwrap_or_default();
        if !essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(OAuthError::invalid_request("the body is not a form"));
        }
        Self::parse(&call.body)
    }

    /// The query of a GET, else the form.
    pub(super) fn of(call: &Call) -> Result<Self, OAuthError> {
        if call.method == http::Method::POST {
            Self::form(call)
        } else {
            Self::parse(call.query.as_bytes())
        }
    }

    pub(super) fn get(&self, name: &'static str) -> Option<&str> {
        self.all(name).next()
    }

    pub(super) fn all(&self, name: &'static str) -> impl Iterator<Item = &str> {
        let named = self.0.iter().filter(move |(other, value)| other == name && !value.is_empty());
        named.map(|(_, value)| value.as_str())
    }

    pub(super) fn require(&self, name: &'static str) -> Result<&str, OAuthError> {
        self.get(name).ok_or_else(|| OAuthError::invalid_request(format!("{name} is missing")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_sent_twice_is_refused_but_resource_may_repeat() {
        assert!(Params::parse(b"state=a&state=b").is_err());
        assert!(Params::parse(b"state=a&state=").is_err());
        let params = Params::parse(b"resource=a&resource=b").unwrap();
        assert_eq!(params.all("resource").collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn an_empty_parameter_counts_as_absent() {
        let params = Params::parse(b"state=&nonce=n%20n").unwrap();
        assert_eq!(params.get("state"), None);
        assert_eq!(params.get("nonce"), Some("n n"));
        assert!(params.require("state").is_err());
    }
}
