//! Owns: `bff probe-idp`: what an issuer publishes about itself, told before anything is configured, with the
//! settings that follow from it.

mod advice;
mod document;
mod doubts;

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::Full;
use serde_json::Value;
use url::Url;

use crate::http_client::{HttpClient, HttpSetupError};
use crate::oidc::is_https_or_loopback;
use document::Document;
pub(crate) use doubts::doubts;

const TIMEOUT: Duration = Duration::from_secs(10);

/// Why nothing can be told of an issuer.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// No address of an issuer.
    #[error("{0} is no issuer: https://host[/path] without query, or http on this machine")]
    Address(String),
    /// The certificate authority cannot be used.
    #[error(transparent)]
    Setup(#[from] HttpSetupError),
    /// The document did not come.
    #[error("{url}: {reason}")]
    Away {
        /// What was asked for.
        url: String,
        /// A stable code.
        reason: String,
    },
    /// What came is no metadata.
    #[error("{url}: not the metadata of an OpenID provider ({reason})")]
    Odd {
        /// What was asked for.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Asks `issuer` for its metadata and its keys, and tells what they say. `ca` is an authority in PEM that is
/// trusted beside the system's.
///
/// # Errors
/// [`ProbeError`].
pub async fn probe(issuer: &str, ca: Option<&[u8]>) -> Result<String, ProbeError> {
    let url = document_url(issuer)?;
    let http = HttpClient::new(ca)?;
    let body = get(&http, &url).await?;
    let odd = |reason: String| ProbeError::Odd { url: url.to_string(), reason };
    let document: Document =
        serde_json::from_slice(&body).map_err(|error| odd(error.to_string()))?;
    if document.issuer != issuer {
        let said = &document.issuer;
        return Err(odd(format!(
            "it is the issuer {said}: OIDC_ISSUER must be that, to the letter"
        )));
    }
    let keys = match Url::parse(&document.jwks_uri) {
        Ok(url) => get(&http, &url).await.map(|body| keys_of(&body)),
        Err(_) => Err(odd("jwks_uri is no address".to_owned())),
    };
    Ok(report(&document, keys.map_err(|error| error.to_string())))
}

/// OpenID Connect Discovery section 4.
fn document_url(issuer: &str) -> Result<Url, ProbeError> {
    let refused = || ProbeError::Address(issuer.to_owned());
    let parsed = Url::parse(issuer).map_err(|_| refused())?;
    let is_plain = parsed.query().is_none() && parsed.fragment().is_none();
    if !is_plain || !is_https_or_loopback(&parsed) || parsed.username() != "" {
        return Err(refused());
    }
    let base = issuer.strip_suffix('/').unwrap_or(issuer);
    Url::parse(&format!("{base}/.well-known/openid-configuration")).map_err(|_| refused())
}

async fn get(http: &HttpClient, url: &Url) -> Result<Bytes, ProbeError> {
    let away = |reason: String| ProbeError::Away { url: url.to_string(), reason };
    let request = Request::get(url.as_str())
        .header(header::ACCEPT, "application/json")
        .body(Full::new(Bytes::new()))
        .map_err(|error| away(error.to_string()))?;
    let response = http
        .send("probe", request, TIMEOUT)
        .await
        .map_err(|error| away(error.reason().to_owned()))?;
    match response.status() {
        StatusCode::OK => Ok(response.into_body()),
        status => Err(away(format!("answered {}", status.as_u16()))),
    }
}

/// Each kind of key once, as `RSA RS256`; `None` for what is no key set.
fn keys_of(body: &[u8]) -> Option<Vec<String>> {
    let set: Value = serde_json::from_slice(body).ok()?;
    let mut kinds: Vec<String> = Vec::new();
    for key in set.get("keys")?.as_array()? {
        let part = |name: &str| key.get(name).and_then(Value::as_str).unwrap_or_default();
        let kind = format!("{} {}", part("kty"), part("alg")).trim_end().to_owned();
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    Some(kinds)
}

/// The whole report. Nothing of it is secret.
fn report(document: &Document, keys: Result<Option<Vec<String>>, String>) -> String {
    let has_keys = matches!(&keys, Ok(Some(kinds)) if !kinds.is_empty());
    let keys = match keys {
        Ok(Some(kinds)) => kinds.join(", "),
        Ok(None) => "jwks_uri leads to no key set".to_owned(),
        Err(reason) => reason,
    };
    let mut lines = vec![format!("issuer {}\n\nsays of itself", document.issuer)];
    let facts = document.facts().into_iter().chain([("keys", keys)]);
    lines.extend(facts.map(|(name, said)| format!("  {name:<26}{said}")));
    lines.push("\nrecommended".to_owned());
    for advice in advice::settings(document) {
        lines.push(format!("  {}={}\n      {}", advice.setting, advice.value, advice.because));
    }
    let mut wants = advice::wants(document);
    if !has_keys {
        wants.push("no key can be read: no ID token could be checked, and no login would succeed");
    }
    if !wants.is_empty() {
        lines.push("\nmind".to_owned());
        lines.extend(wants.iter().map(|want| format!("  {want}")));
    }
    lines.push(String::new());
    lines.join("\n")
}

#[cfg(test)]
mod tests;
