use std::io::Write as _;

use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P384_SHA384};
use shell::config::Warning;

use super::*;

const GOOD: [(&str, &str); 3] = [
    ("OIDC_ISSUER", "https://idp.example.com"),
    ("OIDC_CLIENT_ID", "bff"),
    ("OIDC_CLIENT_SECRET", "canary-secret"),
];

/// The configuration and its warnings, or the paths of its problems.
fn read_all(changes: &[(&str, &str)]) -> Result<(OidcConfig, Vec<Warning>), Vec<String>> {
    let mut settings = Settings::from_pairs(GOOD.iter().chain(changes).copied());
    let config = read(&mut settings);
    settings.finish(config).map_err(|problems| {
        assert!(!problems.to_string().contains("canary"), "{problems}");
        problems.iter().map(|problem| problem.path.clone()).collect()
    })
}

fn config(changes: &[(&str, &str)]) -> OidcConfig {
    read_all(changes).unwrap().0
}

fn problems(changes: &[(&str, &str)]) -> Vec<String> {
    read_all(changes).unwrap_err()
}

fn pair(key: &KeyPair) -> (String, String) {
    let certificate = CertificateParams::new(vec!["bff".to_owned()]).unwrap();
    (certificate.self_signed(key).unwrap().pem(), key.serialize_pem())
}

fn key() -> String {
    KeyPair::generate().unwrap().serialize_pem()
}

#[test]
fn mtls_a_certificate_may_come_in_three_ways() {
    let (certificate, key) = pair(&KeyPair::generate().unwrap());
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(certificate.as_bytes()).unwrap();
    let path = file.path().to_str().unwrap();
    for (name, value) in [
        ("OIDC_CLIENT_CERT", certificate.as_str()),
        ("OIDC_CLIENT_CERT", path),
        ("OIDC_CLIENT_CERT_FILE", path),
    ] {
        for method in ["tls_client_auth", "self_signed_tls_client_auth"] {
            let config =
                config(&[("OIDC_CLIENT_AUTH", method), (name, value), ("OIDC_CLIENT_KEY", &key)]);
            assert_eq!(config.client_auth.as_str(), method);
            assert!(config.client_auth.certificate().is_some());
            // Only a self-signed certificate is found by its key.
            assert_eq!(config.signing_key().is_some(), method.starts_with("self"));
        }
    }
}

#[test]
fn t09_mtls_what_does_not_belong_together_is_refused() {
    let (certificate, key) = pair(&KeyPair::generate().unwrap());
    let (_, other) = pair(&KeyPair::generate().unwrap());
    let method = ("OIDC_CLIENT_AUTH", "tls_client_auth");
    assert_eq!(problems(&[method]), ["OIDC_CLIENT_CERT", "OIDC_CLIENT_KEY"]);
    let cert = ("OIDC_CLIENT_CERT", certificate.as_str());
    assert_eq!(problems(&[method, cert]), ["OIDC_CLIENT_KEY"]);
    assert_eq!(problems(&[method, cert, ("OIDC_CLIENT_KEY", &other)]), ["OIDC_CLIENT_KEY"]);
    assert_eq!(problems(&[method, cert, ("OIDC_CLIENT_KEY", "canary")]), ["OIDC_CLIENT_KEY"]);
    let bad = ("OIDC_CLIENT_CERT", "-----BEGIN canary");
    assert_eq!(problems(&[method, bad, ("OIDC_CLIENT_KEY", &key)]), ["OIDC_CLIENT_CERT"]);
    // A certificate that nobody would ever see promises what is not kept.
    for method in ["client_secret_basic", "none"] {
        assert_eq!(problems(&[("OIDC_CLIENT_AUTH", method), cert]), ["OIDC_CLIENT_CERT"]);
    }
}

