//! Owns: what the environment says of all services, where `routes.yaml` says nothing else.

use secrecy::{ExposeSecret as _, SecretString};
use shell::config::{Settings, parse};
use validator_lib::signature::MIN_SECRET_BYTES;

use crate::config::Strategy;
use crate::proxy::sign::Names;

/// Settings that hold for every service.
#[derive(Debug, Clone, Default)]
pub(in crate::proxy) struct Given {
    /// `ENABLE_MTLS_BACKEND`: a service without a client certificate is refused.
    pub(super) needs_certificates: bool,
    /// `BFF_INTERNAL_HMAC_SECRET`: signs requests to services that have no secret of their own.
    pub(super) secret: Option<SecretString>,
    /// By `BFF_SIGNATURE_HEADER_PREFIX`.
    pub(super) names: Names,
    /// `BFF_STRATEGY`: which token a service is shown that does not say.
    pub(super) strategy: Strategy,
}

impl Given {
    pub(super) fn read(settings: &mut Settings) -> Self {
        let needs_certificates =
            settings.parsed("ENABLE_MTLS_BACKEND", "Use true or false.", parse::switch);
        let secret = settings.secret("BFF_INTERNAL_HMAC_SECRET");
        if secret.as_ref().is_some_and(|secret| secret.expose_secret().len() < MIN_SECRET_BYTES) {
            settings.problem(
                "BFF_INTERNAL_HMAC_SECRET",
                "is shorter than 16 bytes",
                "openssl rand -base64 32 makes a good one.",
            );
        }
        let names =
            settings.parsed("BFF_SIGNATURE_HEADER_PREFIX", "For example X-Wicket.", |text| {
                Names::new(text).ok_or_else(|| "makes no name of a header".to_owned())
            });
        Self {
            needs_certificates: needs_certificates.unwrap_or(false),
            secret,
            names: names.unwrap_or_default(),
            strategy: Strategy::of(settings),
        }
    }
}
