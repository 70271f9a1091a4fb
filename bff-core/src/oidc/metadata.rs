//! Owns: the provider metadata, parsed and checked (OpenID Connect Discovery section 3 and 4.3,
//! RFC 8414, RFC 8705 section 5, RFC 9101 section 10.5, RFC 9126 section 5, RFC 9207 section 3,
//! RFC 9449 section 5.1).

mod agreed;
mod origins;
mod wire;

use url::Url;

use super::config::OidcConfig;
use super::error::OidcError;
use super::fapi2;
use crate::json;
use agreed::Agreed;
use origins::Origins;

pub(super) use origins::moved;
pub(super) use wire::Wire;

/// What the issuer says about itself, checked against the configuration.
#[derive(Debug, Clone)]
pub(super) struct Metadata {
    authorization: Url,
    token: EndpointUrl,
    jwks: EndpointUrl,
    par: Option<EndpointUrl>,
    userinfo: Option<EndpointUrl>,
    revocation: Option<EndpointUrl>,
    introspection: Option<EndpointUrl>,
    end_session: Option<Url>,
    agreed: Agreed,
    iss_parameter: bool,
    id_token_algorithms: Vec<String>,
    response_algorithms: Vec<String>,
    grant_types: Vec<String>,
}

/// An endpoint that we call: its published name, and the address it is reached at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EndpointUrl {
    public: String,
    call: Url,
}

impl EndpointUrl {
    /// One that the operator names.
    pub(super) fn configured(url: &Url) -> Self {
        Self { public: url.as_str().to_owned(), call: url.clone() }
    }

    /// As the metadata spells it.
    pub(super) fn public(&self) -> &str {
        &self.public
    }

    /// Where requests go.
    pub(super) fn call(&self) -> &Url {
        &self.call
    }
}

impl Metadata {
    /// Reads the discovery document.
    pub(super) fn parse(document: &[u8], config: &OidcConfig) -> Result<Self, OidcError> {
        let mut wire: Wire =
            json::object(document).ok_or(OidcError::Metadata("discovery_malformed"))?;
        // Simple string comparison: a trailing slash makes another issuer.
        if wire.issuer != config.issuer {
            return Err(OidcError::Metadata("discovery_issuer_mismatch"));
        }
        let agreed = Agreed::of(&wire, config)?;
        let bound = agreed.dpop || agreed.certificate_bound;
        fapi2::check_issuer(&wire, config, bound, agreed.response_mode.is_some())?;
        if config.client_auth.certificate().is_some() {
            wire.use_aliases();
        }
        let origins = Origins::new(config)?;
        let server_side = |url: Option<String>| url.map(|url| origins.server_side(url)).transpose();
        // Read also where it is not used: an endpoint in the clear is a fault of the document.
        let par = server_side(wire.pushed_authorization_request_endpoint)?;
        Ok(Self {
            authorization: origins.browser(&wire.authorization_endpoint)?,
            token: origins.server_side(wire.token_endpoint)?,
            jwks: origins.server_side(wire.jwks_uri)?,
            par: par.filter(|_| agreed.push),
            userinfo: server_side(wire.userinfo_endpoint)?,
            revocation: server_side(wire.revocation_endpoint)?,
            introspection: server_side(wire.introspection_endpoint)?,
            end_session: wire.end_session_endpoint.map(|url| origins.browser(&url)).transpose()?,
            agreed,
            iss_parameter: wire.authorization_response_iss_parameter_supported,
            id_token_algorithms: wire.id_token_signing_alg_values_supported,
            response_algorithms: wire.authorization_signing_alg_values_supported,
            grant_types: wire.grant_types_supported,
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

    pub(super) fn introspection_endpoint(&self) -> Option<&EndpointUrl> {
        self.introspection.as_ref()
    }

    pub(super) fn end_session_endpoint(&self) -> Option<&Url> {
        self.end_session.as_ref()
    }

    /// Whether the token endpoint is said to know this grant.
    pub(super) fn offers_grant(&self, grant: &str) -> bool {
        self.grant_types.iter().any(|offered| offered == grant)
    }

    /// Whether requests carry a DPoP proof.
    pub(super) fn use_dpop(&self) -> bool {
        self.agreed.dpop
    }

    /// Whether access tokens are bound to our certificate.
    pub(super) fn binds_to_certificate(&self) -> bool {
        self.agreed.certificate_bound
    }

    /// Whether authorization requests are signed.
    pub(super) fn signs_requests(&self) -> bool {
        self.agreed.sign_request
    }

    /// The response mode to ask for where the answer shall be signed.
    pub(super) fn signed_response_mode(&self) -> Option<&'static str> {
        self.agreed.response_mode
    }

    /// Algorithms of signed answers, as the issuer lists them; empty where it does not.
    pub(super) fn response_algorithms(&self) -> &[String] {
        &self.response_algorithms
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

#[cfg(test)]
mod tests;
