//! Owns: the class of bound tokens (RFC 7800 section 3, RFC 8705 section 3.1, RFC 9449 section 6.1) that come
//! without what they are bound to. A binding that is not checked is a stolen token that works.

use serde_json::{Value, json};

use super::Cases;
use crate::credentials::Scheme;

const THUMBPRINT: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

pub(super) fn cases(c: &mut Cases<'_>) {
    for (name, cnf) in [
        ("null", Value::Null),
        ("text", json!(THUMBPRINT)),
        ("number", json!(1)),
        ("true", json!(true)),
        ("array", json!([{"jkt": THUMBPRINT}])),
        ("jkt-null", json!({"jkt": null})),
        ("jkt-number", json!({"jkt": 1})),
        ("jkt-array", json!({"jkt": [THUMBPRINT]})),
        ("jkt-object", json!({"jkt": {}})),
        ("x5t-null", json!({"x5t#S256": null})),
        ("x5t-number", json!({"x5t#S256": 1})),
        ("x5t-array", json!({"x5t#S256": [THUMBPRINT]})),
    ] {
        c.refuse(
            format!("cnf-of-type-{name}"),
            &c.mint().claim("cnf", cnf).sign(),
            "claims_malformed",
        );
    }
    for (name, cnf) in [
        ("empty", json!({})),
        ("jwk", json!({"jwk": {"kty": "oct", "k": "AAAA"}})),
        ("kid", json!({"kid": "x"})),
        ("jku", json!({"jku": "https://attacker.example", "kid": "x"})),
        ("jwe", json!({"jwe": "a.b.c.d.e"})),
        ("x5t-of-sha-1", json!({"x5t": "AAAA"})),
        ("of-a-later-kind", json!({"x5t#S512": "AAAA"})),
        ("jkt-in-capitals", json!({"JKT": THUMBPRINT})),
        ("jkt-and-an-unknown-kind", json!({"jkt": THUMBPRINT, "kid": "x"})),
        ("x5t-and-an-unknown-kind", json!({"x5t#S256": THUMBPRINT, "kid": "x"})),
    ] {
        let token = c.mint().claim("cnf", cnf).sign();
        c.refuse(format!("cnf-{name}"), &token, "binding_unsupported");
    }
    let twice = format!("\"cnf\":{{\"jkt\":\"{THUMBPRINT}\",\"jkt\":\"x\"}}");
    let text = c.mint().without("cnf").claims_text().replacen('{', &format!("{{{twice},"), 1);
    c.refuse("cnf-jkt-twice", &c.with_payload(text), "claims_malformed");
    if !c.scene.service.certificate_required {
        as_bearer(c);
    }
}

fn as_bearer(c: &mut Cases<'_>) {
    let scene = c.scene;
    let unbound = || scene.mint().without("cnf");
    for (name, mint) in [
        ("jkt", unbound().dpop(&c.scene.client)),
        ("jkt-empty", unbound().claim("cnf", json!({"jkt": ""}))),
    ] {
        let request = c.scene.send_as(Scheme::Bearer, &mint.sign());
        c.refuse_request(format!("cnf-{name}-as-bearer"), request, "bound_as_bearer");
    }
    let certified = unbound().certificate(super::scene::CERTIFICATE).sign();
    let request = c.scene.send_as(Scheme::Bearer, &certified);
    if c.scene.service.certificates.is_none() {
        c.refuse_request("cnf-certificate-unseen", request, "binding_unsupported");
        let both = unbound().dpop(&c.scene.client).certificate(super::scene::CERTIFICATE).sign();
        let request = c.scene.send_as(Scheme::Bearer, &both);
        c.refuse_request("cnf-both-certificate-unseen", request, "binding_unsupported");
    }
}
