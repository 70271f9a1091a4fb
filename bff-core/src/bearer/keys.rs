//! Owns: the keys of the issuers of bearer tokens, from where `idps.yaml` or their metadata says.
//!
//! Nobody is asked before the first token comes, so an issuer that is away stops no start.

use std::collections::HashMap;

use serde::Deserialize;
use url::Url;
use validator_lib::keysource::{Fetch, FetchError, Fetched, RemoteKeys};

use crate::http_client::{Documents, HttpClient};
use crate::json;
use crate::oidc::is_https_or_loopback;

/// Whose keys, from where, and by which authority beside the system's.
type Place = (String, Option<Url>, Option<Vec<u8>>);

/// Keys that several entries of one issuer share, and that outlast a new `idps.yaml`: what was learned of an
/// issuer serves while it is away.
#[derive(Default)]
pub(super) struct Shared {
    before: HashMap<Place, RemoteKeys<IssuerKeys>>,
    used: HashMap<Place, RemoteKeys<IssuerKeys>>,
}

impl Shared {
    /// None but those that are known from `before`.
    pub(super) fn after(before: Option<&Self>) -> Self {
        let before = before.map(|shared| shared.used.clone()).unwrap_or_default();
        Self { before, used: HashMap::new() }
    }

    /// Without those that nobody needs any more.
    pub(super) fn used(self) -> Self {
        Self { before: HashMap::new(), ..self }
    }

    /// The keys of `issuer`: at `jwks_url`, or where its metadata says.
    pub(super) fn of(
        &mut self,
        issuer: &str,
        jwks_url: Option<&Url>,
        ca: Option<&[u8]>,
        http: &HttpClient,
    ) -> RemoteKeys<IssuerKeys> {
        let place = (issuer.to_owned(), jwks_url.cloned(), ca.map(<[u8]>::to_vec));
        let known = self.before.get(&place).cloned();
        let keys = self.used.entry(place).or_insert_with(|| {
            if let Some(known) = known {
                return known;
            }
            let documents = Documents(http.clone());
            // Where the metadata leads, no address is known yet: the issuer names them.
            let place = jwks_url.map_or(issuer, Url::as_str);
            let issuer = jwks_url.is_none().then(|| issuer.to_owned());
            RemoteKeys::new(IssuerKeys { documents, issuer }, place)
        });
        keys.clone()
    }
}

/// Gets a key set, by way of the metadata where nobody said where it is.
#[derive(Debug)]
pub(super) struct IssuerKeys {
    documents: Documents,
    issuer: Option<String>,
}

impl Fetch for IssuerKeys {
    async fn get(&self, url: &str) -> Result<Fetched, FetchError> {
        let Some(issuer) = &self.issuer else { return self.documents.get(url).await };
        let place = format!(
            "{}/.well-known/openid-configuration",
            issuer.strip_suffix('/').unwrap_or(issuer)
        );
        let metadata = self.documents.get(&place).await?;
        self.documents.get(jwks_uri(&metadata.body, issuer)?.as_str()).await
    }
}

/// Discovery section 4.3: an issuer that calls itself otherwise is another one.
fn jwks_uri(document: &[u8], issuer: &str) -> Result<Url, FetchError> {
    #[derive(Deserialize)]
    struct Metadata {
        issuer: String,
        jwks_uri: Url,
    }
    let refused = |what: &str| FetchError::Network(what.to_owned());
    let metadata: Metadata = json::object(document).ok_or_else(|| refused("metadata malformed"))?;
    if metadata.issuer != issuer {
        return Err(refused("metadata of another issuer"));
    }
    if !is_https_or_loopback(&metadata.jwks_uri) {
        return Err(refused("keys at no https URL"));
    }
    Ok(metadata.jwks_uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t12_keys_are_taken_from_the_issuer_itself_and_over_tls_alone() {
        let of = |text: &str| jwks_uri(text.as_bytes(), "https://idp.example").map(String::from);
        assert_eq!(
            of(r#"{"issuer":"https://idp.example","jwks_uri":"https://keys.example/1"}"#).unwrap(),
            "https://keys.example/1"
        );
        for refused in [
            "",
            "{}",
            r#"{"issuer":"https://idp.example/","jwks_uri":"https://keys.example/1"}"#,
            r#"{"issuer":"https://idp.example","jwks_uri":"http://keys.example/1"}"#,
            r#"{"issuer":"https://idp.example","jwks_uri":"file:///etc/keys"}"#,
        ] {
            of(refused).unwrap_err();
        }
    }
}
