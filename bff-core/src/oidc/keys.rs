//! Owns: the issuer's signing keys, fetched with our HTTP client from where the metadata says.

use std::sync::{Mutex, PoisonError};

use validator_lib::algorithm::Algorithm;
use validator_lib::jws::{JwsError, VerifiedJws};
use validator_lib::keysource::{Fetch, FetchError, Fetched, RemoteKeys, VerifyError};

use super::error::{Endpoint, OidcError};
use super::metadata::EndpointUrl;
use crate::http_client::{Documents, HttpClient};
use crate::metrics;

/// Asks for keys, and counts that.
#[derive(Debug, Clone)]
struct Counted(Documents);

impl Fetch for Counted {
    async fn get(&self, url: &str) -> Result<Fetched, FetchError> {
        let asked = self.0.get(url).await;
        let outcome = match &asked {
            Ok(_) => "ok",
            Err(FetchError::Status(429 | 500..)) => "busy",
            Err(FetchError::Status(_)) => "rejected",
            Err(FetchError::Timeout) => "timeout",
            Err(FetchError::Network(_)) => "connect",
            Err(_) => "nonsense",
        };
        metrics::idp_asked(Endpoint::Jwks.as_str(), outcome);
        asked
    }
}

/// The keys of one issuer.
#[derive(Debug)]
pub(super) struct Keys {
    http: HttpClient,
    /// Replaced when the metadata names another address.
    remote: Mutex<Option<(EndpointUrl, RemoteKeys<Counted>)>>,
}

impl Keys {
    pub(super) fn new(http: HttpClient) -> Self {
        Self { http, remote: Mutex::new(None) }
    }

    /// Checks the signature of `compact` with the keys at `url`.
    ///
    /// # Errors
    /// What [`OidcError`] `refused` makes of a token that is at fault; [`OidcError::Keys`] where the
    /// keys are.
    pub(super) async fn verify(
        &self,
        url: &EndpointUrl,
        compact: &str,
        allowed: &[Algorithm],
        refused: impl Fn(JwsError) -> OidcError,
        now: u64,
    ) -> Result<VerifiedJws, OidcError> {
        let keys = self.at(url);
        let verified = keys.verify(compact, allowed, now).await.map_err(|error| match error {
            VerifyError::Token(error) => refused(error),
            VerifyError::Unavailable(error) => OidcError::Keys(error),
        })?;
        let header = verified.header();
        if header.kid.is_none() {
            // OpenID Connect Core section 10.1: with several keys, the header says which.
            let known = keys.current(now).await.map_err(OidcError::Keys)?;
            if known.fitting(header.alg, allowed) > 1 {
                return Err(refused(JwsError::TooManyCandidates));
            }
        }
        Ok(verified)
    }

    /// Fetches the keys at `url`, or has them.
    ///
    /// # Errors
    /// [`OidcError::Keys`].
    pub(super) async fn read(&self, url: &EndpointUrl, now: u64) -> Result<(), OidcError> {
        self.at(url).current(now).await.map(drop).map_err(OidcError::Keys)
    }

    fn at(&self, url: &EndpointUrl) -> RemoteKeys<Counted> {
        let mut remote = self.remote.lock().unwrap_or_else(PoisonError::into_inner);
        match &*remote {
            Some((known, keys)) if known == url => keys.clone(),
            _ => {
                let documents = Counted(Documents(self.http.clone()));
                let keys = RemoteKeys::new(documents, url.call().as_str());
                *remote = Some((url.clone(), keys.clone()));
                keys
            }
        }
    }
}
