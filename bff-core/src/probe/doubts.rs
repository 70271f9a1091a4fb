//! Owns: comparing settings with what an issuer publishes, where it is at odds with them and need not be: some
//! say less than they do.

use super::document::Document;
use crate::oidc::{ClientAuth, Mode, OidcConfig};

/// What the metadata in `document` do not offer and `config` asks for: a setting each, with what is odd and
/// what to do. Nothing where they cannot be read.
pub(crate) fn doubts(
    document: &[u8],
    config: &OidcConfig,
) -> Vec<(&'static str, &'static str, &'static str)> {
    let Ok(document) = serde_json::from_slice::<Document>(document) else { return Vec::new() };
    let lacks = |scope: &str| document.offers_scope(scope) == Some(false);
    [
        (
            !document.authenticates_by(method(&config.client_auth)),
            "OIDC_CLIENT_AUTH",
            "is a method that the issuer does not list",
            "Use one of its token_endpoint_auth_methods_supported.",
        ),
        (
            config.dpop == Mode::Required && !document.offers_dpop(),
            "OIDC_DPOP",
            "is required, and the issuer does not list ES256 for proofs: no login succeeds if it cannot",
            "Use auto, unless you know that it can.",
        ),
        (
            document.offers_s256() == Some(false),
            "OIDC_ISSUER",
            "lists PKCE methods without S256, the one that is used",
            "Ask the issuer's people: without PKCE a stolen code is worth something.",
        ),
        (
            config.scopes.split(' ').any(lacks),
            "OIDC_SCOPES",
            "holds a scope that the issuer does not list",
            "Use those of its scopes_supported.",
        ),
        (
            !config.id_token_algorithms.iter().any(|known| document.signs_with(&[known.name()])),
            "OIDC_ISSUER",
            "signs ID tokens with no algorithm that is taken",
            "Change it at the issuer, for example to ES256.",
        ),
    ]
    .into_iter()
    .filter_map(|(is_odd, setting, odd, hint)| is_odd.then_some((setting, odd, hint)))
    .collect()
}

const fn method(auth: &ClientAuth) -> &'static str {
    match auth {
        ClientAuth::SecretBasic(_) => "client_secret_basic",
        ClientAuth::SecretPost(_) => "client_secret_post",
        ClientAuth::PrivateKeyJwt(_) => "private_key_jwt",
        ClientAuth::Tls(_) => "tls_client_auth",
        ClientAuth::SelfSignedTls(_) => "self_signed_tls_client_auth",
        ClientAuth::None => "none",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(document: &str) -> Vec<&'static str> {
        let secret = ClientAuth::SecretBasic("x".to_owned().into());
        let mut config = OidcConfig::new("https://a".to_owned(), "b".to_owned(), secret);
        config.dpop = Mode::Required;
        let base = r#""issuer":"https://a","jwks_uri":"x","authorization_endpoint":"x","token_endpoint":"x""#;
        let document = format!("{{{base}{document}}}");
        doubts(document.as_bytes(), &config).into_iter().map(|(setting, ..)| setting).collect()
    }

    #[test]
    fn what_an_issuer_does_not_offer_is_told_by_setting() {
        // Silence on methods, scopes and algorithms has a meaning of its own.
        assert_eq!(settings(""), ["OIDC_DPOP"]);
        let poor = r#","token_endpoint_auth_methods_supported":["none"],"scopes_supported":["openid"],
            "code_challenge_methods_supported":["plain"],"id_token_signing_alg_values_supported":["HS256"],
            "dpop_signing_alg_values_supported":["ES256"]"#;
        assert_eq!(
            settings(poor),
            ["OIDC_CLIENT_AUTH", "OIDC_ISSUER", "OIDC_SCOPES", "OIDC_ISSUER"]
        );
        assert!(
            doubts(b"nonsense", &OidcConfig::new(String::new(), String::new(), ClientAuth::None))
                .is_empty()
        );
    }
}
