//! Owns: what is kept of one service between calls: its connections, its breaker, its budget of retries.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::body::Body;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use http::Uri;
use rustls::RootCertStore;
use rustls::pki_types::ServerName;
use shell::reach::Peer;

use super::breaker::{self, Breaker};
use super::retry::{Budget, Retries};
use super::tell::Told;
use crate::http_client::{
    HttpSetupError, ServiceConnector, TlsIdentity, client_config, service_connector, system_roots,
};

/// Node and uvicorn close an idle connection after 5 s. What is written into one that is being closed is
/// lost.
const POOL_IDLE: Duration = Duration::from_secs(4);

/// How a service is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::proxy) struct Options {
    pub(in crate::proxy) is_https: bool,
    pub(in crate::proxy) connect_timeout: Duration,
    pub(in crate::proxy) max_idle_connections: usize,
    pub(in crate::proxy) retries: Retries,
    pub(in crate::proxy) breaker: breaker::Settings,
    pub(in crate::proxy) tls: ServiceTls,
}

/// How we and a service know each other.
#[derive(Debug, Clone, Default)]
pub(in crate::proxy) struct ServiceTls {
    /// Trusted alone, in PEM; `None` for the system's authorities.
    pub(in crate::proxy) ca: Option<Vec<u8>>,
    /// What we show, and the PEM that it was read from.
    pub(in crate::proxy) identity: Option<(TlsIdentity, Fingerprint)>,
    /// What its certificate is for, where that is not the host of its address.
    pub(in crate::proxy) server_name: Option<ServerName<'static>>,
}

impl ServiceTls {
    fn identity(&self) -> Option<&TlsIdentity> {
        self.identity.as_ref().map(|(identity, _)| identity)
    }
}

impl Options {
    fn roots(
        &self,
        system: &dyn Fn() -> Arc<RootCertStore>,
    ) -> Result<Arc<RootCertStore>, HttpSetupError> {
        Ok(match (&self.tls.ca, self.is_https) {
            (Some(ca), _) => Arc::new(crate::http_client::only(ca)?),
            (None, true) => system(),
            (None, false) => Arc::new(RootCertStore::empty()),
        })
    }

    /// Where a service at `base_url` that is called so is reached.
    ///
    /// # Errors
    /// As for [`Backend::new`].
    pub(in crate::proxy) fn peer(&self, base_url: &Uri) -> Result<Peer, HttpSetupError> {
        let host = base_url.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = base_url.port_u16().unwrap_or(if self.is_https { 443 } else { 80 });
        let name = self.tls.server_name.clone();
        let name = name.or_else(|| ServerName::try_from(host.clone()).ok());
        let tls = match name.filter(|_| self.is_https) {
            None => None,
            Some(name) => {
                let roots = self.roots(&|| Arc::new(system_roots()))?;
                Some((Arc::new(client_config(roots, self.tls.identity())?), name))
            }
        };
        Ok(Peer { host, port, tls })
    }
}

/// Tells two identities apart without keeping the key.
pub(in crate::proxy) type Fingerprint = [u8; 32];

impl PartialEq for ServiceTls {
    fn eq(&self, other: &Self) -> bool {
        let mark = |tls: &Self| tls.identity.as_ref().map(|(_, mark)| *mark);
        self.ca == other.ca && mark(self) == mark(other) && self.server_name == other.server_name
    }
}

impl Eq for ServiceTls {}

/// One service between calls. Calls under way keep it when the table changes, and so does the next table
/// where nothing about it has changed.
#[derive(Debug)]
pub(in crate::proxy) struct Backend {
    pub(super) client: Client<ServiceConnector, Body>,
    pub(in crate::proxy) options: Options,
    pub(super) breaker: Breaker,
    pub(super) budget: Budget,
    told: OnceLock<Told>,
}

impl Backend {
    /// No connection yet. `system` are the authorities of the machine.
    ///
    /// # Errors
    /// [`HttpSetupError`] if its authorities cannot be used, or TLS not be set up.
    pub(in crate::proxy) fn new(
        options: Options,
        system: &dyn Fn() -> Arc<RootCertStore>,
    ) -> Result<Self, HttpSetupError> {
        let tls = &options.tls;
        let roots = options.roots(system)?;
        let (identity, name) = (tls.identity(), tls.server_name.clone());
        let connector = service_connector(roots, identity, name, options.connect_timeout)?;
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            .pool_max_idle_per_host(options.max_idle_connections)
            .build(connector);
        let breaker = Breaker::new(options.breaker);
        Ok(Self { client, options, breaker, budget: Budget::default(), told: OnceLock::new() })
    }

    /// Whether it is called as `options` say.
    pub(in crate::proxy) fn is(&self, options: &Options) -> bool {
        self.options == *options
    }

    /// Makes what is counted of it, as `service`.
    pub(in crate::proxy) fn appear(&self, service: &str) {
        self.told(service);
    }

    pub(super) fn told(&self, service: &str) -> &Told {
        self.told.get_or_init(|| Told::of(service))
    }
}
