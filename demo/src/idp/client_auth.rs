//! Owns: which client calls (RFC 6749 section 2.3.1): by `client_secret_basic` or
//! `client_secret_post`, never both.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use percent_encoding::percent_decode_str;
use ring::digest;
use subtle::ConstantTimeEq as _;

use crate::idp::error::{Code, OAuthError};
use crate::idp::params::Params;
use crate::idp::{Client, Idp};

/// The methods, as discovery lists them.
pub(super) const METHODS: [&str; 2] = ["client_secret_basic", "client_secret_post"];

/// The client that sent `headers` and `form`.
pub(super) fn authenticate<'a>(
    idp: &'a Idp,
    headers: &HeaderMap,
    form: &Params,
) -> Result<&'a Client, OAuthError> {
    let in_form = form.get("client_id");
    let (id, secret) = match (basic(headers)?, form.get("client_secret")) {
        (Some(_), Some(_)) => {
            return Err(OAuthError::invalid_request("the client authenticates in two ways"));
        }
        (Some((id, _)), None) if in_form.is_some_and(|other| other != id) => {
            return Err(OAuthError::invalid_request("two different clients are named"));
        }
        (Some((id, secret)), None) => (id, secret),
        (None, Some(secret)) => (form.require("client_id")?.to_owned(), secret.to_owned()),
        (None, None) => return Err(refused("the client does not authenticate")),
    };
    let client = idp.client(&id).filter(|client| equal(&client.secret, &secret));
    client.ok_or_else(|| refused("the client is unknown or its secret is wrong"))
}

fn basic(headers: &HeaderMap) -> Result<Option<(String, String)>, OAuthError> {
    let Some(header) = headers.get(AUTHORIZATION) else {
        return Ok(None);
    };
    let credentials = header.to_str().ok().and_then(|text| {
        let (scheme, encoded) = text.split_once(' ')?;
        let decoded = STANDARD
            .decode(encoded.trim())
            .ok()
            .filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
        let decoded = String::from_utf8(decoded).ok()?;
        let (id, secret) = decoded.split_once(':')?;
        Some((form_decoded(id)?, form_decoded(secret)?))
    });
    credentials
        .map(Some)
        .ok_or_else(|| refused("the Authorization header is not Basic credentials"))
}

/// Both halves are form-encoded before they are joined, which curl and many clients forget; a
/// secret out of letters, digits, `-` and `_` looks the same either way.
fn form_decoded(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(Cow::into_owned)
}

fn equal(a: &str, b: &str) -> bool {
    let [a, b] = [a, b].map(|secret| digest::digest(&digest::SHA256, secret.as_bytes()));
    a.as_ref().ct_eq(b.as_ref()).into()
}

fn refused(why: &'static str) -> OAuthError {
    OAuthError::new(Code::InvalidClient, why)
}
