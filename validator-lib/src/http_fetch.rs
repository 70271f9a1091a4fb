//! Owns: getting a document over HTTP, within bounds of time and size. It follows no redirect: the
//! issuer's metadata says where its keys are, and nobody else does.

use std::fmt;
use std::future::IntoFuture;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL, HeaderMap};
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use crate::discovery::DiscoveryError;
use crate::keyset::MAX_JWKS_BYTES;
use crate::keysource::{FETCH_TIMEOUT, Fetch, FetchError, Fetched, max_age};
use crate::validator::{Builder, Validator};

/// A [`Fetch`] that opens connections, with TLS where the URL says `https`. Needs a tokio runtime.
#[derive(Clone)]
pub struct HttpFetch {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
}

impl HttpFetch {
    /// Trusts the certificates that the machine trusts.
    ///
    /// # Errors
    /// [`DiscoveryError::Certificates`] where TLS cannot be set up.
    pub fn new() -> Result<Self, DiscoveryError> {
        Self::trusting(machine_roots())
    }

    /// Trusts the PEM certificates of `pem` besides those that the machine trusts.
    ///
    /// # Errors
    /// [`DiscoveryError::Certificates`] where `pem` holds none, or one that is malformed.
    pub fn with_extra_roots(pem: &[u8]) -> Result<Self, DiscoveryError> {
        Self::trusting(extra_roots(pem)?)
    }

    fn trusting(roots: RootCertStore) -> Result<Self, DiscoveryError> {
        let connector = connector(roots)?;
        // Documents are fetched once an hour, so a kept connection would only ever be a stale one.
        let client =
            Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector);
        Ok(Self { client })
    }

    async fn read(&self, url: &str) -> Result<Fetched, FetchError> {
        let request = Request::get(url)
            .header(ACCEPT, "application/json")
            .body(Empty::new())
            .map_err(|error| FetchError::Network(error.to_string()))?;
        // The cause of a failed connection shows in the debug form alone.
        let network = |error| FetchError::Network(format!("{error:?}"));
        let response = self.client.request(request).await.map_err(network)?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status().as_u16()));
        }
        let max_age = freshness(response.headers());
        let body = Limited::new(response.into_body(), MAX_JWKS_BYTES).collect().await;
        let body = body.map_err(|error| match error.downcast_ref::<LengthLimitError>() {
            Some(_) => FetchError::TooLarge,
            None => FetchError::Network(error.to_string()),
        })?;
        Ok(Fetched { body: body.to_bytes().to_vec(), max_age })
    }
}

impl Fetch for HttpFetch {
    async fn get(&self, url: &str) -> Result<Fetched, FetchError> {
        tokio::time::timeout(FETCH_TIMEOUT, self.read(url))
            .await
            .unwrap_or(Err(FetchError::Timeout))
    }
}

impl fmt::Debug for HttpFetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpFetch").finish_non_exhaustive()
    }
}

impl IntoFuture for Builder {
    type Output = Result<Validator, DiscoveryError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            if self.knows_all_keys() {
                return Ok(self.build()?);
            }
            self.discover_with(HttpFetch::new()?).await
        })
    }
}

/// Connections with TLS where the URL says `https`, to servers that `roots` vouch for.
pub(crate) fn connector(
    roots: RootCertStore,
) -> Result<HttpsConnector<HttpConnector>, DiscoveryError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| DiscoveryError::Certificates)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(FETCH_TIMEOUT));
    let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
    Ok(connector.enable_all_versions().wrap_connector(tcp))
}

/// The certificates of `pem` besides those that the machine trusts.
pub(crate) fn extra_roots(pem: &[u8]) -> Result<RootCertStore, DiscoveryError> {
    let mut roots = machine_roots();
    let before = roots.len();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|_| DiscoveryError::Certificates)?;
        roots.add(certificate).map_err(|_| DiscoveryError::Certificates)?;
    }
    if roots.len() == before {
        return Err(DiscoveryError::Certificates);
    }
    Ok(roots)
}

/// A machine without certificates can still reach an issuer on itself, and every other connection
/// will say what it misses.
pub(crate) fn machine_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

fn freshness(headers: &HeaderMap) -> Option<u64> {
    headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok()).find_map(max_age)
}

#[cfg(test)]
mod tests;
