//! Client authentication by certificate (RFC 8705), at a server that demands one.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::RootCertStore;
use rustls::server::WebPkiClientVerifier;
use serde_json::{Value, json};

use super::super::mock::{ACCESS_TOKEN, MockAs, NOW, Reply, begin, refresh_of};
use super::super::{
    ClientAuth, ClientKey, LoginHints, OidcError, RefreshError, TokenKind, TokenType,
};
use super::reason;
use crate::http_client::TlsIdentity;

/// An authority, a server of its making, and two clients of which it knows one.
struct Pki {
    ca: String,
    server: rustls::ServerConfig,
    client: TlsIdentity,
    certificate: Vec<u8>,
    stranger: TlsIdentity,
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn pki() -> Pki {
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = named("ca");
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_certificate = ca.self_signed(&ca_key).unwrap();
    let issuer = Issuer::new(ca, ca_key);

    let server_key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&server_key, &issuer).unwrap();

    let client_key = KeyPair::generate().unwrap();
    let client = named("client").signed_by(&client_key, &issuer).unwrap();
    let pem = client.pem();

    let key = KeyPair::generate().unwrap();
    let stranger = named("stranger").self_signed(&key).unwrap().pem();
    let stranger = TlsIdentity::parse(stranger.as_bytes(), key.serialize_pem().as_bytes()).unwrap();

    let mut roots = RootCertStore::empty();
    roots.add(ca_certificate.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let clients = WebPkiClientVerifier::builder_with_provider(
        Arc::new(roots),
        Arc::<rustls::crypto::CryptoProvider>::clone(&provider),
    );
    let server = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients.build().unwrap())
        .with_single_cert(vec![leaf.der().clone()], server_key.into())
        .unwrap();
    Pki {
        ca: ca_certificate.pem(),
        server,
        client: TlsIdentity::parse(pem.as_bytes(), client_key.serialize_pem().as_bytes()).unwrap(),
        certificate: client.der().to_vec(),
        stranger,
    }
}

/// The endpoints as aliases at `origin`.
fn aliases(origin: &str) -> Value {
    json!({
        "token_endpoint": format!("{origin}/token"),
        "pushed_authorization_request_endpoint": format!("{origin}/par"),
        "userinfo_endpoint": format!("{origin}/userinfo"),
        "revocation_endpoint": format!("{origin}/revoke"),
        "introspection_endpoint": format!("{origin}/introspect"),
    })
}

fn secret() -> secrecy::SecretString {
    "old".to_owned().into()
}

#[tokio::test]
async fn mtls_every_call_goes_to_the_alias_shows_our_certificate_and_sends_no_secret() {
    let pki = pki();
    let mock = MockAs::start().await;
    let origin = mock.over_tls(pki.server).await;
    mock.metadata(&json!({ "mtls_endpoint_aliases": aliases(&origin) }));
    let auth = ClientAuth::Tls(pki.client);
    let rp = mock.relying_party_trusting(Some(&pki.ca), |c| c.client_auth = auth).unwrap();
    let done = mock.login(&rp).await;
    mock.once("/userinfo", Reply::json(200, json!({ "sub": "alice" })));
    rp.userinfo(&done.tokens, done.dpop_key.as_ref(), "alice", NOW).await.unwrap().unwrap();
    mock.once("/revoke", Reply::text(200, "text/plain", ""));
    assert!(rp.revoke(&secret(), TokenKind::Refresh, NOW).await.unwrap());
    for path in ["/par", "/token", "/userinfo", "/revoke"] {
        let request = mock.seen(path).pop().unwrap();
        assert_eq!(request.certificate.as_ref(), Some(&pki.certificate), "{path}");
        assert!(request.param("client_secret").is_none());
        assert!(request.param("client_assertion").is_none());
        if path != "/userinfo" {
            assert_eq!(request.param("client_id"), Some("client"), "{path}");
            assert!(request.headers.get("authorization").is_none());
        }
    }
    // The proof is for the address that is called.
    let (_, claims) = mock.seen("/token")[0].proof().unwrap();
    assert_eq!(claims["htu"], format!("{origin}/token"));
    // Metadata and keys stay where they are published.
    assert!(mock.seen("/jwks")[0].certificate.is_none());
}

