//! Tokens that are bound to the certificate of their client (RFC 8705 section 3).

use serde_json::json;

use super::{builder, reason};
use crate::access_token::Token;
use crate::algorithm::Algorithm;
use crate::certificate::{CertSource, thumbprint};
use crate::credentials::Incoming;
use crate::refusal::Refusal;
use crate::testkit::{Signer, key_set};
use crate::validator::{ConfigError, Validator};

const SHOWN: &[u8] = b"the certificate of the client";

fn validator(signer: &Signer) -> Validator {
    let keys = key_set(&[signer.jwk("k")]);
    builder().mtls(CertSource::Connection).with_keys(keys).unwrap()
}

async fn send(validator: &Validator, token: &str, shown: Option<&[u8]>) -> Result<Token, Refusal> {
    let value = format!("Bearer {token}");
    let authorization = [value.as_bytes()];
    let incoming =
        Incoming { certificate: shown, ..Incoming::new("GET", "/orders", &authorization) };
    validator.check_incoming(&incoming).await
}

#[tokio::test]
async fn t12_a_token_bound_to_a_certificate_needs_that_certificate() {
    let signer = Signer::new(Algorithm::ES256);
    let validator = validator(&signer);
    let bound = signer.access_token("k", json!({"cnf": {"x5t#S256": thumbprint(SHOWN)}}));
    assert!(send(&validator, &bound, Some(SHOWN)).await.is_ok());
    for shown in [None, Some(&b"another"[..]), Some(b"")] {
        let refusal = send(&validator, &bound, shown).await.unwrap_err();
        assert_eq!((refusal.status(), refusal.reason()), (401, "other_certificate"));
    }
    for cnf in [json!({"x5t#S256": ""}), json!({"x5t#S256": thumbprint(SHOWN).to_lowercase()})] {
        let token = signer.access_token("k", json!({ "cnf": cnf }));
        let refusal = send(&validator, &token, Some(SHOWN)).await.unwrap_err();
        assert_eq!(refusal.reason(), "other_certificate");
    }
    let unbound = signer.access_token("k", json!({}));
    assert!(send(&validator, &unbound, None).await.is_ok());
    // The same token through a validator that cannot see certificates.
    let blind = builder().with_keys(key_set(&[signer.jwk("k")])).unwrap();
    assert_eq!(reason(&blind, &bound).await, (401, "binding_unsupported"));
}

#[tokio::test]
async fn where_certificates_are_required_an_unbound_token_is_refused() {
    let signer = Signer::new(Algorithm::ES256);
    let keys = key_set(&[signer.jwk("k")]);
    let strict = builder().mtls(CertSource::Connection).require_mtls().with_keys(keys).unwrap();
    let unbound = signer.access_token("k", json!({}));
    let refusal = send(&strict, &unbound, Some(SHOWN)).await.unwrap_err();
    assert_eq!((refusal.status(), refusal.reason()), (401, "not_bound"));
}

#[tokio::test]
async fn t12_a_token_with_two_bindings_needs_both() {
    let signer = Signer::new(Algorithm::ES256);
    let cnf = json!({"cnf": {"x5t#S256": thumbprint(SHOWN), "jkt": "someone"}});
    let both = signer.access_token("k", cnf);
    let refusal = send(&validator(&signer), &both, Some(SHOWN)).await.unwrap_err();
    assert_eq!(refusal.reason(), "bound_as_bearer");
    let refusal = send(&validator(&signer), &both, None).await.unwrap_err();
    assert_eq!(refusal.reason(), "other_certificate");
    let unknown = json!({"cnf": {"x5t#S256": thumbprint(SHOWN), "kid": "x"}});
    let refusal = send(&validator(&signer), &signer.access_token("k", unknown), Some(SHOWN)).await;
    assert_eq!(refusal.unwrap_err().reason(), "binding_unsupported");
}

#[cfg(feature = "http")]
#[tokio::test]
async fn t04_a_certificate_is_taken_from_the_one_header_that_was_named() {
    use base64::Engine as _;

    let signer = Signer::new(Algorithm::ES256);
    let keys = key_set(&[signer.jwk("k")]);
    let header = CertSource::Header("Client-Cert".to_owned());
    let validator = builder().mtls(header).with_keys(keys).unwrap();
    let bound = signer.access_token("k", json!({"cnf": {"x5t#S256": thumbprint(SHOWN)}}));
    let shown = base64::engine::general_purpose::STANDARD.encode(SHOWN);
    let ask = async |headers: &[(&str, String)]| {
        let mut request =
            http::Request::get("/orders").header("authorization", format!("Bearer {bound}"));
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        validator.check(&parts).await.map(|_| ()).map_err(|refusal| refusal.reason())
    };
    let good = || format!(":{shown}:");
    assert_eq!(ask(&[("client-cert", good())]).await, Ok(()));
    for headers in [
        vec![],
        vec![("x-forwarded-tls-client-cert", good())],
        vec![("client-cert", good()), ("client-cert", good())],
        vec![("client-cert", ":AAAA".to_owned())],
    ] {
        assert_eq!(ask(&headers).await, Err("other_certificate"), "{headers:?}");
    }
}

#[test]
fn t09_certificates_that_nobody_can_see_are_refused_as_a_setting() {
    let keys = || key_set(&[Signer::new(Algorithm::ES256).jwk("k")]);
    let refused = |builder: super::Builder| builder.with_keys(keys()).unwrap_err();
    assert_eq!(refused(builder().require_mtls()), ConfigError::MtlsWithoutSource);
    for name in ["", "Client Cert", "client-cert:", "x\r\ny"] {
        let header = CertSource::Header(name.to_owned());
        assert_eq!(refused(builder().mtls(header)), ConfigError::CertificateHeader, "{name:?}");
    }
}
