//! Owns: getting an issuer's documents (metadata, keys) for `validator-lib`, with our HTTP client.

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::Full;
use validator_lib::keyset::MAX_JWKS_BYTES;
use validator_lib::keysource::{FETCH_TIMEOUT, Fetch, FetchError, Fetched, max_age};

use super::{HttpClient, HttpError};

/// Documents by GET.
#[derive(Debug, Clone)]
pub(crate) struct Documents(pub(crate) HttpClient);

impl Fetch for Documents {
    async fn get(&self, url: &str) -> Result<Fetched, FetchError> {
        let what = if url.ends_with("/openid-configuration") { "discovery" } else { "jwks" };
        let request = Request::get(url)
            .header(header::ACCEPT, "application/jwk-set+json, application/json")
            .body(Full::new(Bytes::new()))
            .map_err(|error| FetchError::Network(error.to_string()))?;
        let response =
            self.0.send(what, request, FETCH_TIMEOUT).await.map_err(|error| match error {
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
