//! Owns: the class of faults that other libraries had, by the number under which they were told. Each is the
//! token that got through there; none says anything about a version that is current.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac::HMAC_SHA256;
use serde_json::json;

use super::algorithm::mac;
use super::ecdsa::rewritten;
use super::scene::{CERTIFICATE, stranger};
use super::structure::cut;
use super::{Cases, Given, spki};
use crate::algorithm::Algorithm;
use crate::testing::keys::encode;

pub(super) fn cases(c: &mut Cases<'_>) {
    claims(c);
    secrets(c);
    headers(c);
    signatures(c);
    encrypted(c);
    good(c);
    remembered(c);
}

fn claims(c: &mut Cases<'_>) {
    let ours = c.scene.issuer.url().to_owned();
    let audience = c.scene.service.audience.clone();
    let far = c.scene.issuer.now() + 1_000_000;
    let part: String = ours.chars().take(ours.chars().count() - 1).collect();
    for (name, mint, why) in [
        (
            "jsonwebtoken-cve-2026-25537-wrong-typed-nbf",
            c.mint().claim("nbf", far.to_string()),
            "claims_malformed",
        ),
        (
            "jsonwebtoken-cve-2026-25537-wrong-typed-exp",
            c.mint().claim("exp", "1"),
            "claims_malformed",
        ),
        ("jsonwebtoken-493-set-audience-requires-no-aud", c.mint().without("aud"), "audience"),
        (
            "jsonwebtoken-493-set-issuer-requires-no-iss",
            c.mint().without("iss"),
            "claims_malformed",
        ),
        (
            "jsonwebtoken-329-aud-that-nobody-expects",
            c.mint().audience("https://x.example"),
            "audience",
        ),
        ("josekit-exp-of-2-to-63-panics", c.mint().claim("exp", 1_u64 << 63), "claims_malformed"),
        ("pyjwt-cve-2024-53861-part-of-the-issuer", c.mint().claim("iss", part), "issuer"),
        (
            "fast-jwt-cve-2025-30144-issuer-as-array",
            c.mint().claim("iss", json!(["https://attacker.example", ours])),
            "claims_malformed",
        ),
        (
            "jwt-go-cve-2020-26160-audience-as-empty-array",
            c.mint().claim("aud", json!([])),
            "audience",
        ),
        (
            "jwt-go-cve-2020-26160-audience-as-array-of-another",
            c.mint().claim("aud", json!([format!("{audience}.x")])),
            "audience",
        ),
    ] {
        c.refuse(format!("known-{name}"), &mint.sign(), why);
    }
}

/// A public key taken for the secret of a MAC, past one list of forbidden texts or another.
fn secrets(c: &mut Cases<'_>) {
    let issuer = c.scene.issuer.clone();
    let rsa = issuer.key(Algorithm::RS256);
    let (ec, ed) = (issuer.key(Algorithm::ES256), issuer.key(Algorithm::EdDSA));
    let pem = spki::pem("PUBLIC KEY", &spki::rsa(rsa.public()));
    let pkcs1 = spki::pem("RSA PUBLIC KEY", rsa.public());
    for (name, alg, secret) in [
        ("node-jsonwebtoken-cve-2015-9235-rsa-key-as-secret", Algorithm::RS256, pem.clone()),
        ("jwt-simple-cve-2016-10555-rsa-key-as-secret", Algorithm::RS256, pem.clone()),
        ("php-jose-cve-2016-5431-rsa-key-as-secret", Algorithm::RS256, pem.trim_end().to_owned()),
        ("pyjwt-cve-2017-11424-pkcs1-pem-as-secret", Algorithm::RS256, pkcs1.clone()),
        ("fast-jwt-cve-2023-48223-pkcs1-pem-as-secret", Algorithm::RS256, pkcs1.clone()),
        ("fast-jwt-cve-2023-48223-space-before-the-pem", Algorithm::RS256, format!(" {pkcs1}")),
        (
            "pyjwt-cve-2022-29217-ssh-key-as-secret",
            Algorithm::EdDSA,
            spki::ssh_ed25519(ed.public()),
        ),
        (
            "python-jose-cve-2024-33663-ssh-key-as-secret",
            Algorithm::ES256,
            spki::ssh_p256(ec.public()),
        ),
        ("cjwt-cve-2024-54150-rsa-key-as-secret", Algorithm::RS256, pem),
        ("influxdb-cve-2019-20933-empty-secret", Algorithm::ES256, String::new()),
    ] {
        let token = mac(c, "HS256", HMAC_SHA256, &issuer.kid(alg), secret.as_bytes());
        c.refuse(format!("known-{name}"), &token, "algorithm_refused");
    }
}

fn headers(c: &mut Cases<'_>) {
    let stranger = stranger();
    let none = c.mint().header("alg", "none").sign();
    let unsigned = none.rsplit_once('.').map_or("", |(input, _)| input);
    c.refuse(
        "known-node-jsonwebtoken-cve-2022-23540-none-without-key",
        &format!("{unsigned}."),
        "algorithm_refused",
    );
    let jwk = c.mint().without_header("kid").header("jwk", stranger.bare_jwk());
    c.refuse(
        "known-node-jose-cve-2018-0114-embedded-key",
        &jwk.sign_with(&stranger),
        "token_header_forbidden",
    );
    let chain = c.mint().without_header("kid").header("x5c", json!([STANDARD.encode(CERTIFICATE)]));
    c.refuse("known-embedded-certificate-chain", &chain.sign_with(&stranger), "signature");
    for (name, crit) in [
        ("fast-jwt-590-unknown-critical-member", json!(["x-unknown"])),
        ("jwx-1601-critical-member-that-is-absent", json!(["b64"])),
    ] {
        let token = c.mint().header("crit", crit).sign();
        c.refuse(format!("known-{name}"), &token, "token_header_forbidden");
    }
    let issued = c.scene.issuer.now().saturating_sub(120);
    let path = c.mint().claim("iat", issued).header("kid", "../../dev/null");
    let token = path.sign_with(&stranger);
    c.refuse("known-kid-is-a-file-name", &token, "key_unknown");
    let (token, foreign) = (c.mint().sign(), c.mint().subject("root").sign());
    let ([header, payload, signature], [_, other, _]) = (cut(&token), cut(&foreign));
    let mixed = json!({
        format!("  {header}.{other}."): "", "protected": header, "payload": payload,
        "signature": signature,
    });
    c.malformed("known-python-jwt-cve-2022-39227-two-serialisations-in-one", &mixed.to_string());
}

