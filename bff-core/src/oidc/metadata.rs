//! Owns: the provider metadata, parsed and checked (OpenID Connect Discovery section 3 and 4.3,
//! RFC 8414, RFC 9126 section 5, RFC 9207 section 3, RFC 9449 section 5.1).

use serde::Deserialize;
use url::{Origin, Url};

use super::config::{Mode, OidcConfig, is_https_or_loopback};
use super::error::OidcError;

/// What the issuer says about itself, checked against the configuration.
#[derive(Debug, Clone)]
pub(super) struct Metadata {
    authorization: Url,
    token: EndpointUrl,
    jwks: EndpointUrl,
    par: Option<EndpointUrl>,
    userinfo: Option<EndpointUrl>,
    revocation: Option<EndpointUrl>,
    end_session: Option<Url>,
    use_dpop: bool,
    iss_parameter: bool,
    id_token_algorithms: Vec<String>,
}

/// An endpoint that we call: its published name, and the address it is reached at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EndpointUrl {
    public: String,
    call: Url,
}

impl EndpointUrl {
    /// As the metadata spells it.
    pub(super) fn public(&self) -> &str {
        &self.public
    }

    /// Where requests go.
    pub(super) fn call(&self) -> &Url {
        &self.call
    }
}

#[derive(Deserialize)]
struct Wire {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    pushed_authorization_request_endpoint: Option<String>,
    #[serde(default)]
    require_pushed_authorization_requests: bool,
    userinfo_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    end_session_endpoint: Option<String>,
    #[serde(default)]
    dpop_signing_alg_values_supported: Vec<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    #[serde(default)]
    id_token_signing_alg_values_supported: Vec<String>,
}

impl Metadata {
    /// Reads the discovery document.
    pub(super) fn parse(document: &[u8], config: &OidcConfig) -> Result<Self, OidcError> {
        let wire: Wire = serde_json::from_slice(document)
            .map_err(|_| OidcError::Metadata("discovery_malformed"))?;
        // Simple string comparison: a trailing slash makes another issuer.
        if wire.issuer != config.issuer {
            return Err(OidcError::Metadata("discovery_issuer_mismatch"));
        }
        let origins = Origins::new(config)?;
        let par = wire
            .pushed_authorization_request_endpoint
            .map(|url| origins.server_side(url))
            .transpose()?;
        let par = match (config.par, par) {
            (Mode::Off, _) if wire.require_pushed_authorization_requests => {
                return Err(OidcError::Metadata("par_required_by_issuer"));
            }
            (Mode::Required, None) => return Err(OidcError::Metadata("par_not_offered")),
            (Mode::Auto, None) if wire.require_pushed_authorization_requests => {
                return Err(OidcError::Metadata("par_not_offered"));
            }
            (Mode::Off, _) => None,
            (Mode::Auto | Mode::Required, par) => par,
        };
        let offers_dpop = wire.dpop_signing_alg_values_supported.iter().any(|alg| alg == "ES256");
        Ok(Self {
            authorization: origins.browser(&wire.authorization_endpoint)?,
            token: origins.server_side(wire.token_endpoint)?,
            jwks: origins.server_side(wire.jwks_uri)?,
            par,
            userinfo: wire.userinfo_endpoint.map(|url| origins.server_side(url)).transpose()?,
            revocation: wire.revocation_endpoint.map(|url| origins.server_side(url)).transpose()?,
            end_session: wire.end_session_endpoint.map(|url| origins.browser(&url)).transpose()?,
            use_dpop: match config.dpop {
                // Whether the metadata offers it or not: an issuer that cannot is found out by
                // the type of its tokens.
                Mode::Required => true,
                Mode::Auto => offers_dpop,
                Mode::Off => false,
            },
            iss_parameter: wire.authorization_response_iss_parameter_supported,
            id_token_algorithms: wire.id_token_signing_alg_values_supported,
        })
    }

    pub(super) fn authorization_endpoint(&self) -> &Url {
        &self.authorization
    }

    pub(super) fn token_endpoint(&self) -> &EndpointUrl {
        &self.token
    }

    pub(super) fn jwks(&self) -> &EndpointUrl {
        &self.jwks
    }

    /// Where authorization requests are pushed to, if they are.
    pub(super) fn par_endpoint(&self) -> Option<&EndpointUrl> {
        self.par.as_ref()
    }

    pub(super) fn userinfo_endpoint(&self) -> Option<&EndpointUrl> {
        self.userinfo.as_ref()
    }

    pub(super) fn revocation_endpoint(&self) -> Option<&EndpointUrl> {
        self.revocation.as_ref()
    }

    pub(super) fn end_session_endpoint(&self) -> Option<&Url> {
        self.end_session.as_ref()
    }

    /// Whether requests carry a DPoP proof.
    pub(super) fn use_dpop(&self) -> bool {
        self.use_dpop
    }

    /// Whether authorization responses are promised to carry `iss`.
    pub(super) fn promises_iss(&self) -> bool {
        self.iss_parameter
    }

    /// As the issuer lists them; empty where it does not.
    pub(super) fn id_token_algorithms(&self) -> &[String] {
        &self.id_token_algorithms
    }
}

/// Which origin an endpoint is reached at, by us and by the browser.
struct Origins<'a> {
    issuer: Url,
    internal: Option<&'a Url>,
}

impl<'a> Origins<'a> {
    fn new(config: &'a OidcConfig) -> Result<Self, OidcError> {
        let issuer = Url::parse(&config.issuer).map_err(|_| OidcError::Config("issuer"))?;
        Ok(Self { issuer, internal: config.internal_base.as_ref() })
    }

    /// Endpoints beside the issuer move to the internal origin; those on other hosts stay.
    fn server_side(&self, public: String) -> Result<EndpointUrl, OidcError> {
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
    fn browser(&self, url: &str) -> Result<Url, OidcError> {
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
pub(super) fn moved(url: &Url, target: &Url) -> Result<Url, OidcError> {
    let mut moved = target.clone();
    if moved.cannot_be_a_base() {
        return Err(OidcError::Config("internal_base"));
    }
    moved.set_path(url.path());
    moved.set_query(url.query());
    moved.set_fragment(None);
    Ok(moved)
}

#[cfg(test)]
mod tests;
