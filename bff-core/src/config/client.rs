//! Owns: the `OIDC_*` settings.

use std::collections::HashSet;
use std::time::Duration;

use secrecy::ExposeSecret as _;
use shell::config::{Settings, parse};
use url::Url;

use crate::oidc::{AssertionAudience, ClientAuth, ClientKey, Mode, OidcConfig};

pub(super) fn read(settings: &mut Settings) -> Option<OidcConfig> {
    let issuer = settings.required("OIDC_ISSUER", "For example https://idp.example.com.");
    let client_id = settings.required("OIDC_CLIENT_ID", "The id registered at the IdP.");
    let client_auth = client_auth(settings);
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
    let modes = "Use auto, required or off.";
    config.par = settings.parsed("OIDC_PAR", modes, mode).unwrap_or_default();
    config.dpop = settings.parsed("OIDC_DPOP", modes, mode).unwrap_or_default();
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
    if let Err(reason) = config.check() {
        let (path, hint) = place_of(reason);
        settings.problem(path, &format!("is not acceptable ({reason})"), hint);
    }
    complete.then_some(config)
}

fn place_of(reason: &str) -> (&'static str, &'static str) {
    match reason {
        "issuer_not_https" => ("OIDC_ISSUER", "Use https; http is for loopback hosts only."),
        _ if reason.starts_with("issuer") => ("OIDC_ISSUER", "Give the issuer's exact URL."),
        _ if reason.starts_with("scope") => ("OIDC_SCOPES", "The list must hold openid."),
        _ => ("OIDC_CLIENT_ID", "Check the OIDC_* settings against each other."),
    }
}

fn client_auth(settings: &mut Settings) -> Option<ClientAuth> {
    const HINT: &str = "Use client_secret_basic, client_secret_post, private_key_jwt or none.";
    let method = settings.text("OIDC_CLIENT_AUTH");
    match method.as_deref().unwrap_or("client_secret_basic") {
        "client_secret_basic" => settings
            .required_secret("OIDC_CLIENT_SECRET", "The secret registered at the IdP.")
            .map(ClientAuth::SecretBasic),
        "client_secret_post" => settings
            .required_secret("OIDC_CLIENT_SECRET", "The secret registered at the IdP.")
            .map(ClientAuth::SecretPost),
        "private_key_jwt" => {
            let hint = "A private JWK, or a private key in PKCS#8 PEM.";
            let key = settings.required_secret("OIDC_CLIENT_KEY", hint)?;
            match ClientKey::parse(key.expose_secret().as_bytes()) {
                Ok(key) => Some(ClientAuth::PrivateKeyJwt(key)),
                Err(error) => {
                    settings.problem("OIDC_CLIENT_KEY", &format!("is unusable: {error}"), hint);
                    None
                }
            }
        }
        "none" => Some(ClientAuth::None),
        "tls_client_auth" | "self_signed_tls_client_auth" => {
            settings.problem("OIDC_CLIENT_AUTH", "is not available in this version", HINT);
            None
        }
        _ => {
            settings.problem("OIDC_CLIENT_AUTH", "is not a client authentication method", HINT);
            None
        }
    }
}

fn mode(text: &str) -> Result<Mode, String> {
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
        .map(|resource| match Url::parse(resource) {
            Ok(url) if url.fragment().is_none() => Ok(resource.to_owned()),
            _ => Err("holds something that is no absolute URI without a fragment".to_owned()),
        })
        .collect()
}

fn one_space(list: &str) -> String {
    list.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}
