//! Owns: the class of what a proof is for (RFC 9449 section 4.3, checks 3, 8, 9, 11 and the first half of 12):
//! its claims, the method, the URL (RFC 3986 section 6.2), the time, the token.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Cases;
use crate::dpop::{MAX_AGE_SECS, MAX_AHEAD_SECS, TokenHash};

pub(super) fn cases(c: &mut Cases<'_>) {
    if c.scene.service.origin.is_none() {
        return;
    }
    let token = c.scene.bound().sign();
    required(c, &token);
    method(c, &token);
    time(c, &token);
    access_token(c, &token);
    super::proof_url::cases(c, &token);
}

fn required(c: &mut Cases<'_>, token: &str) {
    for claim in ["jti", "htm", "htu", "iat"] {
        let request = c.scene.prove(token, c.scene.proof(token).without(claim).sign());
        c.refuse_proof(format!("proof-check-3-{claim}-missing"), request, "dpop_malformed");
        for (name, value) in [
            ("null", Value::Null),
            ("array", json!(["x"])),
            ("object", json!({})),
            ("true", json!(true)),
        ] {
            let request = c.scene.prove(token, c.scene.proof(token).claim(claim, value).sign());
            c.refuse_proof(format!("proof-check-3-{claim}-{name}"), request, "dpop_malformed");
        }
    }
    for (name, claim, value) in [
        ("jti-number", "jti", json!(7)),
        ("jti-empty", "jti", json!("")),
        ("jti-of-257-bytes", "jti", json!("j".repeat(257))),
        ("jti-of-four-thousand-bytes", "jti", json!("j".repeat(4_000))),
        ("htm-number", "htm", json!(1)),
        ("htu-number", "htu", json!(1)),
        ("ath-number", "ath", json!(1)),
        ("ath-null", "ath", Value::Null),
        ("nonce-number", "nonce", json!(1)),
        ("nonce-null", "nonce", Value::Null),
    ] {
        let request = c.scene.prove(token, c.scene.proof(token).claim(claim, value).sign());
        c.refuse_proof(format!("proof-check-3-{name}"), request, "dpop_malformed");
    }
    let unique = crate::testing::mint::unique("j");
    for (name, jti) in [
        ("of-one-character", "j".to_owned()),
        ("of-256-bytes", format!("{unique:j>256}")),
        ("of-another-script", format!("{unique}\u{436}")),
        ("with-spaces", format!("{unique} \t")),
    ] {
        let request = c.scene.prove(token, c.scene.proof(token).jti(&jti).sign());
        c.accept_request(format!("proof-jti-{name}"), request);
    }
    let more = c.scene.proof(token).claim("x", json!({"y": 1})).claim("exp", 0);
    c.accept_request("proof-with-other-claims", c.scene.prove(token, more.sign()));
}

fn method(c: &mut Cases<'_>, token: &str) {
    let ours = c.scene.service.method.clone();
    let other = if ours == "POST" { "GET" } else { "POST" };
    for (name, method) in [
        ("other", other.to_owned()),
        ("lower-case", ours.to_ascii_lowercase()),
        ("space-after", format!("{ours} ")),
        ("list", format!("{ours},{other}")),
        ("wildcard", "*".to_owned()),
        ("longer", format!("{ours}S")),
        ("nul-after", format!("{ours}\0")),
        ("empty", String::new()),
    ] {
        let request = c.scene.prove(token, c.scene.proof(token).claim("htm", method).sign());
        c.refuse_proof(format!("proof-check-8-htm-{name}"), request, "dpop_htm");
    }
    let overridden = c.scene.proof(token).claim("htm", other).sign();
    let request = c.scene.prove(token, overridden).header("x-http-method-override", other);
    c.refuse_proof("proof-check-8-htm-of-an-override", request, "dpop_htm");
}

fn time(c: &mut Cases<'_>, token: &str) {
    let now = c.scene.issuer.now();
    let at =
        |seconds: Value| c.scene.prove(token, c.scene.proof(token).claim("iat", seconds).sign());
    for (name, seconds) in [
        ("oldest", json!(now - MAX_AGE_SECS)),
        ("newest", json!(now + MAX_AHEAD_SECS)),
        ("a-second-ago", json!(now - 1)),
    ] {
        let request = at(seconds);
        c.accept_request(format!("proof-iat-{name}"), request);
    }
    for (name, seconds) in [
        ("a-second-too-old", now - MAX_AGE_SECS - 1),
        ("a-second-too-new", now + MAX_AHEAD_SECS + 1),
        ("an-hour-old", now - 3_600),
        ("of-tomorrow", now + 86_400),
        ("zero", 0),
        ("of-the-year-9999", 253_402_300_799),
    ] {
        let request = at(json!(seconds));
        c.refuse_proof(format!("proof-check-11-iat-{name}"), request, "dpop_iat");
    }
    for (name, seconds) in [
        ("text", json!(now.to_string())),
        ("negative", json!(-1)),
        ("in-milliseconds", json!(now * 1_000)),
        ("2-to-64-less-one", json!(u64::MAX)),
        ("large", json!(1e300)),
    ] {
        let request = at(seconds);
        c.refuse_proof(format!("proof-check-3-iat-{name}"), request, "dpop_malformed");
    }
}

fn access_token(c: &mut Cases<'_>, token: &str) {
    let TokenHash(hash) = TokenHash::of(token.as_bytes());
    let other = c.scene.bound().sign();
    let right = crate::testing::keys::encode(&hash);
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    let upper = token.to_ascii_uppercase();
    for (name, proof) in [
        ("missing", c.scene.proof(token).without("ath")),
        ("of-another-token", c.scene.proof(&other)),
        ("of-the-scheme-and-token", c.scene.proof(&format!("DPoP {token}"))),
        ("of-the-token-in-capitals", c.scene.proof(&upper)),
        ("of-nothing", c.scene.proof("")),
        ("empty", c.scene.proof(token).claim("ath", "")),
        ("padded", c.scene.proof(token).claim("ath", format!("{right}="))),
        ("cut", c.scene.proof(token).claim("ath", right.chars().take(42).collect::<String>())),
        ("longer", c.scene.proof(token).claim("ath", format!("{right}A"))),
        ("hexadecimal", c.scene.proof(token).claim("ath", hex)),
        ("standard-alphabet", c.scene.proof(token).claim("ath", STANDARD.encode(hash))),
        ("the-token", c.scene.proof(token).claim("ath", token)),
    ] {
        let request = c.scene.prove(token, proof.sign());
        c.refuse_proof(format!("proof-check-12-ath-{name}"), request, "dpop_ath");
    }
}
