//! Owns: the userinfo endpoint (OpenID Connect Core section 5.3), plain JSON answers only.
//!
//! It is a resource server: its DPoP nonces are kept with those of the other resource servers.

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::Full;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::dpop::{DpopKey, Proof};
use super::endpoint::{Caller, refusal, unguessable};
use super::error::{Endpoint, OidcError};
use super::metadata::EndpointUrl;
use super::nonces::{Nonces, origin};
use super::token::{TokenSet, TokenType};
use crate::json;

#[derive(Deserialize)]
struct Sub {
    sub: Option<Value>,
}

/// The claims the issuer has about `subject`; `None` where it offers no such endpoint.
pub(super) async fn userinfo(
    caller: &Caller<'_>,
    resource_nonces: &Nonces,
    tokens: &TokenSet,
    key: Option<&DpopKey>,
    subject: &str,
) -> Result<Option<Map<String, Value>>, OidcError> {
    let Some(url) = caller.metadata.userinfo_endpoint() else {
        return Ok(None);
    };
    let asked = ask(caller, url, resource_nonces, tokens, key, subject).await;
    Endpoint::Userinfo.asked(&asked);
    asked.map(Some)
}

async fn ask(
    caller: &Caller<'_>,
    url: &EndpointUrl,
    resource_nonces: &Nonces,
    tokens: &TokenSet,
    key: Option<&DpopKey>,
    subject: &str,
) -> Result<Map<String, Value>, OidcError> {
    let endpoint = Endpoint::Userinfo;
    let origin = origin(url.call());
    let key = match tokens.token_type {
        TokenType::Bearer => None,
        TokenType::Dpop => Some(key.ok_or(OidcError::Config("dpop_key"))?),
    };
    let mut retried = false;
    let response = loop {
        let nonce = match key {
            Some(_) => resource_nonces.get(&origin).await,
            None => None,
        };
        let request = request(caller, url, tokens, key, nonce.as_deref())?;
        let response = caller
            .http
            .send(endpoint.as_str(), request, caller.config.http_timeout)
            .await
            .map_err(|source| OidcError::Unreachable { endpoint, source })?;
        let has_nonce = resource_nonces.note(&origin, response.headers());
        let asks = response.status() == StatusCode::UNAUTHORIZED && wants_nonce(response.headers());
        if asks && has_nonce && key.is_some() && !retried {
            retried = true;
            continue;
        }
        break response;
    };
    if response.status() != StatusCode::OK {
        return Err(refusal(endpoint, response.status(), response.body()));
    }
    let protocol = |what| OidcError::Protocol { endpoint, what };
    let is_json = response.headers().get(CONTENT_TYPE).is_some_and(|value| {
        value.to_str().is_ok_and(|value| {
            let essence = value.split(';').next().unwrap_or_default().trim();
            essence.eq_ignore_ascii_case("application/json")
        })
    });
    if !is_json {
        return Err(protocol("userinfo_not_json"));
    }
    // Read as a struct first, which refuses a `sub` that is there twice.
    let Sub { sub } =
        json::object(response.body()).ok_or_else(|| protocol("userinfo_malformed"))?;
    // Section 5.3.2: an answer about somebody else must not be used.
    if sub.as_ref().and_then(Value::as_str) != Some(subject) {
        return Err(protocol("userinfo_sub_mismatch"));
    }
    serde_json::from_slice(response.body()).map_err(|_| protocol("userinfo_malformed"))
}

fn request(
    caller: &Caller<'_>,
    url: &EndpointUrl,
    tokens: &TokenSet,
    key: Option<&DpopKey>,
    nonce: Option<&str>,
) -> Result<Request<Full<Bytes>>, OidcError> {
    let token = tokens.access_token.expose_secret();
    let mut request = Request::new(Full::new(Bytes::new()));
    *request.uri_mut() =
        url.call().as_str().parse().map_err(|_| OidcError::Metadata("endpoint_not_a_uri"))?;
    let mut authorization =
        HeaderValue::from_str(&format!("{} {token}", tokens.token_type.scheme()))
            .map_err(|_| OidcError::Config("access_token"))?;
    authorization.set_sensitive(true);
    request.headers_mut().insert(AUTHORIZATION, authorization);
    request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
    if let Some(key) = key {
        let proof = key.proof(&Proof {
            method: &Method::GET,
            url: url.call(),
            nonce,
            access_token: Some(token),
            iat: caller.now,
            jti: &unguessable(caller.random),
        })?;
        let proof = HeaderValue::from_str(&proof).map_err(|_| OidcError::Config("dpop_proof"))?;
        request.headers_mut().insert("dpop", proof);
    }
    Ok(request)
}

/// RFC 9449 section 9: `WWW-Authenticate: DPoP error="use_dpop_nonce"`.
fn wants_nonce(headers: &HeaderMap) -> bool {
    headers.get_all("www-authenticate").iter().any(|value| {
        value.to_str().is_ok_and(|value| {
            let scheme = value.split(' ').next().unwrap_or_default();
            scheme.eq_ignore_ascii_case("dpop") && value.contains("use_dpop_nonce")
        })
    })
}

#[cfg(test)]
mod tests;
