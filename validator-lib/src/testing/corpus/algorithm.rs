//! Owns: the class of tokens that choose how they are checked (RFC 8725 sections 2.1, 3.1 and 3.2): no
//! signature, a MAC under the public key, the key of another algorithm.

use ring::hmac;
use serde_json::{Value, json};

use super::{Cases, spki};
use crate::algorithm::Algorithm;
use crate::testing::keys::encode;

pub(super) fn cases(c: &mut Cases<'_>) {
    for alg in Algorithm::ALL {
        let name = format!("algorithm-{}", alg.name().to_ascii_lowercase());
        c.accept(name, &c.mint().algorithm(*alg).sign());
    }
    // The name of RFC 9864 for the one curve of `EdDSA` that is known here.
    let renamed = c.mint().algorithm(Algorithm::EdDSA).header("alg", "Ed25519");
    c.accept("algorithm-ed25519", &renamed.sign());
    let mismatched = c.mint().header("alg", "Ed25519").sign();
    c.refuse("algorithm-ed25519-by-the-es256-key", &mismatched, "key_mismatch");
    unsigned(c);
    unknown(c);
    macs(c);
    confused(c);
}

fn unsigned(c: &mut Cases<'_>) {
    for (name, alg) in [
        ("none", "none"),
        ("none-capital", "None"),
        ("none-upper-case", "NONE"),
        ("none-mixed-case", "nOnE"),
        ("none-last-upper", "nonE"),
        ("none-with-space", "none "),
        ("none-after-space", " none"),
        ("none-with-nul", "none\0"),
        ("none-with-newline", "none\n"),
        ("none-fullwidth", "\u{ff4e}one"),
        ("none-empty", ""),
        ("none-null-word", "null"),
    ] {
        let mint = c.mint().header("alg", alg);
        let signed = mint.sign();
        let input = signed.rsplit_once('.').map_or("", |(input, _)| input);
        c.refuse(format!("algorithm-{name}-unsigned"), &format!("{input}."), "algorithm_refused");
        c.refuse(format!("algorithm-{name}-signed"), &signed, "algorithm_refused");
    }
    let stripped = c.mint().sign();
    let input = stripped.rsplit_once('.').map_or("", |(input, _)| input);
    c.refuse("algorithm-kept-signature-stripped", &format!("{input}."), "signature");
}

fn unknown(c: &mut Cases<'_>) {
    for alg in [
        "HS256",
        "HS384",
        "HS512",
        "RS1",
        "RSA1_5",
        "RSA-OAEP",
        "ES256K",
        "ES521",
        "Ed448",
        "ESP256",
        "EdDSA25519",
        "dir",
        "A128KW",
        "A128GCM",
        "PBES2-HS256+A128KW",
        "ECDH-ES",
        "SHA256",
    ] {
        let name = format!("algorithm-{}", alg.to_ascii_lowercase().replace(['_', '+'], "-"));
        c.refuse(
            format!("{name}-refused"),
            &c.mint().header("alg", alg).sign(),
            "algorithm_refused",
        );
    }
    if !cfg!(feature = "josekit") {
        let token = c.mint().header("alg", "ES512").sign();
        c.refuse("algorithm-es512-refused", &token, "algorithm_refused");
    }
    for (name, alg) in [
        ("lower-case", "es256"),
        ("ed25519-lower-case", "ed25519"),
        ("with-a-space", "ES256 "),
        ("with-nul", "ES256\0"),
        ("twice", "ES256,ES256"),
    ] {
        let token = c.mint().header("alg", alg).sign();
        c.refuse(format!("algorithm-{name}"), &token, "algorithm_refused");
    }
    for (name, alg) in [
        ("null", Value::Null),
        ("true", json!(true)),
        ("number", json!(256)),
        ("array", json!(["ES256"])),
        ("object", json!({"name": "ES256"})),
    ] {
        c.refuse(
            format!("algorithm-of-type-{name}"),
            &c.mint().header("alg", alg).sign(),
            "token_header",
        );
    }
    c.refuse("algorithm-missing", &c.mint().without_header("alg").sign(), "token_header");
}

