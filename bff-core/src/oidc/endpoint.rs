//! Owns: one POST of a form to an endpoint of the authorization server: client authentication,
//! DPoP proof, nonce, the single retry, and what a status means.
//!
//! Sources: RFC 6749 sections 2.3 and 5.2, RFC 9449 sections 5 and 8. Bodies are never logged.

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::Full;
use serde::Deserialize;
use shell::random::Random;
use url::form_urlencoded;
use zeroize::Zeroizing;

use super::client_auth;
use super::config::OidcConfig;
use super::dpop::{DpopKey, Proof};
use super::error::{Endpoint, OAuthCode, OAuthError, OidcError};
use super::metadata::{EndpointUrl, Metadata};
use super::nonces::{Nonces, origin};
use crate::http_client::HttpClient;

/// The parameters of a request, in order. A resource may be there several times.
pub(super) type Form<'a> = Vec<(&'a str, &'a str)>;

/// Everything a call needs beside its own parameters.
pub(super) struct Caller<'a> {
    pub(super) config: &'a OidcConfig,
    pub(super) http: &'a HttpClient,
    pub(super) random: &'a dyn Random,
    pub(super) nonces: &'a Nonces,
    pub(super) metadata: &'a Metadata,
    pub(super) now: u64,
}

/// An answer with a status of success.
pub(super) struct Answer {
    status: StatusCode,
    body: Zeroizing<Vec<u8>>,
}

impl Answer {
    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }
}

#[cfg(any(test, feature = "fuzzing"))]
impl Answer {
    pub(super) fn ok(body: Vec<u8>) -> Self {
        Self { status: StatusCode::OK, body: Zeroizing::new(body) }
    }

    #[cfg(feature = "fuzzing")]
    pub(super) fn created(body: Vec<u8>) -> Self {
        Self { status: StatusCode::CREATED, body: Zeroizing::new(body) }
    }
}

impl Caller<'_> {
    /// Posts `form` to `endpoint`, with a proof by `key` if there is one.
    pub(super) async fn post(
        &self,
        endpoint: Endpoint,
        url: &EndpointUrl,
        form: &Form<'_>,
        key: Option<&DpopKey>,
    ) -> Result<Answer, OidcError> {
        let origin = origin(url.call());
        let mut retried = false;
        loop {
            // A fresh assertion and a fresh proof each time round: both are single use.
            let nonce = match key {
                Some(_) => self.nonces.get(&origin).await,
                None => None,
            };
            let request = self.request(url, nonce.as_deref(), form, key)?;
            let (has_nonce, outcome) =
                match self.http.send(endpoint.as_str(), request, self.config.http_timeout).await {
                    Ok(response) => {
                        let has_nonce = self.nonces.note(&origin, response.headers());
                        (has_nonce, read(endpoint, response))
                    }
                    Err(source) => (false, Err(OidcError::Unreachable { endpoint, source })),
                };
            endpoint.asked(&outcome);
            match outcome {
                Err(OidcError::Rejected {
                    error: OAuthError { code: OAuthCode::UseDpopNonce, status: Some(400 | 401) },
                    ..
                }) if key.is_some() && has_nonce && !retried => retried = true,
                outcome => return outcome,
            }
        }
    }

    fn request(
        &self,
        url: &EndpointUrl,
        nonce: Option<&str>,
        form: &Form<'_>,
        key: Option<&DpopKey>,
    ) -> Result<Request<Full<Bytes>>, OidcError> {
        let credentials = client_auth::credentials(self, url)?;
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(form);
        for (name, value) in credentials.parameters() {
            if !form.iter().any(|(present, _)| *present == name) {
                body.append_pair(name, value);
            }
        }
        let mut request = Request::new(Full::new(Bytes::from(body.finish())));
        *request.method_mut() = Method::POST;
        *request.uri_mut() =
            url.call().as_str().parse().map_err(|_| OidcError::Metadata("endpoint_not_a_uri"))?;
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(authorization) = credentials.into_header() {
            headers.insert(AUTHORIZATION, authorization);
        }
        if let Some(key) = key {
            self.prove(key, url, nonce, headers)?;
        }
        Ok(request)
    }

    fn prove(
        &self,
        key: &DpopKey,
        url: &EndpointUrl,
        nonce: Option<&str>,
        headers: &mut HeaderMap,
    ) -> Result<(), OidcError> {
        let proof = key.proof(&Proof {
            method: &Method::POST,
            // The address that is called: the server compares what it was called by.
            url: url.call(),
            nonce,
            access_token: None,
            iat: self.now,
            jti: &unguessable(self.random),
        })?;
        let proof = HeaderValue::from_str(&proof).map_err(|_| OidcError::Config("dpop_proof"))?;
        headers.insert("dpop", proof);
        Ok(())
    }
}

/// 128 random bits in base64url: an identifier or nonce nobody guesses or repeats.
pub(super) fn unguessable(random: &dyn Random) -> String {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    URL_SAFE_NO_PAD.encode(random.bytes::<16>())
}

fn read(endpoint: Endpoint, response: Response<Bytes>) -> Result<Answer, OidcError> {
    let status = response.status();
    if status.is_success() {
        let body = Zeroizing::new(response.into_body().to_vec());
        return Ok(Answer { status, body });
    }
    Err(refusal(endpoint, status, response.body()))
}

/// What a status that is no success means. Used for every endpoint.
pub(super) fn refusal(endpoint: Endpoint, status: StatusCode, body: &[u8]) -> OidcError {
    #[derive(Deserialize)]
    struct Wire {
        error: String,
    }
    let code = status.as_u16();
    if status.is_server_error()
        || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
    {
        return OidcError::Busy { endpoint, status: code };
    }
    if !status.is_client_error() {
        return OidcError::Protocol { endpoint, what: "unexpected_status" };
    }
    let error = serde_json::from_slice::<Wire>(body)
        .map_or(OAuthCode::Other, |wire| OAuthCode::parse(&wire.error));
    OidcError::Rejected { endpoint, error: OAuthError { code: error, status: Some(code) } }
}

#[cfg(test)]
mod tests;
