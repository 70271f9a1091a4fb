//! Owns: the class of keys in a proof and of its signature (RFC 9449 section 4.3, checks 5 to 7 and the second
//! half of 12). The key comes from the sender: that it is good means nothing until it is the token's.

use serde_json::{Value, json};

use super::Cases;
use super::scene::CERTIFICATE;
use super::structure::cut;
use crate::algorithm::Algorithm;
use crate::certificate::thumbprint;
use crate::credentials::Scheme;
use crate::testing::DpopKey;
use crate::testing::keys::encode;
use crate::testing::mint::with;

pub(super) fn cases(c: &mut Cases<'_>) {
    if c.scene.service.origin.is_none() {
        return;
    }
    for alg in Algorithm::ALL {
        let key = DpopKey::with(*alg, c.scene.issuer.clock().clone());
        let token = c.mint().dpop(&key).sign();
        let request = c.scene.prove(&token, c.scene.proof_by(&key, &token).sign());
        c.accept_request(format!("proof-key-{}", alg.name().to_ascii_lowercase()), request);
    }
    let token = c.scene.bound().sign();
    algorithms(c, &token);
    signatures(c, &token);
    keys(c, &token);
    others(c, &token);
}

fn algorithms(c: &mut Cases<'_>, token: &str) {
    let proof = || c.scene.proof(token);
    for (name, alg) in [
        ("none", "none"),
        ("none-capital", "None"),
        ("hs256", "HS256"),
        ("hs512", "HS512"),
        ("es256-lower-case", "es256"),
        ("es256k", "ES256K"),
        ("es521", "ES521"),
        ("rsa1-5", "RSA1_5"),
        ("dir", "dir"),
        ("empty", ""),
    ] {
        let signed = proof().header("alg", alg).sign();
        let input = signed.rsplit_once('.').map_or("", |(input, _)| input);
        let request = c.scene.prove(token, &signed);
        c.refuse_proof(format!("proof-check-5-{name}"), request, "dpop_malformed");
        let request = c.scene.prove(token, format!("{input}."));
        c.refuse_proof(format!("proof-check-5-{name}-unsigned"), request, "dpop_malformed");
    }
    for alg in ["ES384", "RS256", "PS256", "EdDSA"] {
        let request = c.scene.prove(token, proof().header("alg", alg).sign());
        let name = format!("proof-check-5-{}-of-a-p256-key", alg.to_ascii_lowercase());
        c.refuse_proof(name, request, "dpop_key");
    }
}

fn signatures(c: &mut Cases<'_>, token: &str) {
    let proof = c.scene.proof(token).sign();
    let [header, claims, signature] = cut(&proof);
    let thief = DpopKey::with(Algorithm::ES256, c.scene.issuer.clock().clone());
    let other = c.scene.proof(token).sign();
    let [_, other_claims, other_signature] = cut(&other);
    for (name, proof) in [
        ("by-a-thief", c.scene.proof(token).sign_with(thief.signing())),
        ("absent", format!("{header}.{claims}.")),
        ("of-another-proof", format!("{header}.{claims}.{other_signature}")),
        ("claims-replaced", format!("{header}.{other_claims}.{signature}")),
        ("zeros", format!("{header}.{claims}.{}", encode(&[0; 64]))),
        ("ones", format!("{header}.{claims}.{}", encode(&[0xff; 64]))),
        ("short", format!("{header}.{claims}.AAAA")),
        ("long", format!("{proof}AAAA")),
    ] {
        let request = c.scene.prove(token, proof);
        c.refuse_proof(format!("proof-check-6-{name}"), request, "dpop_signature");
    }
}