#[tokio::test]
async fn mtls_aliases_are_for_clients_with_a_certificate_alone() {
    let pki = pki();
    let mock = MockAs::start().await;
    let origin = mock.over_tls(pki.server).await;
    mock.metadata(&json!({ "mtls_endpoint_aliases": aliases(&origin) }));
    let rp = mock.relying_party_trusting(Some(&pki.ca), |_| {}).unwrap();
    mock.login(&rp).await;
    assert!(mock.seen("/token")[0].certificate.is_none());
}

#[tokio::test]
async fn mtls_without_aliases_the_endpoints_themselves_are_called() {
    let pki = pki();
    let mock = MockAs::start().await;
    let origin = mock.over_tls(pki.server).await;
    mock.metadata(&json!({
        "token_endpoint": format!("{origin}/token"),
        "pushed_authorization_request_endpoint": format!("{origin}/par"),
    }));
    let auth = ClientAuth::Tls(pki.client);
    let rp = mock.relying_party_trusting(Some(&pki.ca), |c| c.client_auth = auth).unwrap();
    mock.login(&rp).await;
    assert_eq!(mock.seen("/token")[0].certificate.as_ref(), Some(&pki.certificate));
}

#[tokio::test]
async fn mtls_a_missing_or_wrong_certificate_spends_nothing() {
    let pki = pki();
    let mock = MockAs::start().await;
    let origin = mock.over_tls(pki.server).await;
    mock.metadata(&json!({
        "token_endpoint": format!("{origin}/token"),
        "pushed_authorization_request_endpoint": format!("{origin}/par"),
    }));
    for auth in [ClientAuth::None, ClientAuth::Tls(pki.stranger)] {
        let rp = mock.relying_party_trusting(Some(&pki.ca), |c| c.client_auth = auth).unwrap();
        let error = begin(&rp, &LoginHints::default()).await.unwrap_err();
        assert!(matches!(error, OidcError::Unreachable { .. }), "{error:?}");
        assert!(error.is_unavailable());
        let error = rp.refresh(&refresh_of(&secret(), None), NOW).await.unwrap_err();
        // Not "unknown": the server never read the request.
        assert!(matches!(error, RefreshError::Unavailable(_)), "{error:?}");
    }
    assert!(mock.seen("/par").is_empty());
    assert!(mock.seen("/token").is_empty());
}

#[tokio::test]
async fn mtls_a_self_signed_certificate_is_shown_and_published_with_its_key() {
    let key = KeyPair::generate().unwrap();
    let certificate = named("client").self_signed(&key).unwrap();
    let (cert_pem, key_pem) = (certificate.pem(), key.serialize_pem());
    let client = TlsIdentity::parse(cert_pem.as_bytes(), key_pem.as_bytes()).unwrap();

    // The server knows the certificate itself.
    let mut pki = pki();
    let mut known = RootCertStore::empty();
    known.add(certificate.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let clients = WebPkiClientVerifier::builder_with_provider(
        Arc::new(known),
        Arc::<rustls::crypto::CryptoProvider>::clone(&provider),
    );
    let resolver = Arc::clone(&pki.server.cert_resolver);
    pki.server = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients.build().unwrap())
        .with_cert_resolver(resolver);

    let mock = MockAs::start().await;
    let origin = mock.over_tls(pki.server).await;
    mock.metadata(&json!({ "mtls_endpoint_aliases": aliases(&origin) }));
    let rp = mock
        .relying_party_trusting(Some(&pki.ca), |config| {
            config.client_auth = ClientAuth::SelfSignedTls(client);
            config.request_key = Some(ClientKey::parse(key_pem.as_bytes()).unwrap());
        })
        .unwrap();
    mock.login(&rp).await;
    let shown = mock.seen("/token")[0].certificate.clone().unwrap();
    assert_eq!(shown, certificate.der().to_vec());
    let published = &rp.public_jwks()["keys"][0];
    let x5c = STANDARD.encode(&shown);
    assert_eq!(published["x5c"], json!([x5c]));
    assert!(published.get("d").is_none());
}

