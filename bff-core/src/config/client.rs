//! Owns: the `OIDC_*` settings.

mod keys;

use std::collections::HashSet;
use std::time::Duration;

use shell::config::{Settings, parse};
use shell::origin::Origin;
use url::Url;

use crate::oidc::{
    AssertionAudience, ClientAuth, Exchange, Mode, OidcConfig, Profile, fapi2_weaknesses,
    is_resource,
};
use keys::{client_auth, request_key};

pub(super) fn read(settings: &mut Settings) -> Option<OidcConfig> {
    let issuer = settings.required("OIDC_ISSUER", "For example https://idp.example.com.");
    let client_id = settings.required("OIDC_CLIENT_ID", "The id registered at the IdP.");
    let client_auth = client_auth(settings);
    let client_auth_known = client_auth.is_some();
    // What is missing was told; the rest is still read, so that its problems are told too.
    let complete = issuer.is_some() && client_id.is_some() && client_auth.is_some();
    let mut config = OidcConfig::new(
        issuer.unwrap_or_else(|| "https://unset.invalid".to_owned()),
        client_id.unwrap_or_else(|| "unset".to_owned()),
        client_auth.unwrap_or(ClientAuth::None),
    );
    config.internal_base =
        settings.parsed("OIDC_INTERNAL_BASE", "For example http://idp:9000.", |text| {
            Url::parse(text).map_err(|_| "is not a URL".to_owned())
        });
    if let Some(scopes) = settings.text("OIDC_SCOPES") {
        config.scopes = one_space(&scopes);
    }
    // First what the profile stands for, then what is said beside it, so that what is weaker shows.
    if settings.parsed("OIDC_PROFILE", "Use fapi2, or unset it.", profile) == Some(Profile::Fapi2) {
        config.enforce_fapi2();
    }
    for (name, mode) in [
        ("OIDC_PAR", &mut config.par),
        ("OIDC_DPOP", &mut config.dpop),
        ("OIDC_JAR", &mut config.jar),
        ("OIDC_JARM", &mut config.jarm),
    ] {
        if let Some(set) = settings.parsed(name, "Use auto, required or off.", parse_mode) {
            *mode = set;
        }
    }
    config.exchange = exchange(settings, &config.scopes);
    config.request_key = request_key(settings, &config);
    let rotate = settings.parsed("OIDC_DPOP_ROTATE", "Use true or false.", parse::switch);
    config.rotate_dpop_key = rotate.unwrap_or(false);
    config.assertion_audience = settings
        .parsed("OIDC_CLIENT_ASSERTION_AUD", "Use issuer, token_endpoint or endpoint.", |text| {
            match text {
                "issuer" => Ok(AssertionAudience::Issuer),
                "token_endpoint" => Ok(AssertionAudience::TokenEndpoint),
                "endpoint" => Ok(AssertionAudience::Endpoint),
                _ => Err("is not an assertion audience".to_owned()),
            }
        })
        .unwrap_or_default();
    if let Some(resources) = settings.parsed("OIDC_RESOURCE", "List absolute URIs.", resources) {
        config.resources = resources;
    }
    let grace = "Give the seconds that the IdP forgives, at most 5m; 0 if it does not.";
    config.refresh_grace =
        settings.parsed("OIDC_REFRESH_GRACE", grace, refresh_grace).unwrap_or_default();
    if let Some(claim) = settings.text("OIDC_USER_ID_CLAIM") {
        config.user_id_claim = claim;
    }
    config.require_logout_token_typ = settings
        .parsed("OIDC_LOGOUT_TOKEN_TYP", "Use auto or required.", |text| match text {
            "auto" => Ok(false),
            "required" => Ok(true),
            _ => Err("is neither auto nor required".to_owned()),
        })
        .unwrap_or_default();
    if config.assertion_audience != AssertionAudience::Issuer && config.profile == Profile::Open {
        let warning = "is not issuer: another server may use an assertion";
        settings.warn("OIDC_CLIENT_ASSERTION_AUD", warning, "Use issuer where the IdP takes it.");
    }
    if let Err(reason) = config.check_parts() {
        let (path, hint) = place_of(reason);
        settings.problem(path, &format!("is not acceptable ({reason})"), hint);
    }
    // Without its own settings nothing can be said of how they compare.
    let weaknesses = if client_auth_known { fapi2_weaknesses(&config) } else { Vec::new() };
    for weakness in weaknesses {
        let (path, problem) = weaker(weakness);
        settings.problem(path, problem, "Change it, or unset OIDC_PROFILE.");
    }
    complete.then_some(config)
}