#[test]
fn t09_jar_required_needs_a_key_that_can_sign() {
    assert_eq!(problems(&[("OIDC_JAR", "required")]), ["OIDC_CLIENT_KEY"]);
    assert!(config(&[("OIDC_JAR", "auto")]).signing_key().is_none());
    let key = key();
    let config = config(&[("OIDC_JAR", "required"), ("OIDC_CLIENT_KEY", &key)]);
    assert_eq!(config.signing_key().unwrap().algorithm(), "ES256");
    // TLS takes a key that we cannot sign requests with.
    let (certificate, key) = pair(&KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap());
    let mtls = [
        ("OIDC_CLIENT_AUTH", "tls_client_auth"),
        ("OIDC_CLIENT_CERT", certificate.as_str()),
        ("OIDC_CLIENT_KEY", key.as_str()),
    ];
    assert!(read_all(&mtls).is_ok());
    let signing: Vec<_> = mtls.into_iter().chain([("OIDC_JAR", "auto")]).collect();
    assert_eq!(problems(&signing), ["OIDC_CLIENT_KEY"]);
}

#[test]
fn t09_fapi2_whatever_is_weaker_is_told_by_name() {
    let key = key();
    let base = [
        ("OIDC_PROFILE", "fapi2"),
        ("OIDC_CLIENT_AUTH", "private_key_jwt"),
        ("OIDC_CLIENT_KEY", key.as_str()),
    ];
    let read = config(&base);
    assert_eq!((read.par, read.dpop, read.jar), (Mode::Required, Mode::Required, Mode::Off));
    for (name, value) in [
        ("OIDC_PAR", "off"),
        ("OIDC_PAR", "auto"),
        ("OIDC_DPOP", "off"),
        ("OIDC_DPOP", "auto"),
        ("OIDC_CLIENT_AUTH", "client_secret_basic"),
        ("OIDC_CLIENT_AUTH", "client_secret_post"),
        ("OIDC_CLIENT_ASSERTION_AUD", "token_endpoint"),
        ("OIDC_CLIENT_ASSERTION_AUD", "endpoint"),
        ("OIDC_INTERNAL_BASE", "http://idp:9000"),
    ] {
        let changes: Vec<_> = base.into_iter().chain([(name, value)]).collect();
        assert_eq!(problems(&changes), [name], "{name}={value}");
    }
    let public = [("OIDC_PROFILE", "fapi2"), ("OIDC_CLIENT_AUTH", "none"), ("OIDC_PAR", "off")];
    assert_eq!(problems(&public), ["OIDC_PAR", "OIDC_CLIENT_AUTH"]);
    assert_eq!(problems(&[("OIDC_PROFILE", "fapi1")]), ["OIDC_PROFILE"]);
}

#[test]
fn fapi2_tokens_may_be_bound_to_a_certificate_instead() {
    let (certificate, key) = pair(&KeyPair::generate().unwrap());
    for dpop in ["", "off", "auto", "required"] {
        let config = config(&[
            ("OIDC_PROFILE", "fapi2"),
            ("OIDC_CLIENT_AUTH", "tls_client_auth"),
            ("OIDC_CLIENT_CERT", &certificate),
            ("OIDC_CLIENT_KEY", &key),
            ("OIDC_DPOP", dpop),
        ]);
        assert_eq!(config.check(), Ok(()), "{dpop}");
    }
}

#[test]
fn t09_c33_keys_rotate_only_where_that_is_asked_for_and_safe() {
    assert!(!config(&[]).rotate_dpop_key);
    assert!(config(&[("OIDC_DPOP_ROTATE", "true")]).rotate_dpop_key);
    let public = [("OIDC_DPOP_ROTATE", "true"), ("OIDC_CLIENT_AUTH", "none")];
    assert_eq!(problems(&public), ["OIDC_DPOP_ROTATE"]);
}

#[test]
fn c25_an_audience_that_is_not_the_issuer_is_warned_about() {
    assert!(read_all(&[]).unwrap().1.is_empty());
    for audience in ["token_endpoint", "endpoint"] {
        let (_, warnings) = read_all(&[("OIDC_CLIENT_ASSERTION_AUD", audience)]).unwrap();
        assert_eq!(warnings.len(), 1);
    }
}
