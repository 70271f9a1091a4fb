//! Owns: the class of `DPoP` headers and of the form of the proof in them (RFC 9449 section 4.3, checks 1 to
//! 4), and of tokens that come with the wrong scheme (section 7.2).

use serde_json::{Value, json};

use super::structure::cut;
use super::{Cases, Request};
use crate::credentials::Scheme;
use crate::testing::keys::encode;
use crate::token::MAX_TOKEN_BYTES;

pub(super) fn cases(c: &mut Cases<'_>) {
    if c.scene.service.origin.is_none() {
        return without_dpop(c);
    }
    let token = c.scene.bound().sign();
    c.accept_request("proof-as-it-should-be", c.scene.send_as(Scheme::Dpop, &token));
    headers(c, &token);
    forms(c, &token);
    texts(c, &token);
    header_members(c, &token);
    schemes(c);
}

/// A service that cannot know its URL cannot check a proof.
fn without_dpop(c: &mut Cases<'_>) {
    let token = c.scene.bound().sign();
    let request = c.scene.send_as(Scheme::Dpop, &token);
    c.refuse_request("proof-unasked", request, "binding_unsupported");
    let unbound = c.mint().sign();
    let request = c.scene.send_as(Scheme::Dpop, &unbound);
    c.refuse_request("proof-unasked-of-an-unbound-token", request, "not_bound");
}

fn headers(c: &mut Cases<'_>, token: &str) {
    let proof = || c.scene.proof(token).sign();
    let one = proof();
    let send = || c.scene.send_as(Scheme::Dpop, token);
    let named = |name: &'static str| send().without("dpop").header(name, proof());
    for (name, request, why) in [
        ("absent", send().without("dpop"), "dpop_missing"),
        ("in-a-header-of-another-name", named("x-dpop"), "dpop_missing"),
        ("in-dpop-proof", named("dpop-proof"), "dpop_missing"),
        ("twice", send().header("dpop", proof()), "dpop_doubled"),
        ("twice-the-same", send().only("dpop", &one).header("dpop", &one), "dpop_doubled"),
        ("then-empty", send().header("dpop", ""), "dpop_doubled"),
        ("fifty-times", (0..50).fold(send(), |r, _| r.header("dpop", proof())), "dpop_doubled"),
    ] {
        c.refuse_proof(format!("proof-check-1-{name}"), request, why);
    }
    let mut query = send().without("dpop");
    query.target = format!("{}?dpop={}", c.scene.service.path, proof());
    c.refuse_proof("proof-check-1-in-the-query", query, "dpop_missing");
}

fn prove(c: &Cases<'_>, token: &str, proof: impl AsRef<[u8]>) -> Request {
    c.scene.prove(token, proof)
}

fn forms(c: &mut Cases<'_>, token: &str) {
    let proof = c.scene.proof(token).sign();
    let [header, claims, signature] = cut(&proof);
    for (name, text) in [
        ("empty", String::new()),
        ("word", "proof".to_owned()),
        ("two-parts", format!("{header}.{claims}")),
        ("four-parts", format!("{proof}.{signature}")),
        ("five-parts", format!("{proof}.{claims}.{signature}")),
        ("two-proofs-by-comma", format!("{proof}, {proof}")),
        ("two-proofs-by-space", format!("{proof} {proof}")),
        ("quoted", format!("\"{proof}\"")),
        ("with-a-scheme", format!("DPoP {proof}")),
        ("padded", format!("{proof}=")),
        ("space-inside", format!("{header}. {claims}.{signature}")),
        ("standard-alphabet", format!("{header}.{claims}.+/{signature}")),
        (
            "json-serialisation",
            json!({"protected": header, "payload": claims, "signature": signature}).to_string(),
        ),
        ("base64-again", encode(proof.as_bytes())),
        ("utf-8", format!("{proof}\u{e9}")),
        ("too-long", format!("{proof}{}", "A".repeat(MAX_TOKEN_BYTES))),
    ] {
        let request = prove(c, token, text);
        c.refuse_proof(format!("proof-check-2-{name}"), request, "dpop_malformed");
    }
    let bytes = [proof.as_bytes(), b"\xff"].concat();
    c.refuse_proof("proof-check-2-not-utf-8", prove(c, token, bytes), "dpop_malformed");
    let request = prove(c, token, token);
    c.refuse_proof("proof-check-4-the-token-itself", request, "dpop_type");
}

