//! Owns: a service of `routes.yaml`.

mod calls;
mod signature;
mod tls;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use rustls::RootCertStore;
use serde::Deserialize;

use super::super::build::What;
use super::super::given::Given;
use super::super::{Service, ServiceToken};
use super::{Scalar, span};
use crate::config::Strategy;
use crate::exchanges::Target;
use crate::proxy::upstream::{Backend, Options};
use calls::{BreakerFile, RetriesFile};
use signature::SignatureFile;
use tls::TlsFile;

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
/// Beyond what services let pass between two signs of life on a stream.
const DEFAULT_IDLE_TIMEOUT: Duration = Duration::from_secs(300);
/// As many as a burst leaves behind; more would only be closed by their age.
const DEFAULT_MAX_IDLE: usize = 256;

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in super::super) struct ServiceFile {
    base_url: String,
    #[serde(default)]
    timeout: Option<Scalar>,
    #[serde(default)]
    idle_timeout: Option<Scalar>,
    #[serde(default)]
    connect_timeout: Option<Scalar>,
    #[serde(default)]
    max_idle_connections: Option<usize>,
    #[serde(default)]
    retries: Option<RetriesFile>,
    #[serde(default)]
    breaker: Option<BreakerFile>,
    #[serde(default)]
    audience: Option<String>,
    /// What its tokens are to be good for, separated by blanks.
    #[serde(default)]
    scope: Option<String>,
    #[serde(default)]
    token: Option<TokenFile>,
    #[serde(default)]
    tls: Option<TlsFile>,
    #[serde(default)]
    signature: Option<SignatureFile>,
    #[serde(default)]
    #[expect(dead_code, reason = "for people")]
    description: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
enum TokenFile {
    Session,
    Exchange,
    Context,
    None,
}

impl ServiceFile {
    /// The service `name`, with the connections of `known` where it is called in the same way.
    pub(in super::super) fn parse(
        &self,
        name: &str,
        given: &Given,
        system: &dyn Fn() -> Arc<RootCertStore>,
        known: Option<&Arc<Service>>,
    ) -> Result<Service, What> {
        let url = self.base_url.trim_end_matches('/');
        let base_url: Option<Uri> = url.parse().ok();
        let usable = |uri: &Uri| {
            matches!(uri.scheme_str(), Some("http" | "https"))
                && uri.query().is_none()
                && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
        };
        let base_url = base_url.filter(usable).ok_or_else(|| {
            What::new("has a base_url that is no http URL", "For example http://crud:8000.")
        })?;
        let is_https = base_url.scheme_str() == Some("https");
        let timeout = span("a timeout", self.timeout.as_ref())?.unwrap_or(DEFAULT_TIMEOUT);
        let idle_timeout = span("an idle_timeout", self.idle_timeout.as_ref())?;
        let idle_timeout = idle_timeout.unwrap_or(DEFAULT_IDLE_TIMEOUT);
        let options = self.options(is_https, given)?;
        let is_same = |known: &&Arc<Service>| {
            known.base_url.authority() == base_url.authority() && known.backend.is(&options)
        };
        let backend = match known.filter(is_same) {
            Some(known) => Arc::clone(&known.backend),
            None => Arc::new(Backend::new(options, system).map_err(|_| {
                let hint = "Give a PEM file with the certificates of its authorities.";
                What::new("has a tls.ca that holds no usable certificate", hint)
            })?),
        };
        let (name, token) = (name.to_owned(), self.token(given.strategy)?);
        let signing = SignatureFile::parse(self.signature.as_ref(), given)?;
        Ok(Service { name, base_url, timeout, idle_timeout, token, signing, backend })
    }

    /// The files that it names.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        self.tls.as_ref().map(TlsFile::files).unwrap_or_default()
    }

    fn token(&self, strategy: Strategy) -> Result<ServiceToken, What> {
        let usual = match strategy {
            Strategy::Downscope => TokenFile::Exchange,
            Strategy::PassThrough | Strategy::Fapi => TokenFile::Session,
        };
        let kind = self.token.unwrap_or(usual);
        if self.scope.is_some() && kind != TokenFile::Exchange {
            return Err(What::new(
                "has a scope and no token: exchange",
                "Only the scope of a token that is exchanged can be chosen.",
            ));
        }
        let audience = self.audience.as_deref().filter(|audience| !audience.is_empty());
        match (kind, audience) {
            (TokenFile::Session, _) if strategy == Strategy::Downscope => Err(What::new(
                "has token: session beside BFF_STRATEGY=downscope, which sends no broad token",
                "Give it an audience, or say token: none.",
            )),
            (TokenFile::Session, _) => Ok(ServiceToken::Session),
            (TokenFile::None, _) => Ok(ServiceToken::None),
            (TokenFile::Exchange, Some(audience)) => Ok(ServiceToken::Exchange(Target {
                audience: audience.into(),
                scope: self.scope.as_deref().map(Into::into),
            })),
            (TokenFile::Exchange, None) => Err(What::new(
                "has no audience, for which its tokens are exchanged",
                "Name it as the IdP knows it, or say token: none.",
            )),
            (TokenFile::Context, Some(audience)) => Ok(ServiceToken::Context(audience.into())),
            (TokenFile::Context, None) => Err(What::new(
                "has token: context and no audience",
                "Name what the service checks as aud, such as https://orders.internal.",
            )),
        }
    }

    fn options(&self, is_https: bool, given: &Given) -> Result<Options, What> {
        let tls = self.tls.as_ref().map(TlsFile::parse).transpose()?.unwrap_or_default();
        if self.tls.is_some() && !is_https {
            return Err(What::new(
                "has tls settings beside an http address",
                "Write https in its base_url, or remove them.",
            ));
        }
        if given.needs_certificates && tls.identity.is_none() {
            return Err(What::new(
                "has no client certificate, which ENABLE_MTLS_BACKEND asks for",
                "Give it an https base_url, tls.client_cert and tls.client_key.",
            ));
        }
        let connect_timeout = span("a connect_timeout", self.connect_timeout.as_ref())?;
        Ok(Options {
            is_https,
            connect_timeout: connect_timeout.unwrap_or(crate::http_client::CONNECT_TIMEOUT),
            max_idle_connections: self.max_idle_connections.unwrap_or(DEFAULT_MAX_IDLE),
            retries: self.retries.as_ref().map(RetriesFile::parse).transpose()?.unwrap_or_default(),
            breaker: self.breaker.as_ref().map(BreakerFile::parse).transpose()?.unwrap_or_default(),
            tls,
        })
    }
}
