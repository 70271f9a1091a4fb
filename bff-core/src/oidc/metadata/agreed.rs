//! Owns: what the settings and the metadata agree on: whether a request is pushed, signed, answered
//! with a signature, and what tokens are bound to. A setting of `required` never gives way.

use super::wire::Wire;
use crate::oidc::config::{Mode, OidcConfig};
use crate::oidc::error::OidcError;

/// What is done at this issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "answers to questions that do not exclude each other"
)]
pub(super) struct Agreed {
    pub(super) push: bool,
    pub(super) dpop: bool,
    /// Access tokens are bound to our certificate (RFC 8705 section 3).
    pub(super) certificate_bound: bool,
    pub(super) sign_request: bool,
    /// The response mode to ask for, where the answer is to be signed.
    pub(super) response_mode: Option<&'static str>,
}

impl Agreed {
    pub(super) fn of(wire: &Wire, config: &OidcConfig) -> Result<Self, OidcError> {
        let offers_dpop = wire.dpop_signing_alg_values_supported.iter().any(|alg| alg == "ES256");
        Ok(Self {
            push: push(wire, config)?,
            dpop: match config.dpop {
                // Whether the metadata offers it or not: an issuer that cannot is found out by
                // the type of its tokens.
                Mode::Required => true,
                Mode::Auto => offers_dpop,
                Mode::Off => false,
            },
            certificate_bound: wire.tls_client_certificate_bound_access_tokens
                && config.client_auth.certificate().is_some(),
            sign_request: sign_request(wire, config)?,
            response_mode: response_mode(wire, config)?,
        })
    }
}

/// RFC 9126 section 5.
fn push(wire: &Wire, config: &OidcConfig) -> Result<bool, OidcError> {
    let offered = wire.pushed_authorization_request_endpoint.is_some();
    let required = wire.require_pushed_authorization_requests;
    match config.par {
        Mode::Off if required => Err(OidcError::Metadata("par_required_by_issuer")),
        Mode::Required if !offered => Err(OidcError::Metadata("par_not_offered")),
        Mode::Auto if required && !offered => Err(OidcError::Metadata("par_not_offered")),
        Mode::Off => Ok(false),
        Mode::Auto | Mode::Required => Ok(offered),
    }
}

/// RFC 9101 section 10.5.
fn sign_request(wire: &Wire, config: &OidcConfig) -> Result<bool, OidcError> {
    let required = wire.require_signed_request_object;
    let key = config.signing_key().filter(|_| config.jar != Mode::Off);
    let Some(key) = key else {
        return if required {
            Err(OidcError::Metadata("signed_request_required_by_issuer"))
        } else {
            Ok(false)
        };
    };
    let listed = &wire.request_object_signing_alg_values_supported;
    let algorithm = listed.is_empty() || listed.iter().any(|alg| alg == key.algorithm());
    match config.jar {
        _ if required && !algorithm => Err(OidcError::Metadata("request_algorithm_not_offered")),
        Mode::Required if !algorithm => Err(OidcError::Metadata("request_algorithm_not_offered")),
        Mode::Required => Ok(true),
        Mode::Auto | Mode::Off => Ok(required || (wire.request_parameter_supported && algorithm)),
    }
}

/// JARM sections 2.3 and 4. `jwt` means `query.jwt` where a code is asked for.
fn response_mode(wire: &Wire, config: &OidcConfig) -> Result<Option<&'static str>, OidcError> {
    let offered = ["query.jwt", "jwt"]
        .into_iter()
        .find(|mode| wire.response_modes_supported.iter().any(|listed| listed == mode));
    match (config.jarm, offered) {
        (Mode::Off, _) | (Mode::Auto, None) => Ok(None),
        (Mode::Auto | Mode::Required, Some(mode)) => Ok(Some(mode)),
        (Mode::Required, None) if wire.response_modes_supported.is_empty() => Ok(Some("jwt")),
        (Mode::Required, None) => Err(OidcError::Metadata("jarm_not_offered")),
    }
}
