//! Owns: what the environment says of all services, where `routes.yaml` says nothing else.

use shell::config::{Settings, parse};

/// Settings that hold for every service.
#[derive(Debug, Clone, Default)]
pub(in crate::proxy) struct Given {
    /// `ENABLE_MTLS_BACKEND`: a service without a client certificate is refused.
    pub(super) needs_certificates: bool,
}

impl Given {
    pub(super) fn read(settings: &mut Settings) -> Self {
        let needs_certificates =
            settings.parsed("ENABLE_MTLS_BACKEND", "Use true or false.", parse::switch);
        Self { needs_certificates: needs_certificates.unwrap_or(false) }
    }
}
