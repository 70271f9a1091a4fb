//! Owns: the call to a service: connection pool, time limit, streams.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::Request;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::table::Route;
use super::upload::{self, Late};
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

    /// Sends `request`. Bodies stream both ways; the time limit is for the answer's head, and begins when
    /// the request is gone.
    ///
    /// # Errors
    /// [`ApiError`], with the service's name.
    pub(super) async fn send(
        &self,
        route: &Route,
        request: Request<Body>,
    ) -> Result<Response, ApiError> {
        let name = || route.service.name.clone();
        let (head, body) = request.into_parts();
        let (body, progress) = upload::watched(body);
        let answer = self.0.request(Request::from_parts(head, body));
        let answer =
            upload::head(answer, progress.as_ref(), route.timeout, route.idle_timeout).await;
        match answer {
            Ok(Ok(response)) => Ok(response.map(Body::new)),
            Ok(Err(error)) => {
                let connect = error.is_connect();
                tracing::warn!(service = name(), connect, "service failed");
                Err(ApiError::UpstreamUnreachable { service: name() })
            }
            Err(Late::Service) => Err(ApiError::UpstreamTimeout { service: name() }),
            Err(Late::Browser) => Err(ApiError::BodyStalled),
        }
    }
}
