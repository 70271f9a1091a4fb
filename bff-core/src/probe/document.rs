//! Owns: the members of the provider metadata that are told, with the difference between what an issuer denies
//! and what it does not mention.

use serde::Deserialize;

/// The discovery document, as far as it is told.
#[derive(Debug, Default, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "the members are those of the document")]
pub(super) struct Document {
    pub(super) issuer: String,
    pub(super) jwks_uri: String,
    #[serde(rename = "authorization_endpoint")]
    _authorization: String,
    #[serde(rename = "token_endpoint")]
    _token: String,
    pushed_authorization_request_endpoint: Option<String>,
    #[serde(default)]
    require_pushed_authorization_requests: bool,
    pub(super) userinfo_endpoint: Option<String>,
    pub(super) revocation_endpoint: Option<String>,
    pub(super) introspection_endpoint: Option<String>,
    pub(super) end_session_endpoint: Option<String>,
    #[serde(default)]
    pub(super) backchannel_logout_supported: bool,
    #[serde(default)]
    pub(super) backchannel_logout_session_supported: bool,
    #[serde(default)]
    pub(super) authorization_response_iss_parameter_supported: bool,
    #[serde(default)]
    pub(super) tls_client_certificate_bound_access_tokens: bool,
    #[serde(default)]
    pub(super) request_parameter_supported: bool,
    #[serde(default)]
    pub(super) require_signed_request_object: bool,
    dpop_signing_alg_values_supported: Option<Vec<String>>,
    id_token_signing_alg_values_supported: Option<Vec<String>>,
    code_challenge_methods_supported: Option<Vec<String>>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    grant_types_supported: Option<Vec<String>>,
    scopes_supported: Option<Vec<String>>,
    response_modes_supported: Option<Vec<String>>,
    acr_values_supported: Option<Vec<String>>,
}

/// What discovery section 3 and RFC 8414 section 2 say that silence means.
const AUTH_UNLISTED: [&str; 1] = ["client_secret_basic"];
const GRANTS_UNLISTED: [&str; 2] = ["authorization_code", "implicit"];

impl Document {
    /// Each fact by its name, in the order in which they are told.
    pub(super) fn facts(&self) -> Vec<(&'static str, String)> {
        let par = match (self.offers_par(), self.require_pushed_authorization_requests) {
            (true, true) => "offered and required",
            (true, false) => "offered",
            (false, true) => "required, but no endpoint is named",
            (false, false) => "no",
        };
        let logout =
            match (self.backchannel_logout_supported, self.backchannel_logout_session_supported) {
                (true, true) => "yes, with sid",
                (true, false) => "yes, without sid",
                (false, _) => "no",
            };
        vec![
            ("PAR (RFC 9126)", par.to_owned()),
            ("PKCE methods", listed(self.code_challenge_methods_supported.as_ref())),
            ("DPoP (RFC 9449)", listed(self.dpop_signing_alg_values_supported.as_ref())),
            ("certificate-bound tokens", yes(self.tls_client_certificate_bound_access_tokens)),
            ("iss in answers (RFC 9207)", yes(self.authorization_response_iss_parameter_supported)),
            ("client authentication", listed(self.token_endpoint_auth_methods_supported.as_ref())),
            ("grants", listed(self.grant_types_supported.as_ref())),
            ("scopes", listed(self.scopes_supported.as_ref())),
            ("signs ID tokens with", listed(self.id_token_signing_alg_values_supported.as_ref())),
            ("response modes", listed(self.response_modes_supported.as_ref())),
            ("signed requests", yes(self.request_parameter_supported)),
            ("acr values", listed(self.acr_values_supported.as_ref())),
            ("revocation", yes(self.revocation_endpoint.is_some())),
            ("introspection", yes(self.introspection_endpoint.is_some())),
            ("userinfo", yes(self.userinfo_endpoint.is_some())),
            ("logout at the issuer", yes(self.end_session_endpoint.is_some())),
            ("back-channel logout", logout.to_owned()),
        ]
    }

    pub(super) const fn offers_par(&self) -> bool {
        self.pushed_authorization_request_endpoint.is_some()
    }

    /// With the one algorithm that our proofs have.
    pub(super) fn offers_dpop(&self) -> bool {
        holds(self.dpop_signing_alg_values_supported.as_ref(), &[], "ES256")
    }

    /// `None` where it does not say.
    pub(super) fn offers_s256(&self) -> Option<bool> {
        let methods = self.code_challenge_methods_supported.as_ref()?;
        Some(methods.iter().any(|method| method == "S256"))
    }

    pub(super) fn authenticates_by(&self, method: &str) -> bool {
        holds(self.token_endpoint_auth_methods_supported.as_ref(), &AUTH_UNLISTED, method)
    }

    pub(super) fn offers_grant(&self, grant: &str) -> bool {
        holds(self.grant_types_supported.as_ref(), &GRANTS_UNLISTED, grant)
    }

    /// `None` where it does not say which there are.
    pub(super) fn offers_scope(&self, scope: &str) -> Option<bool> {
        Some(self.scopes_supported.as_ref()?.iter().any(|offered| offered == scope))
    }

    pub(super) fn answers_by(&self, mode: &str) -> bool {
        holds(self.response_modes_supported.as_ref(), &[], mode)
    }

    /// Whether ID tokens may be signed with one of `algorithms`.
    pub(super) fn signs_with(&self, algorithms: &[&str]) -> bool {
        let listed = self.id_token_signing_alg_values_supported.as_ref();
        algorithms.iter().any(|algorithm| holds(listed, &["RS256"], algorithm))
    }
}

fn holds(listed: Option<&Vec<String>>, unlisted: &[&str], wanted: &str) -> bool {
    match listed {
        Some(listed) => listed.iter().any(|one| one == wanted),
        None => unlisted.contains(&wanted),
    }
}

fn listed(values: Option<&Vec<String>>) -> String {
    match values {
        None => "does not say".to_owned(),
        Some(values) if values.is_empty() => "none".to_owned(),
        Some(values) => values.join(", "),
    }
}

fn yes(is: bool) -> String {
    if is { "yes" } else { "no" }.to_owned()
}
