//! Owns: the call to a service: connection pool, time limit, streams.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::Request;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::table::Service;
use crate::error::ApiError;
use crate::http_client::{CONNECT_TIMEOUT, HttpSetupError, https_connector};

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

    /// Sends `request`. Bodies stream both ways; the time limit is for the answer's head.
    ///
    /// # Errors
    /// [`ApiError`], with the service's name.
    pub(super) async fn send(
        &self,
        service: &Service,
        request: Request<Body>,
    ) -> Result<Response, ApiError> {
        let name = || service.name.clone();
        match tokio::time::timeout(service.timeout, self.0.request(request)).await {
            Ok(Ok(response)) => Ok(response.map(Body::new)),
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