/// The classic: the public key, which everybody has, taken for the secret of a MAC, in each of the forms
/// in which a service may hold it.
fn macs(c: &mut Cases<'_>) {
    let rsa = c.scene.issuer.key(Algorithm::RS256);
    let ec = c.scene.issuer.key(Algorithm::ES256);
    let ed = c.scene.issuer.key(Algorithm::EdDSA);
    let member =
        |jwk: Value, name| jwk.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let kid = |alg| c.scene.issuer.kid(alg);
    let (rs, es, eddsa) = (kid(Algorithm::RS256), kid(Algorithm::ES256), kid(Algorithm::EdDSA));
    let secrets = [
        ("rsa-pem", &rs, spki::pem("PUBLIC KEY", &spki::rsa(rsa.public())).into_bytes()),
        (
            "rsa-pem-without-newline",
            &rs,
            spki::pem("PUBLIC KEY", &spki::rsa(rsa.public())).trim_end().into(),
        ),
        ("rsa-pem-pkcs1", &rs, spki::pem("RSA PUBLIC KEY", rsa.public()).into_bytes()),
        ("rsa-der", &rs, spki::rsa(rsa.public())),
        ("rsa-der-pkcs1", &rs, rsa.public().to_vec()),
        ("rsa-modulus-text", &rs, member(rsa.bare_jwk(), "n").into_bytes()),
        ("rsa-jwk", &rs, rsa.bare_jwk().to_string().into_bytes()),
        ("rsa-jwk-as-published", &rs, rsa.jwk(&rs).to_string().into_bytes()),
        ("ec-pem", &es, spki::pem("PUBLIC KEY", &spki::p256(ec.public())).into_bytes()),
        ("ec-der", &es, spki::p256(ec.public())),
        ("ec-point", &es, ec.public().to_vec()),
        ("ec-x-text", &es, member(ec.bare_jwk(), "x").into_bytes()),
        ("ec-jwk", &es, ec.bare_jwk().to_string().into_bytes()),
        ("ec-ssh", &es, spki::ssh_p256(ec.public()).into_bytes()),
        ("ed25519-pem", &eddsa, spki::pem("PUBLIC KEY", &spki::ed25519(ed.public())).into_bytes()),
        ("ed25519-raw", &eddsa, ed.public().to_vec()),
        ("ed25519-jwk", &eddsa, ed.bare_jwk().to_string().into_bytes()),
        ("kid", &es, es.clone().into_bytes()),
        ("empty", &es, Vec::new()),
        ("guessed", &es, b"secret".to_vec()),
    ];
    for (name, kid, secret) in secrets {
        let token = mac(c, "HS256", hmac::HMAC_SHA256, kid, &secret);
        c.refuse(format!("algorithm-hs256-secret-{name}"), &token, "algorithm_refused");
    }
    let pem = spki::pem("PUBLIC KEY", &spki::rsa(rsa.public()));
    for (name, family) in [("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)] {
        let token = mac(c, name, family, &rs, pem.as_bytes());
        let name = name.to_ascii_lowercase();
        c.refuse(format!("algorithm-{name}-secret-rsa-pem"), &token, "algorithm_refused");
    }
}

/// A token under a MAC with `secret`.
pub(super) fn mac(
    c: &Cases<'_>,
    alg: &str,
    family: hmac::Algorithm,
    kid: &str,
    secret: &[u8],
) -> String {
    let mint = c.mint().header("alg", alg).header("kid", kid);
    let signed = mint.sign();
    let input = signed.rsplit_once('.').map_or("", |(input, _)| input);
    let tag = hmac::sign(&hmac::Key::new(family, secret), input.as_bytes());
    format!("{input}.{}", encode(tag.as_ref()))
}

/// The key of one algorithm under the name of another. `signer` made the signature, `alg` stands in the
/// header, `kid` names the key.
fn confused(c: &mut Cases<'_>) {
    use Algorithm::{ES256, ES384, EdDSA, PS256, RS256, RS384, RS512};
    for (name, signer, alg, kid, why) in [
        ("rs256-by-the-ps256-key", RS256, RS256, PS256, "key_mismatch"),
        ("ps256-by-the-rs256-key", PS256, PS256, RS256, "key_mismatch"),
        ("rs384-by-the-rs256-key", RS384, RS384, RS256, "key_mismatch"),
        ("rs256-by-the-rs512-key", RS256, RS256, RS512, "key_mismatch"),
        ("es256-by-the-rs256-key", ES256, ES256, RS256, "key_mismatch"),
        ("rs256-by-the-es256-key", RS256, RS256, ES256, "key_mismatch"),
        ("es384-by-the-es256-key", ES384, ES384, ES256, "key_mismatch"),
        ("eddsa-by-the-es256-key", EdDSA, EdDSA, ES256, "key_mismatch"),
        ("es256-by-the-eddsa-key", ES256, ES256, EdDSA, "key_mismatch"),
        ("rs256-signature-called-ps256", RS256, PS256, PS256, "signature"),
        ("ps256-signature-called-rs256", PS256, RS256, RS256, "signature"),
        ("rs384-signature-called-rs256", RS384, RS256, RS256, "signature"),
        ("rs256-signature-called-rs512", RS256, RS512, RS512, "signature"),
        ("es256-signature-called-es384", ES256, ES384, ES384, "signature"),
        ("es384-signature-called-es256", ES384, ES256, ES256, "signature"),
        ("es256-signature-called-eddsa", ES256, EdDSA, EdDSA, "signature"),
        ("eddsa-signature-called-es256", EdDSA, ES256, ES256, "signature"),
        ("rs256-signature-called-es256", RS256, ES256, ES256, "signature"),
    ] {
        let issuer = &c.scene.issuer;
        let mint = c.mint().algorithm(alg).header("kid", issuer.kid(kid));
        let token = mint.sign_with(&issuer.key(signer));
        c.refuse(format!("algorithm-{name}"), &token, why);
    }
}
