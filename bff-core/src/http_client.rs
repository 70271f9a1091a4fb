//! Owns: outgoing HTTP to the identity provider: TLS roots, time limits, answer size; and connecting to
//! services.
//!
//! It never follows a redirect: a token request that is sent elsewhere is a credential sent
//! elsewhere (OAuth 2.0 Security BCP, RFC 9700 section 4.12).

mod connector;
mod documents;
mod identity;
mod refusal;
#[cfg(test)]
pub(crate) mod wire;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};

use connector::Deadline;
pub(crate) use documents::Documents;
pub use identity::{IdentityError, TlsIdentity};
pub(crate) use refusal::refused_our_certificate;

use crate::traces;

/// The longest answer that is read.
pub const MAX_BODY: usize = 1 << 20;

/// TCP and TLS together. Shorter than any whole call, so that a host that is not there is told
/// apart from an answer that got lost.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Node closes an idle connection after 5 s. A request written into a connection that is being
/// closed has an unknown outcome, which a refresh token cannot afford.
const POOL_IDLE: Duration = Duration::from_secs(4);

/// An HTTP/1.1 client over TLS (or plain text, for loopback). Clones share one pool.
#[derive(Clone)]
pub struct HttpClient {
    inner: Client<Deadline<HttpsConnector<HttpConnector>>, Full<Bytes>>,
    roots: Arc<RootCertStore>,
    connect_timeout: Duration,
}

impl HttpClient {
    /// A client that trusts the roots of the machine and those in `extra_ca_pem`.
    ///
    /// # Errors
    /// When `extra_ca_pem` holds no usable certificate, or TLS cannot be set up.
    pub fn new(extra_ca_pem: Option<&[u8]>) -> Result<Self, HttpSetupError> {
        Self::with_connect_timeout(extra_ca_pem, CONNECT_TIMEOUT)
    }

    fn with_connect_timeout(
        extra_ca_pem: Option<&[u8]>,
        connect_timeout: Duration,
    ) -> Result<Self, HttpSetupError> {
        Self::build(Arc::new(roots(extra_ca_pem)?), None, connect_timeout)
    }

    /// The same client, which shows `identity` to every server that asks for a certificate. Its
    /// connections are its own.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn presenting(&self, identity: &TlsIdentity) -> Result<Self, HttpSetupError> {
        Self::build(Arc::clone(&self.roots), Some(identity), self.connect_timeout)
    }

    fn build(
        roots: Arc<RootCertStore>,
        identity: Option<&TlsIdentity>,
        connect_timeout: Duration,
    ) -> Result<Self, HttpSetupError> {
        let https = connector(Arc::clone(&roots), identity, None, connect_timeout)?;
        let inner = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            .pool_max_idle_per_host(8)
            .build(Deadline::new(https, connect_timeout));
        Ok(Self { inner, roots, connect_timeout })
    }

    /// Sends `request` for `what`, as spans call it, and reads the whole answer, within `timeout`.
    ///
    /// # Errors
    /// See [`HttpError`]. A status of 400 or more is an answer, not an error.
    ///
    /// # Cancel safety
    /// Not cancel safe: a dropped call may have been carried out by the server.
    pub async fn send(
        &self,
        what: &'static str,
        request: Request<Full<Bytes>>,
        timeout: Duration,
    ) -> Result<Response<Bytes>, HttpError> {
        self.send_for(what, request, timeout, MAX_BODY).await
    }

    /// [`Self::send`], for an answer of at most `max` bytes.
    ///
    /// # Errors
    /// As for [`Self::send`].
    ///
    /// # Cancel safety
    /// As for [`Self::send`].
    pub async fn send_for(
        &self,
        what: &'static str,
        request: Request<Full<Bytes>>,
        timeout: Duration,
        max: usize,
    ) -> Result<Response<Bytes>, HttpError> {
        #[cfg(test)]
        if let Some(wire) = wire::laid() {
            return wire.carry(request).await;
        }
        let mut span = traces::call(what, request.method(), request.uri());
        let call = async {
            let response = self.inner.request(request).await.map_err(|error| {
                if error.is_connect() || refused_our_certificate(&error) {
                    HttpError::Connect(error)
                } else {
                    HttpError::Interrupted(Box::new(error))
                }
            })?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, max).collect().await.map_err(|error| {
                if error.is::<LengthLimitError>() {
                    HttpError::TooLarge
                } else {
                    HttpError::Interrupted(error)
                }
            })?;
            Ok(Response::from_parts(parts, body.to_bytes()))
        };
        let answer = tokio::time::timeout(timeout, call).await.unwrap_or(Err(HttpError::Timeout));
        if let Some(span) = &mut span {
            match &answer {
                Ok(response) => traces::call_answered(span, response.status()),
                Err(error) => span.fail(error.reason()),
            }
        }
        answer
    }
}