fn signatures(c: &mut Cases<'_>) {
    let token = c.mint().sign();
    let [header, payload, signature] = cut(&token);
    let psychic = format!("{header}.{payload}.{}", encode(&[0; 64]));
    c.refuse("known-java-cve-2022-21449-psychic-signature", &psychic, "signature");
    let by_stranger = c.mint().sign_with(&stranger());
    for name in [
        "known-omniauth-auth0-cve-2020-15240-signature-not-checked",
        "known-google-oauth-client-cve-2021-22573-signature-not-checked",
        "known-go-oidc-wrong-signature-of-a-known-key",
    ] {
        c.refuse(name, &by_stranger, "signature");
    }
    let junk = format!("{header}.{payload}.=~+/={signature}");
    c.refuse("known-jsrsasign-cve-2022-25898-junk-in-the-signature", &junk, "token_base64");
    let rsa = c.mint().algorithm(Algorithm::PS256).sign();
    let input = rsa.rsplit_once('.').map_or("", |(input, _)| input);
    let good = c.scene.issuer.key(Algorithm::PS256).signature(input.as_bytes());
    let zeros = format!("{input}.{}", encode(&[&[0, 0], good.as_slice()].concat()));
    c.refuse("known-jsrsasign-cve-2020-14968-zeros-before-the-signature", &zeros, "signature");
}

/// Encrypted tokens are refused before a byte of them is decoded.
fn encrypted(c: &mut Cases<'_>) {
    let token = c.mint().sign();
    let [_, payload, signature] = cut(&token);
    for (name, header) in [
        (
            "python-jose-cve-2024-33664-compressed-bomb",
            json!({"alg": "dir", "enc": "A256GCM", "zip": "DEF"}),
        ),
        (
            "jose-cve-2024-28176-compressed-bomb",
            json!({"alg": "A128KW", "enc": "A128GCM", "zip": "DEF"}),
        ),
        (
            "jose-cve-2023-50967-endless-iterations",
            json!({"alg": "PBES2-HS512+A256KW", "p2c": 2_147_483_647, "p2s": "AAAA"}),
        ),
        (
            "json-jwt-cve-2023-51774-encrypted-for-signed",
            json!({"alg": "RSA-OAEP", "enc": "A128GCM"}),
        ),
    ] {
        let header = encode(header.to_string().as_bytes());
        let token = format!("{header}.{signature}.AAAA.{payload}.AAAA");
        c.refuse(format!("known-{name}"), &token, "token_encrypted");
    }
}

/// Good requests that were refused.
fn good(c: &mut Cases<'_>) {
    let token = c.mint().sign();
    for name in ["known-spring-9900-type-of-rfc-9068", "known-spring-13185-type-of-rfc-9068"] {
        c.accept(name, &token);
    }
    let many = json!(["https://other.example", c.scene.service.audience]);
    c.accept("known-audience-among-others", &c.mint().claim("aud", many).sign());
    c.accept("known-biscuit-one-key-of-each-kind", &c.mint().algorithm(Algorithm::RS256).sign());
    c.accept("known-axum-jwks-more-than-rsa", &c.mint().algorithm(Algorithm::EdDSA).sign());
    c.refuse("known-tower-oauth2-no-challenge", "a.b.c", "token_base64");
}

/// Another token that a careless memory takes for one that was good a moment ago.
fn remembered(c: &mut Cases<'_>) {
    let token = c.mint().sign();
    let (input, signature) = token.rsplit_once('.').unwrap_or_default();
    let [header, payload, _] = cut(&token);
    let other = c.mint().subject("root").sign();
    let [_, of_root, _] = cut(&other);
    let tail: String = signature.chars().rev().take(16).collect::<String>().chars().rev().collect();
    let head: String = "A".repeat(signature.len() - tail.len());
    for (name, forged) in [
        ("fast-jwt-588-same-header-and-payload", format!("{input}.{}", encode(&[1; 64]))),
        ("fast-jwt-588-same-signature", format!("{header}.{of_root}.{signature}")),
        ("fast-jwt-588-same-end", format!("{header}.{of_root}.{head}{tail}")),
        ("fast-jwt-588-same-begin", format!("{header}.{payload}.{}", "A".repeat(86))),
    ] {
        let given = Given { before: vec![c.scene.send(&token)], ..Given::default() };
        let request = c.scene.send(&forged);
        let expected = c.refused(401, &request, "error=\"invalid_token\"", "signature");
        c.push(format!("known-{name}"), given, request, expected);
    }
    let decoded = c.scene.issuer.key(Algorithm::ES256).signature(input.as_bytes());
    let twin = rewritten(&format!("{input}.x"), &decoded);
    c.accept("known-two-spellings-of-one-signature", &twin);
}
