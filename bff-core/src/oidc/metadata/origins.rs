//! Owns: which origin an endpoint is reached at, by us and by the browser.

use url::{Origin, Url};

use super::EndpointUrl;
use crate::oidc::config::{OidcConfig, is_https_or_loopback};
use crate::oidc::error::OidcError;

/// The issuer's origin, and the one it is called by where that differs.
pub(super) struct Origins<'a> {
    issuer: Url,
    internal: Option<&'a Url>,
}

impl<'a> Origins<'a> {
    pub(super) fn new(config: &'a OidcConfig) -> Result<Self, OidcError> {
        let issuer = Url::parse(&config.issuer).map_err(|_| OidcError::Config("issuer"))?;
        Ok(Self { issuer, internal: config.internal_base.as_ref() })
    }

    /// Endpoints beside the issuer move to the internal origin; those on other hosts stay.
    pub(super) fn server_side(&self, public: String) -> Result<EndpointUrl, OidcError> {
        let url = parse(&public)?;
        let call = match self.internal {
            Some(internal) if url.origin() == self.issuer.origin() => moved(&url, internal)?,
            _ => url,
        };
        // The operator named the internal origin, so plain text to it is the operator's choice.
        let named = self.internal.is_some_and(|internal| internal.origin() == call.origin());
        if !named && !is_https_or_loopback(&call) {
            return Err(OidcError::Metadata("endpoint_not_https"));
        }
        Ok(EndpointUrl { public, call })
    }

    /// An issuer that was asked under its internal name may answer with that name.
    pub(super) fn browser(&self, url: &str) -> Result<Url, OidcError> {
        let url = parse(url)?;
        let same = |origin: Origin| origin == url.origin();
        let url = match self.internal {
            Some(internal) if same(internal.origin()) => moved(&url, &self.issuer)?,
            _ => url,
        };
        if !is_https_or_loopback(&url) {
            return Err(OidcError::Metadata("endpoint_not_https"));
        }
        Ok(url)
    }
}

fn parse(url: &str) -> Result<Url, OidcError> {
    let parsed = Url::parse(url).map_err(|_| OidcError::Metadata("endpoint_not_a_url"))?;
    if parsed.fragment().is_some() || !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(OidcError::Metadata("endpoint_not_a_url"));
    }
    Ok(parsed)
}

/// `url` with its origin replaced by that of `target`.
pub(in crate::oidc) fn moved(url: &Url, target: &Url) -> Result<Url, OidcError> {
    let mut moved = target.clone();
    if moved.cannot_be_a_base() {
        return Err(OidcError::Config("internal_base"));
    }
    moved.set_path(url.path());
    moved.set_query(url.query());
    moved.set_fragment(None);
    Ok(moved)
}
