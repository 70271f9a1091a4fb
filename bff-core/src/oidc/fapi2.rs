//! Owns: what the FAPI 2.0 security profile asks of a client (sections 5.2.2, 5.3.3 and 5.4): the
//! settings it stands for, which settings are weaker, and what an issuer must offer.

use validator_lib::algorithm::Algorithm;

use super::config::{
    AssertionAudience, ClientAuth, Mode, OidcConfig, Profile, is_https_or_loopback,
};
use super::error::OidcError;
use super::metadata::Wire;

/// Section 5.4.1.
const ALGORITHMS: [Algorithm; 3] = [Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA];

impl OidcConfig {
    /// Turns the whole profile on. What is made weaker afterwards is refused by
    /// [`OidcConfig::check`].
    pub fn enforce_fapi2(&mut self) {
        self.profile = Profile::Fapi2;
        self.par = Mode::Required;
        // Tokens are bound to a key or to our certificate.
        self.dpop = match self.client_auth.certificate() {
            Some(_) => Mode::Auto,
            None => Mode::Required,
        };
        self.require_iss_parameter = true;
        self.id_token_algorithms = ALGORITHMS.to_vec();
    }
}

/// What of `config` is weaker than its profile: a short stable code each.
pub(crate) fn weaknesses(config: &OidcConfig) -> Vec<&'static str> {
    if config.profile != Profile::Fapi2 {
        return Vec::new();
    }
    let certificate = config.client_auth.certificate().is_some();
    let client_auth = certificate || matches!(config.client_auth, ClientAuth::PrivateKeyJwt(_));
    let named = |alg: &str| ALGORITHMS.iter().any(|allowed| allowed.name() == alg);
    let assertion_key = match &config.client_auth {
        ClientAuth::PrivateKeyJwt(key) => named(key.algorithm()),
        _ => true,
    };
    let request_key = config.signing_key().is_none_or(|key| named(key.algorithm()));
    let id_tokens = config.id_token_algorithms.iter().all(|alg| ALGORITHMS.contains(alg));
    let internal = config.internal_base.as_ref().is_none_or(is_https_or_loopback);
    [
        (config.par == Mode::Required, "fapi2_par"),
        (client_auth, "fapi2_client_auth"),
        (assertion_key && request_key, "fapi2_client_key_algorithm"),
        (config.assertion_audience == AssertionAudience::Issuer, "fapi2_assertion_audience"),
        (certificate || config.dpop == Mode::Required, "fapi2_dpop"),
        (config.require_iss_parameter, "fapi2_iss"),
        (id_tokens, "fapi2_id_token_algorithm"),
        (internal, "fapi2_internal_base"),
    ]
    .into_iter()
    .filter_map(|(good, code)| (!good).then_some(code))
    .collect()
}

/// Whether the issuer offers what the profile needs of it. `bound` says that its tokens will be
/// bound to a key or a certificate.
pub(super) fn check_issuer(
    wire: &Wire,
    config: &OidcConfig,
    bound: bool,
    signed_response: bool,
) -> Result<(), OidcError> {
    if config.profile != Profile::Fapi2 {
        return Ok(());
    }
    let offers = |list: &[String], name: &str| list.iter().any(|offered| offered == name);
    let methods = &wire.token_endpoint_auth_methods_supported;
    let client_auth = methods.is_empty() || offers(methods, config.client_auth.as_str());
    for (good, code) in [
        (offers(&wire.code_challenge_methods_supported, "S256"), "fapi2_pkce_not_offered"),
        (
            wire.authorization_response_iss_parameter_supported || signed_response,
            "fapi2_iss_not_offered",
        ),
        (client_auth, "fapi2_client_auth_not_offered"),
        (bound, "fapi2_tokens_not_sender_constrained"),
    ] {
        if !good {
            return Err(OidcError::Metadata(code));
        }
    }
    Ok(())
}

/// The address that codes are sent to, which carries them in the clear unless it is `https`.
pub(super) fn check_redirect_uri(config: &OidcConfig, uri: &str) -> Result<(), OidcError> {
    let secure = || url::Url::parse(uri).is_ok_and(|url| is_https_or_loopback(&url));
    if config.profile == Profile::Fapi2 && !secure() {
        return Err(OidcError::Config("fapi2_redirect_uri"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
