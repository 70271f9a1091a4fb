//! Owns: a source of rights that is asked over HTTP.

mod template;

use std::fmt;

use bytes::Bytes;
use http::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::{PermissionSource, Rights, SourceError, User};
use crate::http_fetch::{connector, extra_roots, machine_roots};
use template::Template;

/// The longest answer that is read.
const MAX_BYTES: usize = 65_536;

/// Connections that wait for the next question.
const IDLE: usize = 8;

/// Asks a URL for the rights of a user, by GET.
///
/// | answer | |
/// |---|---|
/// | 200, `{"roles": ["ADMIN"], "permissions": ["orders:refund"]}`, at most 64 KiB | these; see [`Rights::from_json`] |
/// | 404 | the user is unknown, and denied everything |
/// | anything else, a redirect included | the source cannot say |
///
/// Needs a tokio runtime.
#[derive(Clone)]
pub struct HttpSource {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    template: Template,
    headers: HeaderMap,
}

/// Why a source cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HttpSourceError {
    /// It is no `http` or `https` URL with `{user}` in its path or query, or has another placeholder than
    /// `{user}`, `{tenant}` and `{issuer}`, or one in its host.
    #[error("not a URL with {{user}} in its path or query")]
    Url,
    /// A header that cannot be sent.
    #[error("not a header")]
    Header,
    /// Certificates that cannot be used, or TLS that cannot be set up.
    #[error("certificates that cannot be used")]
    Certificates,
}

impl HttpSource {
    /// Asks `url`, with the user in place of `{user}`, and where they stand in it of `{tenant}` and `{issuer}`:
    /// `https://directory.internal/tenants/{tenant}/users/{user}/rights`. They are percent-encoded. Somebody
    /// who cannot be named so (a part of the path that were empty, `.` or `..`; no tenant where one is needed)
    /// is unknown, and nobody is asked.
    ///
    /// # Errors
    /// [`HttpSourceError`].
    pub fn new(url: impl AsRef<str>) -> Result<Self, HttpSourceError> {
        Self::with(url.as_ref(), machine_roots())
    }

    /// The same, trusting the PEM certificates of `pem` besides those that the machine trusts.
    ///
    /// # Errors
    /// [`HttpSourceError`].
    pub fn with_extra_roots(url: impl AsRef<str>, pem: &[u8]) -> Result<Self, HttpSourceError> {
        let roots = extra_roots(pem).map_err(|_| HttpSourceError::Certificates)?;
        Self::with(url.as_ref(), roots)
    }

    fn with(url: &str, roots: rustls::RootCertStore) -> Result<Self, HttpSourceError> {
        let template = Template::read(url).ok_or(HttpSourceError::Url)?;
        let connector = connector(roots).map_err(|_| HttpSourceError::Certificates)?;
        let mut client = Client::builder(TokioExecutor::new());
        let client = client.pool_max_idle_per_host(IDLE).build(connector);
        Ok(Self { client, template, headers: HeaderMap::new() })
    }

    /// With a header, such as `authorization`. Its value is not printed.
    ///
    /// # Errors
    /// [`HttpSourceError::Header`].
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, HttpSourceError> {
        let name = HeaderName::try_from(name).map_err(|_| HttpSourceError::Header)?;
        let mut value = HeaderValue::try_from(value).map_err(|_| HttpSourceError::Header)?;
        value.set_sensitive(true);
        self.headers.insert(name, value);
        Ok(self)
    }
}

impl PermissionSource for HttpSource {
    async fn load(&self, user: &User) -> Result<Option<Rights>, SourceError> {
        let Some(url) = self.template.fill(user) else { return Ok(None) };
        let request = Request::get(url).header(ACCEPT, "application/json").body(Empty::new());
        // The URL names a user, who is nobody's business in a log.
        let mut request = request.map_err(|_| SourceError::new("not a URL"))?;
        request.headers_mut().extend(self.headers.clone());
        let response = self.client.request(request).await;
        let response = response.map_err(|error| {
            SourceError::new(if error.is_connect() { "cannot connect" } else { "no answer" })
        })?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(None),
            status => return Err(SourceError::new(format_args!("status {}", status.as_u16()))),
        }
        let body = Limited::new(response.into_body(), MAX_BYTES).collect().await;
        let body = body.map_err(|_| SourceError::new("the answer broke off or is too long"))?;
        Rights::from_json(&body.to_bytes()).map(Some).map_err(SourceError::new)
    }
}

impl fmt::Debug for HttpSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpSource").field("url", &self.template).finish_non_exhaustive()
    }
}