fn keys(c: &mut Cases<'_>, token: &str) {
    let proof = || c.scene.proof(token);
    let jwk = c.scene.client.signing().bare_jwk();
    let with = |member: &str, value: Value| with(jwk.clone(), member, value);
    let x = jwk.get("x").and_then(Value::as_str).unwrap_or_default();
    let without = |member: &str| {
        let mut jwk = jwk.clone();
        if let Some(members) = jwk.as_object_mut() {
            members.remove(member);
        }
        jwk
    };
    for (name, jwk, why) in [
        ("private", with("d", json!("AAAA")), "dpop_key"),
        ("private-and-empty", with("d", json!("")), "dpop_key"),
        ("private-and-null", with("d", Value::Null), "dpop_key"),
        ("private-of-rsa", with("dp", json!("AAAA")), "dpop_key"),
        ("secret-beside", with("k", json!("AAAA")), "dpop_key"),
        ("secret", json!({"kty": "oct", "k": "c2VjcmV0"}), "dpop_key"),
        ("of-no-type", without("kty"), "dpop_malformed"),
        ("of-an-unknown-type", with("kty", json!("AKP")), "dpop_key"),
        ("of-type-in-lower-case", with("kty", json!("ec")), "dpop_key"),
        ("without-curve", without("crv"), "dpop_key"),
        ("of-another-curve", with("crv", json!("P-384")), "dpop_key"),
        ("of-secp256k1", with("crv", json!("secp256k1")), "dpop_key"),
        ("without-x", without("x"), "dpop_key"),
        ("without-y", without("y"), "dpop_key"),
        ("with-a-short-x", with("x", json!("AAAA")), "dpop_key"),
        ("with-a-padded-x", with("x", json!(format!("{x}="))), "dpop_key"),
        ("with-a-number-for-x", with("x", json!(1)), "dpop_malformed"),
        ("for-encryption", with("use", json!("enc")), "dpop_key"),
        ("for-signing-alone", with("key_ops", json!(["sign"])), "dpop_key"),
        ("of-another-algorithm", with("alg", json!("ES384")), "dpop_key"),
        ("of-no-algorithm", with("alg", json!("none")), "dpop_key"),
        ("a-text", json!("key"), "dpop_malformed"),
        ("an-array", json!([jwk]), "dpop_malformed"),
        ("a-set", json!({"keys": [jwk]}), "dpop_malformed"),
        ("empty", json!({}), "dpop_malformed"),
        ("null", Value::Null, "dpop_malformed"),
        (
            "of-rsa-with-512-bits",
            json!({"kty": "RSA", "e": "AQAB", "n": encode(&[0xc5; 64])}),
            "dpop_key",
        ),
        (
            "of-rsa-with-exponent-1",
            json!({"kty": "RSA", "e": "AQ", "n": encode(&[0xc5; 256])}),
            "dpop_key",
        ),
        (
            "of-ed25519-with-31-bytes",
            json!({"kty": "OKP", "crv": "Ed25519", "x": encode(&[1; 31])}),
            "dpop_key",
        ),
    ] {
        let request = c.scene.prove(token, proof().header("jwk", jwk).sign());
        c.refuse_proof(format!("proof-check-7-key-{name}"), request, why);
    }
    let absent = proof().without_header("jwk");
    let request = c.scene.prove(token, absent.sign());
    c.refuse_proof("proof-check-7-key-absent", request, "dpop_key");
    let named = proof().without_header("jwk").header("kid", c.scene.client.thumbprint());
    let request = c.scene.prove(token, named.sign());
    c.refuse_proof("proof-check-7-key-by-name", request, "dpop_key");
    for (name, member, value) in
        [("kid", "kid", json!("x")), ("use", "use", json!("sig")), ("alg", "alg", json!("ES256"))]
    {
        let request = c.scene.prove(token, proof().header("jwk", with(member, value)).sign());
        c.accept_request(format!("proof-key-with-{name}"), request);
    }
}

/// Good proofs by another key than the token's.
fn others(c: &mut Cases<'_>, token: &str) {
    let thief = DpopKey::with(Algorithm::ES256, c.scene.issuer.clock().clone());
    let proof = c.scene.proof_by(&thief, token);
    let request = c.scene.prove(token, proof.sign());
    c.refuse_proof("proof-check-12-stolen-token", request, "dpop_other_key");
    let own = c.mint().dpop(&thief).sign();
    let request = c.scene.send_as(Scheme::Dpop, &own);
    c.refuse_proof("proof-check-12-token-of-another", request, "dpop_other_key");
    let jkt = c.scene.client.thumbprint();
    for (name, jkt) in [
        ("empty", String::new()),
        ("padded", format!("{jkt}=")),
        ("cut", jkt.chars().take(42).collect()),
        ("doubled", format!("{jkt}{jkt}")),
        ("other-case", jkt.chars().map(super::other_case).collect()),
        ("as-uri", format!("urn:ietf:params:oauth:jwk-thumbprint:sha-256:{jkt}")),
    ] {
        let token = c.scene.bound().claim("cnf", confirmation(c, &jkt)).sign();
        let request = c.scene.send_as(Scheme::Dpop, &token);
        c.refuse_proof(format!("proof-check-12-jkt-{name}"), request, "dpop_other_key");
    }
}

/// `cnf` with this thumbprint, and the certificate where one is needed.
fn confirmation(c: &Cases<'_>, jkt: &str) -> Value {
    let cnf = json!({ "jkt": jkt });
    if c.scene.service.certificate_required {
        with(cnf, "x5t#S256", thumbprint(CERTIFICATE))
    } else {
        cnf
    }
}
