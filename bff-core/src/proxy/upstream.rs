//! Owns: the call to a service: connection pool, URL, proof of possession, time limit, streams.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::request::Parts;
use http::{HeaderValue, Request, Uri, Version};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use secrecy::ExposeSecret as _;
use session::record::TokenPart;
use url::Url;

use super::headers::{self, Identity};
use super::table::{Matched, Service};
use crate::app::App;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::http_client::{CONNECT_TIMEOUT, HttpSetupError, https_connector};
use crate::oidc::DpopKey;

/// Idle connections that a service may count on less than we do are closed by it; those kept here
/// are younger.
const POOL_IDLE: Duration = Duration::from_secs(30);

/// Connections to the services. Clones share them.
#[derive(Debug, Clone)]
pub struct Upstream(Client<HttpsConnector<HttpConnector>, Body>);

impl Upstream {
    /// No connection yet.
    ///
    /// # Errors
    /// [`HttpSetupError`] if TLS cannot be set up.
    pub fn new() -> Result<Self, HttpSetupError> {
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            .build(https_connector(None, CONNECT_TIMEOUT)?);
        Ok(Self(client))
    }

    /// Sends the request on. Bodies stream both ways; the time limit is for the answer's head.
    ///
    /// # Errors
    /// [`ApiError`] by whose fault.
    pub(super) async fn send(
        &self,
        app: &App,
        caller: &Caller,
        parts: Parts,
        body: Body,
        matched: &Matched,
        identity: &Identity,
    ) -> Result<Response, ApiError> {
        if headers::asks_for_upgrade(&parts.headers) {
            return Err(ApiError::BadRequest("upgrade_not_available"));
        }
        let service = &matched.route.service;
        let uri = target(service, &matched.upstream_path, parts.uri.query())?;
        let url = Url::parse(&uri.to_string()).map_err(|_| ApiError::Internal("upstream_url"))?;
        let mut head = headers::for_service(&parts.headers, &app.config.network.csrf_header);
        headers::put_identity(&mut head, identity, caller)?;
        if let Identity::User { tokens, .. } = identity
            && let Some(proof) = proof(app, tokens, &parts.method, &url).await?
        {
            head.insert("dpop", proof);
        }

        let mut onward = Request::new(body);
        *onward.method_mut() = parts.method;
        *onward.uri_mut() = uri;
        *onward.version_mut() = Version::HTTP_11;
        *onward.headers_mut() = head;
        let mut response = self.call(service, onward).await?;
        // A conversation between the service and us, in which the browser has no part.
        if let Some(nonce) = response.headers_mut().remove("dpop-nonce")
            && let Ok(nonce) = nonce.to_str()
        {
            app.providers.main().note_resource_nonce(&url, nonce);
        }
        Ok(response)
    }

    async fn call(
        &self,
        service: &Arc<Service>,
        request: Request<Body>,
    ) -> Result<Response, ApiError> {
        let name = || service.name.clone();
        match tokio::time::timeout(service.timeout, self.0.request(request)).await {
            Ok(Ok(response)) => {
                let (parts, body) = response.into_parts();
                Ok(Response::from_parts(parts, Body::new(body)))
            }
            Ok(Err(error)) => {
                tracing::warn!(
                    service = service.name,
                    connect = error.is_connect(),
                    "service failed"
                );
                Err(ApiError::UpstreamUnreachable { service: name() })
            }
            Err(_) => Err(ApiError::UpstreamTimeout { service: name() }),
        }
    }
}

fn target(service: &Service, path: &str, query: Option<&str>) -> Result<Uri, ApiError> {
    let base = service.base_url.path().trim_end_matches('/');
    let path_and_query = match query {
        Some(query) => format!("{base}{path}?{query}"),
        None => format!("{base}{path}"),
    };
    let mut parts = service.base_url.clone().into_parts();
    parts.path_and_query =
        Some(path_and_query.parse().map_err(|_| ApiError::BadRequest("path_unclear"))?);
    Uri::from_parts(parts).map_err(|_| ApiError::Internal("upstream_url"))
}

/// The proof for a bound token, made for the URL that the service sees (RFC 9449 section 4.2).
async fn proof(
    app: &App,
    tokens: &TokenPart,
    method: &http::Method,
    url: &Url,
) -> Result<Option<HeaderValue>, ApiError> {
    let Some(key) = &tokens.dpop_key else { return Ok(None) };
    let key =
        DpopKey::from_bytes(key.expose_secret()).map_err(|_| ApiError::Internal("dpop_key"))?;
    let access_token = tokens.access_token.expose_secret();
    let proof = app
        .providers
        .main()
        .resource_proof(&key, method, url, access_token, app.now())
        .await
        .map_err(|_| ApiError::Internal("dpop_proof"))?;
    HeaderValue::try_from(proof).map(Some).map_err(|_| ApiError::Internal("dpop_proof"))
}