#[tokio::test]
async fn mtls_bearer_tokens_are_sender_constrained_where_the_issuer_binds_them() {
    let pki = pki();
    let mock = MockAs::start().await;
    let origin = mock.over_tls(pki.server).await;
    let token = json!({ "access_token": ACCESS_TOKEN, "token_type": "Bearer" });
    for (binds, certificate, constrained) in
        [(true, true, true), (false, true, false), (true, false, false)]
    {
        mock.metadata(&json!({
            "mtls_endpoint_aliases": aliases(&origin),
            "tls_client_certificate_bound_access_tokens": binds,
            "dpop_signing_alg_values_supported": null,
        }));
        let rp = mock
            .relying_party_trusting(Some(&pki.ca), |config| {
                if certificate {
                    config.client_auth = ClientAuth::Tls(pki.client.clone());
                }
            })
            .unwrap();
        mock.once("/token", Reply::json(200, token.clone()));
        let fresh = rp.refresh(&refresh_of(&secret(), None), NOW).await.unwrap();
        assert_eq!(fresh.tokens.token_type, TokenType::Bearer);
        assert_eq!(fresh.tokens.sender_constrained, constrained, "{binds} {certificate}");
    }
}

#[tokio::test]
async fn fapi2_a_token_that_neither_key_nor_certificate_binds_is_thrown_away() {
    let pki = pki();
    let mock = MockAs::start().await;
    let origin = mock.over_tls(pki.server).await;
    for (binds, type_, good) in
        [(true, "Bearer", true), (false, "DPoP", true), (false, "Bearer", false)]
    {
        mock.metadata(&json!({
            "mtls_endpoint_aliases": aliases(&origin),
            "tls_client_certificate_bound_access_tokens": binds,
        }));
        let rp = mock
            .relying_party_trusting(Some(&pki.ca), |config| {
                config.client_auth = ClientAuth::Tls(pki.client.clone());
                config.enforce_fapi2();
            })
            .unwrap();
        let token = json!({ "access_token": ACCESS_TOKEN, "token_type": type_ });
        mock.once("/token", Reply::json(200, token));
        let outcome = rp.refresh(&refresh_of(&secret(), None), NOW).await;
        assert_eq!(outcome.is_ok(), good, "{binds} {type_}");
        if let Err(error) = outcome {
            assert!(error.to_string().contains("token_not_sender_constrained"), "{error}");
        }
    }
    // Where nothing would bind them, no login begins.
    mock.metadata(&json!({
        "mtls_endpoint_aliases": aliases(&origin), "dpop_signing_alg_values_supported": null,
    }));
    let auth = ClientAuth::Tls(pki.client);
    let rp = mock
        .relying_party_trusting(Some(&pki.ca), |config| {
            config.client_auth = auth;
            config.enforce_fapi2();
        })
        .unwrap();
    let refused = reason(begin(&rp, &LoginHints::default()).await);
    assert_eq!(refused, "fapi2_tokens_not_sender_constrained");
}

#[tokio::test]
async fn mtls_an_alias_in_the_clear_is_refused() {
    let pki = pki();
    let mock = MockAs::start().await;
    mock.metadata(&json!({
        "mtls_endpoint_aliases": { "token_endpoint": "http://mtls.idp.example/token" },
    }));
    let auth = ClientAuth::Tls(pki.client);
    let rp = mock.relying_party_trusting(Some(&pki.ca), |c| c.client_auth = auth).unwrap();
    assert_eq!(reason(begin(&rp, &LoginHints::default()).await), "endpoint_not_https");
}
