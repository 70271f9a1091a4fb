//! Owns: the members of the provider metadata that we read, as they are published.

use serde::Deserialize;

/// The discovery document.
#[derive(Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "the members are those of the document")]
pub(in crate::oidc) struct Wire {
    pub(super) issuer: String,
    pub(super) authorization_endpoint: String,
    pub(super) token_endpoint: String,
    pub(super) jwks_uri: String,
    pub(super) pushed_authorization_request_endpoint: Option<String>,
    #[serde(default)]
    pub(super) require_pushed_authorization_requests: bool,
    pub(super) userinfo_endpoint: Option<String>,
    pub(super) revocation_endpoint: Option<String>,
    pub(super) introspection_endpoint: Option<String>,
    pub(super) end_session_endpoint: Option<String>,
    /// RFC 8705 section 5.
    #[serde(default)]
    pub(super) mtls_endpoint_aliases: Aliases,
    /// RFC 8705 section 3.3.
    #[serde(default)]
    pub(super) tls_client_certificate_bound_access_tokens: bool,
    #[serde(default)]
    pub(super) dpop_signing_alg_values_supported: Vec<String>,
    /// RFC 9207 section 3.
    #[serde(default)]
    pub(in crate::oidc) authorization_response_iss_parameter_supported: bool,
    #[serde(default)]
    pub(super) id_token_signing_alg_values_supported: Vec<String>,
    /// RFC 9101 section 10.5.
    #[serde(default)]
    pub(super) require_signed_request_object: bool,
    #[serde(default)]
    pub(super) request_parameter_supported: bool,
    #[serde(default)]
    pub(super) request_object_signing_alg_values_supported: Vec<String>,
    #[serde(default)]
    pub(super) response_modes_supported: Vec<String>,
    /// JARM section 4.
    #[serde(default)]
    pub(super) authorization_signing_alg_values_supported: Vec<String>,
    #[serde(default)]
    pub(in crate::oidc) code_challenge_methods_supported: Vec<String>,
    #[serde(default)]
    pub(in crate::oidc) token_endpoint_auth_methods_supported: Vec<String>,
    #[serde(default)]
    pub(super) grant_types_supported: Vec<String>,
}

/// Where the same endpoints ask for a certificate.
#[derive(Deserialize, Default)]
#[expect(clippy::struct_field_names, reason = "the names are those of the document")]
pub(super) struct Aliases {
    pub(super) token_endpoint: Option<String>,
    pub(super) pushed_authorization_request_endpoint: Option<String>,
    pub(super) userinfo_endpoint: Option<String>,
    pub(super) revocation_endpoint: Option<String>,
    pub(super) introspection_endpoint: Option<String>,
}

impl Wire {
    /// The endpoints that a client with a certificate calls in place of the others.
    pub(super) fn use_aliases(&mut self) {
        let aliases = std::mem::take(&mut self.mtls_endpoint_aliases);
        if let Some(token) = aliases.token_endpoint {
            self.token_endpoint = token;
        }
        for (endpoint, alias) in [
            (
                &mut self.pushed_authorization_request_endpoint,
                aliases.pushed_authorization_request_endpoint,
            ),
            (&mut self.userinfo_endpoint, aliases.userinfo_endpoint),
            (&mut self.revocation_endpoint, aliases.revocation_endpoint),
            (&mut self.introspection_endpoint, aliases.introspection_endpoint),
        ] {
            if alias.is_some() {
                *endpoint = alias;
            }
        }
    }
}
