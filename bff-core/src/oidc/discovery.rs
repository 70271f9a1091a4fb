//! Owns: the cache of the provider metadata (OpenID Connect Discovery section 4).
//!
//! Good for an hour; one request at a time; a failure is remembered for a second, so that an
//! identity provider that is away is not stormed; what was known stays in use meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use http::{Request, header};
use http_body_util::Full;
use tokio::sync::Mutex;
use url::Url;

use super::config::OidcConfig;
use super::endpoint::refusal;
use super::error::{Endpoint, OidcError};
use super::metadata::{Metadata, moved};
use crate::http_client::HttpClient;

const FRESH_FOR: u64 = 3600;
const LEAVE_ALONE_FOR: u64 = 1;

/// The metadata of one issuer.
#[derive(Debug, Default)]
pub(super) struct Discovery {
    known: ArcSwapOption<Known>,
    /// Held while asking. Its value: when asking failed last.
    asking: Mutex<Option<u64>>,
    /// How often asking failed. Who waited for an answer that did not come does not ask again:
    /// waiters would otherwise pay one time limit after the other.
    failures: AtomicU64,
}

#[derive(Debug)]
struct Known {
    metadata: Arc<Metadata>,
    since: u64,
}

impl Discovery {
    /// The metadata, at most an hour old unless the issuer is away.
    pub(super) async fn get(
        &self,
        config: &OidcConfig,
        http: &HttpClient,
        now: u64,
    ) -> Result<Arc<Metadata>, OidcError> {
        let stale = match self.known.load_full() {
            Some(known) if now < known.since.saturating_add(FRESH_FOR) => {
                return Ok(Arc::clone(&known.metadata));
            }
            stale => stale,
        };
        let failures = self.failures.load(Ordering::Acquire);
        let mut failed_at = match &stale {
            None => self.asking.lock().await,
            // Somebody else is asking; what is known will do until then.
            Some(known) => match self.asking.try_lock() {
                Ok(guard) => guard,
                Err(_) => return Ok(Arc::clone(&known.metadata)),
            },
        };
        if let Some(known) = self.known.load_full()
            && now < known.since.saturating_add(FRESH_FOR)
        {
            return Ok(Arc::clone(&known.metadata));
        }
        let back_off = self.failures.load(Ordering::Acquire) != failures
            || failed_at.is_some_and(|at| now.abs_diff(at) <= LEAVE_ALONE_FOR);
        let outcome = if back_off {
            Err(OidcError::BackingOff(Endpoint::Discovery))
        } else {
            ask(config, http).await
        };
        match (outcome, stale) {
            (Ok(metadata), _) => {
                *failed_at = None;
                let metadata = Arc::new(metadata);
                let known = Known { metadata: Arc::clone(&metadata), since: now };
                self.known.store(Some(Arc::new(known)));
                Ok(metadata)
            }
            (Err(error), stale) => {
                if !back_off {
                    *failed_at = Some(now);
                    self.failures.fetch_add(1, Ordering::Release);
                }
                stale.map(|known| Arc::clone(&known.metadata)).ok_or(error)
            }
        }
    }

    /// Asks the issuer now, whatever is known.
    pub(super) async fn probe(config: &OidcConfig, http: &HttpClient) -> Result<(), OidcError> {
        ask(config, http).await.map(drop)
    }

    /// As [`Discovery::probe`]; the document, and what we make of it.
    pub(super) async fn look(
        config: &OidcConfig,
        http: &HttpClient,
    ) -> Result<(Bytes, Metadata), OidcError> {
        let document = document(config, http).await?;
        let metadata = Metadata::parse(&document, config)?;
        Ok((document, metadata))
    }
}

async fn ask(config: &OidcConfig, http: &HttpClient) -> Result<Metadata, OidcError> {
    let document = document(config, http).await;
    let asked = document.and_then(|document| Metadata::parse(&document, config));
    Endpoint::Discovery.asked(&asked);
    asked
}

async fn document(config: &OidcConfig, http: &HttpClient) -> Result<Bytes, OidcError> {
    let endpoint = Endpoint::Discovery;
    let url = document_url(config)?;
    let request = Request::get(url.as_str())
        .header(header::ACCEPT, "application/json")
        .body(Full::new(Bytes::new()))
        .map_err(|_| OidcError::Config("issuer"))?;
    let response = http
        .send(endpoint.as_str(), request, config.http_timeout)
        .await
        .map_err(|source| OidcError::Unreachable { endpoint, source })?;
    if response.status() != http::StatusCode::OK {
        return Err(refusal(endpoint, response.status(), response.body()));
    }
    Ok(response.into_body())
}

/// Discovery section 4: the issuer without a trailing slash, then the well-known suffix.
fn document_url(config: &OidcConfig) -> Result<Url, OidcError> {
    let issuer = config.issuer.strip_suffix('/').unwrap_or(&config.issuer);
    let url = Url::parse(&format!("{issuer}/.well-known/openid-configuration"))
        .map_err(|_| OidcError::Config("issuer"))?;
    config.internal_base.as_ref().map_or(Ok(url.clone()), |internal| moved(&url, internal))
}

#[cfg(test)]
mod tests;