/// How tokens for one service are had.
fn exchange(settings: &mut Settings, scopes: &str) -> Exchange {
    let hint = "Use auto, exchange or resource.";
    let exchange = settings.parsed("OIDC_EXCHANGE", hint, |text| match text {
        "auto" => Ok(Exchange::Auto),
        "exchange" => Ok(Exchange::Always),
        "resource" => Ok(Exchange::Resource),
        _ => Err("is not a way to a token for one service".to_owned()),
    });
    let exchange = exchange.unwrap_or_default();
    if exchange == Exchange::Resource && !scopes.split(' ').any(|scope| scope == "offline_access") {
        settings.warn(
            "OIDC_EXCHANGE",
            "is resource, which needs refresh tokens, and OIDC_SCOPES has no offline_access",
            "Add offline_access to OIDC_SCOPES where the IdP asks for it.",
        );
    }
    exchange
}

/// What the profile asks of how the outside reaches us.
pub(super) fn agree(
    settings: &mut Settings,
    oidc: &OidcConfig,
    callback: Option<&Origin>,
    path: &str,
) {
    let in_the_clear =
        |origin: &Origin| !origin.as_str().starts_with("https://") && !origin.is_loopback();
    if oidc.profile == Profile::Fapi2 && callback.is_some_and(in_the_clear) {
        settings.problem(
            path,
            "must be https with OIDC_PROFILE=fapi2",
            "Codes are sent to this address; http is for loopback hosts only.",
        );
    }
}

fn place_of(reason: &str) -> (&'static str, &'static str) {
    match reason {
        "issuer_not_https" => ("OIDC_ISSUER", "Use https; http is for loopback hosts only."),
        "jar_without_client_key" => ("OIDC_CLIENT_KEY", "Signed requests need a key to sign with."),
        "public_client_cannot_rotate_dpop_key" => {
            ("OIDC_DPOP_ROTATE", "Refresh tokens of public clients are bound to the key.")
        }
        _ if reason.starts_with("issuer") => ("OIDC_ISSUER", "Give the issuer's exact URL."),
        _ if reason.starts_with("scope") => ("OIDC_SCOPES", "The list must hold openid."),
        _ => ("OIDC_CLIENT_ID", "Check the OIDC_* settings against each other."),
    }
}

/// Where a setting is weaker than `OIDC_PROFILE=fapi2`, and what it would have to be.
fn weaker(code: &str) -> (&'static str, &'static str) {
    match code {
        "fapi2_par" => ("OIDC_PAR", "must be required, as OIDC_PROFILE=fapi2 has it"),
        "fapi2_client_auth" => (
            "OIDC_CLIENT_AUTH",
            "must be private_key_jwt, tls_client_auth or self_signed_tls_client_auth with \
             OIDC_PROFILE=fapi2",
        ),
        "fapi2_client_key_algorithm" => {
            ("OIDC_CLIENT_KEY", "must sign with PS256, ES256 or EdDSA with OIDC_PROFILE=fapi2")
        }
        "fapi2_assertion_audience" => {
            ("OIDC_CLIENT_ASSERTION_AUD", "must be issuer with OIDC_PROFILE=fapi2")
        }
        "fapi2_dpop" => (
            "OIDC_DPOP",
            "must be required with OIDC_PROFILE=fapi2, unless tokens are bound to a client \
             certificate",
        ),
        "fapi2_internal_base" => {
            ("OIDC_INTERNAL_BASE", "must be https or loopback with OIDC_PROFILE=fapi2")
        }
        _ => ("OIDC_PROFILE", "does not agree with the other OIDC_* settings"),
    }
}

fn profile(text: &str) -> Result<Profile, String> {
    match text {
        "fapi2" => Ok(Profile::Fapi2),
        _ => Err("is not a profile".to_owned()),
    }
}

fn parse_mode(text: &str) -> Result<Mode, String> {
    match text {
        "auto" => Ok(Mode::Auto),
        "required" => Ok(Mode::Required),
        "off" => Ok(Mode::Off),
        _ => Err("is not a mode".to_owned()),
    }
}

/// Longer than any IdP forgives is a slip of the pen, and would kill sessions by reuse detection.
fn refresh_grace(text: &str) -> Result<Duration, String> {
    match parse::duration(text)? {
        grace if grace > Duration::from_mins(5) => Err("is longer than five minutes".to_owned()),
        grace => Ok(grace),
    }
}

/// RFC 8707 section 2: absolute, without a fragment.
fn resources(text: &str) -> Result<Vec<String>, String> {
    let mut seen = HashSet::new();
    text.split_ascii_whitespace()
        .filter(|resource| seen.insert(*resource))
        .map(|resource| {
            let problem = "holds something that is no absolute URI without a fragment";
            is_resource(resource).then(|| resource.to_owned()).ok_or_else(|| problem.to_owned())
        })
        .collect()
}

fn one_space(list: &str) -> String {
    list.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
