//! Owns: the class of tokens that are bound to a certificate (RFC 8705 section 3).

use serde_json::json;

use super::scene::CERTIFICATE;
use super::{Cases, Request};
use crate::certificate::thumbprint;
use crate::credentials::Scheme;

pub(super) fn cases(c: &mut Cases<'_>) {
    if c.scene.service.certificates.is_none() {
        return;
    }
    let token = c.mint().certificate(CERTIFICATE).sign();
    let shown = |der: &[u8]| send(c, &token).certificate(der);
    let flipped: Vec<u8> = CERTIFICATE.iter().rev().copied().collect();
    let good = shown(CERTIFICATE);
    let (longer, cut) = ([CERTIFICATE, &[0]].concat(), CERTIFICATE.split_at(100).0);
    let bad = [
        ("not-shown", send(c, &token)),
        ("another", shown(b"another certificate")),
        ("reversed", shown(&flipped)),
        ("longer", shown(&longer)),
        ("cut", shown(cut)),
    ];
    c.accept_request("certificate-shown", good);
    for (name, request) in bad {
        c.refuse_request(format!("certificate-{name}"), request, "other_certificate");
    }
    thumbprints(c);
    kinds(c);
    if let Some(crate::CertSource::Header(_)) = &c.scene.service.certificates {
        let request = send(c, &token);
        let named = request.header("x-client-certificate", CERTIFICATE_TEXT);
        c.refuse_request("certificate-in-another-header", named, "other_certificate");
    }
}

const CERTIFICATE_TEXT: &str = ":AAAA:";

/// A request of the service's scheme, with a certificate that the case itself shows or not.
fn send(c: &Cases<'_>, token: &str) -> Request {
    let mut request = c.scene.send(token);
    request.certificate = None;
    request
}

fn thumbprints(c: &mut Cases<'_>) {
    let right = thumbprint(CERTIFICATE);
    let digest = ring::digest::digest(&ring::digest::SHA256, CERTIFICATE);
    let hex: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    for (name, x5t) in [
        ("empty", String::new()),
        ("padded", format!("{right}=")),
        ("cut", right.chars().take(42).collect()),
        ("longer", format!("{right}A")),
        ("lower-case", right.to_ascii_lowercase()),
        ("hexadecimal", hex),
        ("of-the-text", thumbprint(b"-----BEGIN CERTIFICATE-----")),
        ("of-nothing", thumbprint(b"")),
    ] {
        let cnf = if c.scene.service.dpop_required {
            json!({"x5t#S256": x5t, "jkt": c.scene.client.thumbprint()})
        } else {
            json!({ "x5t#S256": x5t })
        };
        let token = c.mint().claim("cnf", cnf).sign();
        let request = send(c, &token).certificate(CERTIFICATE);
        c.refuse_request(format!("certificate-thumbprint-{name}"), request, "other_certificate");
    }
}

/// Bound to a certificate, to a key, to both, to nothing.
fn kinds(c: &mut Cases<'_>) {
    let unbound = c.mint().without("cnf").sign();
    let bearer = c.scene.send_as(Scheme::Bearer, &unbound).certificate(CERTIFICATE);
    if c.scene.service.certificate_required {
        c.refuse_request("certificate-required-and-unbound", bearer, "not_bound");
    } else if !c.scene.service.dpop_required {
        c.accept_request("certificate-shown-and-unbound", bearer);
    }
    if c.scene.service.origin.is_none() {
        return;
    }
    let both = c.scene.bound().certificate(CERTIFICATE).sign();
    let with_proof = c.scene.send_as(Scheme::Dpop, &both);
    c.accept_request("certificate-and-key", with_proof.clone().certificate(CERTIFICATE));
    let mut without = with_proof;
    without.certificate = None;
    c.refuse_request("certificate-and-key-without-certificate", without, "other_certificate");
    let request = c.scene.send_as(Scheme::Dpop, &both).certificate(CERTIFICATE).without("dpop");
    c.refuse_proof("certificate-and-key-without-proof", request, "dpop_missing");
    let request = c.scene.send_as(Scheme::Bearer, &both).certificate(CERTIFICATE);
    c.refuse_request("certificate-and-key-as-bearer", request, "bound_as_bearer");
}