/// Texts of header and claims that two parsers read differently.
fn texts(c: &mut Cases<'_>, token: &str) {
    let mint = c.scene.proof(token);
    let (header, claims) = (mint.header_text(), mint.claims_text());
    let member = |text: &str, member: &str| text.replacen('{', &format!("{{{member},"), 1);
    let key = c.scene.client.signing();
    for (name, header, claims) in [
        ("header-alg-twice", member(&header, "\"alg\":\"none\""), claims.clone()),
        ("header-alg-twice-escaped", member(&header, "\"al\\u0067\":\"none\""), claims.clone()),
        ("header-jwk-twice", member(&header, "\"jwk\":{\"kty\":\"EC\"}"), claims.clone()),
        (
            "header-jwk-member-twice",
            header.replacen("\"kty\"", "\"kty\":\"OKP\",\"kty\"", 1),
            claims.clone(),
        ),
        ("header-array", format!("[{header}]"), claims.clone()),
        ("claims-htu-twice", header.clone(), member(&claims, "\"htu\":\"https://x.example/\"")),
        ("claims-ath-twice-escaped", header.clone(), member(&claims, "\"\\u0061th\":\"x\"")),
        ("claims-iat-twice", header.clone(), member(&claims, "\"iat\":0")),
        ("claims-array", header.clone(), format!("[{claims}]")),
        ("claims-empty", header.clone(), String::new()),
        ("claims-trailing-text", header.clone(), format!("{claims}x")),
        ("claims-byte-order-mark", header.clone(), format!("\u{feff}{claims}")),
        ("claims-nan", header.clone(), member(&claims, "\"x\":NaN")),
    ] {
        let request = prove(c, token, key.sign_text(&header, &claims));
        c.refuse_proof(format!("proof-check-2-{name}"), request, "dpop_malformed");
    }
}

fn header_members(c: &mut Cases<'_>, token: &str) {
    let proof = || c.scene.proof(token);
    for (name, typ) in [
        ("jwt", "JWT"),
        ("access-token", "at+jwt"),
        ("dpop-alone", "dpop"),
        ("space-after", "dpop+jwt "),
        ("parameter", "dpop+jwt;v=1"),
        ("text", "text/dpop+jwt"),
        ("minus", "dpop-jwt"),
        ("empty", ""),
    ] {
        let request = prove(c, token, proof().header("typ", typ).sign());
        c.refuse_proof(format!("proof-check-4-typ-{name}"), request, "dpop_type");
    }
    let untyped = proof().without_header("typ").sign();
    c.refuse_proof("proof-check-4-typ-missing", prove(c, token, untyped), "dpop_type");
    for (name, member, value) in [
        ("typ-null", "typ", Value::Null),
        ("typ-array", "typ", json!(["dpop+jwt"])),
        ("alg-null", "alg", Value::Null),
        ("crit", "crit", json!(["exp"])),
        ("crit-b64", "b64", json!(false)),
        ("zip", "zip", json!("DEF")),
        ("jku", "jku", json!("https://attacker.example")),
        ("x5u", "x5u", json!("https://attacker.example")),
        ("kid-number", "kid", json!(1)),
    ] {
        let request = prove(c, token, proof().header(member, value).sign());
        c.refuse_proof(format!("proof-check-2-{name}"), request, "dpop_malformed");
    }
    for (name, typ) in [("upper-case", "DPOP+JWT"), ("application", "application/dpop+jwt")] {
        let request = prove(c, token, proof().header("typ", typ).sign());
        c.accept_request(format!("proof-typ-{name}"), request);
    }
}

/// A bound token is no bearer token, and a bearer token needs no proof.
fn schemes(c: &mut Cases<'_>) {
    let bound = c.scene.bound().sign();
    let bearer = c.scene.send_as(Scheme::Bearer, &bound);
    c.refuse_request("proof-downgraded-without-proof", bearer.clone(), "bound_as_bearer");
    let proof = c.scene.proof(&bound).sign();
    let request = bearer.header("dpop", proof);
    c.refuse_request("proof-downgraded-with-proof", request, "bound_as_bearer");
    let unbound = c.mint().without("cnf");
    let unbound = if c.scene.service.certificate_required {
        unbound.certificate(super::scene::CERTIFICATE)
    } else {
        unbound
    };
    let unbound = unbound.sign();
    let request = c.scene.send_as(Scheme::Dpop, &unbound);
    c.refuse_request("proof-for-an-unbound-token", request, "not_bound");
    let request = c.scene.send_as(Scheme::Bearer, &unbound);
    if c.scene.service.dpop_required {
        c.refuse_request("proof-required-and-bearer-sent", request.clone(), "not_bound");
        let request = request.header("dpop", c.scene.proof(&unbound).sign());
        c.refuse_request("proof-required-and-bearer-sent-with-proof", request, "not_bound");
    } else {
        c.accept_request("proof-not-needed", request.clone());
        c.accept_request("proof-unread-with-bearer", request.header("dpop", "x"));
    }
}
