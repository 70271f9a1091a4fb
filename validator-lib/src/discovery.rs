//! Owns: where an issuer's metadata stands and what it has to say (OpenID Connect Discovery 1.0
//! section 4, RFC 8414 section 3). An issuer that names another one is refused: its keys would vouch
//! for tokens of the other.

use std::sync::Arc;

use serde::Deserialize;

use crate::json;
use crate::keys::Keys;
use crate::keysource::{Fetch, FetchError, RemoteKeys};
use crate::validator::{Builder, ConfigError, Validator};

/// Why a validator could not be made from an issuer's metadata.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DiscoveryError {
    /// The settings are wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The metadata could not be had. Asking again later may help.
    #[error("no metadata: {0}")]
    Fetch(#[from] FetchError),
    /// The answer is no metadata document.
    #[error("the metadata of the issuer is malformed")]
    Malformed,
    /// The metadata is that of another issuer.
    #[error("the metadata names another issuer")]
    OtherIssuer,
    /// The issuer or its keys are neither at an `https` URL nor on this machine.
    #[error("the issuer or its keys are not at an https URL")]
    InsecureUrl,
    /// The certificates to trust could not be read.
    #[error("the trusted certificates cannot be read")]
    Certificates,
}

impl Builder {
    /// Makes the validator with keys that `fetch` gets, for every issuer whose keys were not given: from
    /// where its metadata says they are, or from the URL that was given in place of that.
    ///
    /// # Errors
    /// [`DiscoveryError`].
    pub async fn discover_with<F: Fetch>(mut self, fetch: F) -> Result<Validator, DiscoveryError> {
        let fetch = Arc::new(fetch);
        for issuer in std::iter::once(&mut self.first).chain(&mut self.more) {
            if issuer.keys.is_none() {
                let url = match issuer.keys_at.take() {
                    Some(url) if is_secure(&url) => url,
                    Some(_) => return Err(DiscoveryError::InsecureUrl),
                    None => jwks_uri(&fetch, &issuer.issuer).await?,
                };
                issuer.keys = Some(Keys::remote(RemoteKeys::new(Arc::clone(&fetch), url)));
            }
        }
        Ok(self.build()?)
    }
}

async fn jwks_uri<F: Fetch>(fetch: &F, issuer: &str) -> Result<String, DiscoveryError> {
    if !is_secure(issuer) {
        return Err(DiscoveryError::InsecureUrl);
    }
    let document = match fetch.get(&openid_url(issuer)).await {
        Err(FetchError::Status(404)) => match oauth_url(issuer) {
            Some(url) => fetch.get(&url).await?,
            None => return Err(FetchError::Status(404).into()),
        },
        answer => answer?,
    };
    let metadata: Metadata = json::object(&document.body).map_err(|_| DiscoveryError::Malformed)?;
    if metadata.issuer != issuer {
        return Err(DiscoveryError::OtherIssuer);
    }
    if !is_secure(&metadata.jwks_uri) {
        return Err(DiscoveryError::InsecureUrl);
    }
    Ok(metadata.jwks_uri)
}

#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

fn openid_url(issuer: &str) -> String {
    format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))
}

/// The path of the issuer comes after the well-known one (RFC 8414 section 3.1).
fn oauth_url(issuer: &str) -> Option<String> {
    let (scheme, rest) = issuer.split_once("://")?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let path = path.trim_end_matches('/');
    let slash = if path.is_empty() { "" } else { "/" };
    Some(format!("{scheme}://{authority}/.well-known/oauth-authorization-server{slash}{path}"))
}

fn is_secure(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() || authority.contains(['@', '\\']) {
        return false;
    }
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => host,
        _ => authority,
    };
    let loopback = ["localhost", "127.0.0.1", "[::1]"].contains(&host);
    scheme == "https" || (scheme == "http" && loopback)
}

#[cfg(test)]
mod tests;