impl std::fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpClient").finish_non_exhaustive()
    }
}

/// Connects to services, within a time.
pub(crate) type ServiceConnector = Deadline<HttpsConnector<HttpConnector>>;

/// Connects over TLS, or plainly where the URL says so.
pub(crate) fn service_connector(
    roots: Arc<RootCertStore>,
    identity: Option<&TlsIdentity>,
    server_name: Option<ServerName<'static>>,
    connect_timeout: Duration,
) -> Result<ServiceConnector, HttpSetupError> {
    let connector = connector(roots, identity, server_name, connect_timeout)?;
    Ok(Deadline::new(connector, connect_timeout))
}

/// Trusts `roots`, and shows `identity` to who asks for a certificate.
pub(crate) fn client_config(
    roots: Arc<RootCertStore>,
    identity: Option<&TlsIdentity>,
) -> Result<ClientConfig, HttpSetupError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(HttpSetupError::Tls)?
        .with_root_certificates(roots);
    Ok(match identity {
        Some(identity) => tls.with_client_cert_resolver(identity.resolver()),
        None => tls.with_no_client_auth(),
    })
}

fn connector(
    roots: Arc<RootCertStore>,
    identity: Option<&TlsIdentity>,
    server_name: Option<ServerName<'static>>,
    connect_timeout: Duration,
) -> Result<HttpsConnector<HttpConnector>, HttpSetupError> {
    let tls = client_config(roots, identity)?;
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(connect_timeout));
    let builder = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
    let builder = match server_name {
        Some(name) => builder.with_server_name_resolver(FixedServerNameResolver::new(name)),
        None => builder,
    };
    Ok(builder.enable_http1().wrap_connector(tcp))
}

fn roots(extra_ca_pem: Option<&[u8]>) -> Result<RootCertStore, HttpSetupError> {
    let mut store = system_roots();
    if let Some(pem) = extra_ca_pem {
        add(&mut store, pem)?;
    }
    Ok(store)
}

/// The authorities of the machine. One without any can still reach an IdP with a private CA.
pub(crate) fn system_roots() -> RootCertStore {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    store
}

/// The authorities in `pem` and no others.
///
/// # Errors
/// [`HttpSetupError::Ca`].
pub(crate) fn only(pem: &[u8]) -> Result<RootCertStore, HttpSetupError> {
    let mut store = RootCertStore::empty();
    add(&mut store, pem)?;
    Ok(store)
}

fn add(store: &mut RootCertStore, pem: &[u8]) -> Result<(), HttpSetupError> {
    let mut found = false;
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|_| HttpSetupError::Ca)?;
        store.add(certificate).map_err(|_| HttpSetupError::Ca)?;
        found = true;
    }
    if found { Ok(()) } else { Err(HttpSetupError::Ca) }
}

/// Why no client could be built.
#[derive(Debug, thiserror::Error)]
pub enum HttpSetupError {
    /// The private CA is not a PEM file of X.509 certificates.
    #[error("the private CA holds no usable PEM certificate")]
    Ca,
    /// The TLS library refused its own defaults.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
}

/// Why a call brought no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// No connection: name, TCP or TLS, our certificate included. Nothing was carried out.
    #[error("no connection")]
    Connect(#[source] hyper_util::client::legacy::Error),
    /// The time was up; the server may have carried out the request.
    #[error("no answer in time")]
    Timeout,
    /// The connection broke; the server may have carried out the request.
    #[error("the connection broke before the answer was complete")]
    Interrupted(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The answer is longer than is read.
    #[error("the answer is too long")]
    TooLarge,
}

impl HttpError {
    /// Whether the server may have seen the request.
    pub fn may_have_been_sent(&self) -> bool {
        !matches!(self, Self::Connect(_))
    }

    /// A short stable code for logs and metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Connect(_) => "connect",
            Self::Timeout => "timeout",
            Self::Interrupted(_) => "interrupted",
            Self::TooLarge => "answer_too_large",
        }
    }
}

#[cfg(test)]
mod tests;
