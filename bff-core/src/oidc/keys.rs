//! Owns: the issuer's signing keys, fetched with our HTTP client from where the metadata says.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::Full;
use validator_lib::keyset::MAX_JWKS_BYTES;
use validator_lib::keysource::{
    FETCH_TIMEOUT, Fetch, FetchError, Fetched, RemoteKeys, VerifyError, max_age,
};

use validator_lib::algorithm::Algorithm;
use validator_lib::jws::{JwsError, VerifiedJws};

use super::error::OidcError;
use super::metadata::EndpointUrl;
use crate::http_client::{HttpClient, HttpError};

/// The keys of one issuer.
#[derive(Debug)]
pub(super) struct Keys {
    http: HttpClient,
    /// Replaced when the metadata names another address.
    remote: Mutex<Option<(EndpointUrl, RemoteKeys<Get>)>>,
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

    fn at(&self, url: &EndpointUrl) -> RemoteKeys<Get> {
        let mut remote = self.remote.lock().unwrap_or_else(PoisonError::into_inner);
        match &*remote {
            Some((known, keys)) if known == url => keys.clone(),
            _ => {
                let keys = RemoteKeys::new(Get(self.http.clone()), url.call().as_str());
                *remote = Some((url.clone(), keys.clone()));
                keys
            }
        }
    }
}

#[derive(Debug)]
struct Get(HttpClient);

impl Fetch for Get {
    async fn get(&self, url: &str) -> Result<Fetched, FetchError> {
        let request = Request::get(url)
            .header(header::ACCEPT, "application/jwk-set+json, application/json")
            .body(Full::new(Bytes::new()))
            .map_err(|error| FetchError::Network(error.to_string()))?;
        let response = self.0.send(request, FETCH_TIMEOUT).await.map_err(|error| match error {
            HttpError::Timeout => FetchError::Timeout,
            HttpError::TooLarge => FetchError::TooLarge,
            HttpError::Connect(_) | HttpError::Interrupted(_) => {
                FetchError::Network(error.reason().to_owned())
            }
        })?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status().as_u16()));
        }
        if response.body().len() > MAX_JWKS_BYTES {
            return Err(FetchError::TooLarge);
        }
        let max_age = response
            .headers()
            .get(header::CACHE_CONTROL)
            .and_then(|value| max_age(value.to_str().ok()?));
        Ok(Fetched { body: response.into_body().to_vec(), max_age })
    }
}
