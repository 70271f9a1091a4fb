//! Owns: the class of header members that would let a token bring its own key or rules (RFC 7515 section
//! 4.1, RFC 7797 section 6, RFC 8725 sections 3.10 and 3.11), and of headers that two parsers read
//! differently.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Cases;
use super::scene::{CERTIFICATE, stranger};
use crate::testing::keys::encode;

pub(super) fn cases(c: &mut Cases<'_>) {
    forbidden(c);
    brought_along(c);
    duplicates(c);
    wrong_types(c);
    texts(c);
    harmless(c);
}

fn forbidden(c: &mut Cases<'_>) {
    for (name, member, value) in [
        ("crit-exp", "crit", json!(["exp"])),
        ("crit-b64", "crit", json!(["b64"])),
        ("crit-unknown", "crit", json!(["x"])),
        ("crit-alg", "crit", json!(["alg"])),
        ("crit-empty", "crit", json!([])),
        ("crit-null", "crit", Value::Null),
        ("crit-string", "crit", json!("exp")),
        ("crit-object", "crit", json!({})),
        ("b64-false", "b64", json!(false)),
        ("b64-true", "b64", json!(true)),
        ("b64-null", "b64", Value::Null),
        ("zip-def", "zip", json!("DEF")),
        ("zip-null", "zip", Value::Null),
        ("jku", "jku", json!("https://attacker.example/jwks")),
        ("jku-of-the-issuer", "jku", json!(c.scene.issuer.jwks_uri())),
        ("jku-with-userinfo", "jku", json!(format!("{}@attacker.example/", c.scene.issuer.url()))),
        ("jku-local-file", "jku", json!("file:///etc/passwd")),
        ("jku-null", "jku", Value::Null),
        ("x5u", "x5u", json!("https://attacker.example/cert.pem")),
        ("x5u-null", "x5u", Value::Null),
    ] {
        let token = c.mint().header(member, value).sign();
        c.refuse(format!("header-{name}"), &token, "token_header_forbidden");
    }
    let both = c.mint().header("crit", json!(["b64"])).header("b64", false);
    c.refuse("header-crit-and-b64", &both.sign(), "token_header_forbidden");
}

/// Signed by a stranger, with the stranger's key or certificate enclosed.
fn brought_along(c: &mut Cases<'_>) {
    let stranger = stranger();
    let certificate = json!([STANDARD.encode(CERTIFICATE)]);
    let thumbprint = encode(ring::digest::digest(&ring::digest::SHA256, CERTIFICATE).as_ref());
    let ours = c.scene.issuer.kid(crate::Algorithm::ES256);
    for (name, mint, why) in [
        (
            "jwk-of-a-stranger",
            c.mint().header("jwk", stranger.bare_jwk()),
            "token_header_forbidden",
        ),
        ("jwk-with-our-kid", c.mint().header("jwk", stranger.jwk(&ours)), "token_header_forbidden"),
        (
            "jwk-without-kid",
            c.mint().without_header("kid").header("jwk", stranger.bare_jwk()),
            "token_header_forbidden",
        ),
        ("x5c-of-a-stranger", c.mint().header("x5c", certificate.clone()), "signature"),
        ("x5t-of-a-stranger", c.mint().header("x5t#S256", thumbprint), "signature"),
        ("x5c-without-kid", c.mint().without_header("kid").header("x5c", certificate), "signature"),
    ] {
        c.refuse(format!("header-{name}"), &mint.sign_with(&stranger), why);
    }
    let own = c.scene.issuer.key(crate::Algorithm::ES256);
    let enclosed = c.mint().header("jwk", own.bare_jwk()).sign();
    c.refuse("header-jwk-of-the-issuer", &enclosed, "token_header_forbidden");
    for (name, jwk) in [("null", Value::Null), ("string", json!("key")), ("empty", json!({}))] {
        let token = c.mint().header("jwk", jwk).sign();
        c.refuse(format!("header-jwk-{name}"), &token, "token_header");
    }
}

fn duplicates(c: &mut Cases<'_>) {
    let header = c.mint().header_text();
    for (name, member) in [
        ("alg", "\"alg\":\"ES256\""),
        ("alg-none", "\"alg\":\"none\""),
        ("alg-escaped", "\"\\u0061lg\":\"none\""),
        ("alg-wholly-escaped", "\"\\u0061\\u006c\\u0067\":\"none\""),
        ("alg-escaped-upper-case", "\"al\\u0067\":\"HS256\""),
        ("kid", "\"kid\":\"other\""),
        ("kid-escaped", "\"\\u006bid\":\"other\""),
        ("typ", "\"typ\":\"JWT\""),
        ("unknown", "\"x\":1,\"x\":2"),
        ("unknown-nested", "\"x\":{\"y\":1,\"y\":2}"),
        ("unknown-in-an-array", "\"x\":[{\"y\":1,\"y\":2}]"),
        ("of-empty-name", "\"\":1,\"\":2"),
    ] {
        let before = header.replacen('{', &format!("{{{member},"), 1);
        c.refuse(format!("header-twice-{name}-before"), &c.with_header(before), "token_header");
        let after = header.replacen('}', &format!(",{member}}}"), 1);
        c.refuse(format!("header-twice-{name}-after"), &c.with_header(after), "token_header");
    }
}

fn wrong_types(c: &mut Cases<'_>) {
    for (name, value) in [
        ("null", Value::Null),
        ("number", json!(1)),
        ("array", json!(["at+jwt"])),
        ("object", json!({})),
        ("true", json!(true)),
    ] {
        let token = c.mint().header("typ", value).sign();
        c.refuse(format!("header-typ-of-type-{name}"), &token, "token_header");
    }
}

fn texts(c: &mut Cases<'_>) {
    let header = c.mint().header_text();
    let nested = format!("\"x\":{}{},", "[".repeat(40), "]".repeat(40));
    for (name, text) in [
        ("empty-object", "{}".to_owned()),
        ("array", format!("[{header}]")),
        ("string", format!("{:?}", "ES256")),
        ("null", "null".to_owned()),
        ("not-json", "alg=ES256".to_owned()),
        ("byte-order-mark", format!("\u{feff}{header}")),
        ("trailing-text", format!("{header}x")),
        ("two-objects", format!("{header}{header}")),
        ("trailing-comma", header.replacen('}', ",}", 1)),
        ("comment", header.replacen('{', "{/* ES256 */", 1)),
        ("single-quotes", header.replace('"', "'")),
        ("nan", header.replacen('{', "{\"x\":NaN,", 1)),
        ("raw-newline-in-a-string", header.replacen('{', "{\"x\":\"\n\",", 1)),
        ("lone-surrogate", header.replacen('{', "{\"x\":\"\\ud800\",", 1)),
        ("nested-too-deeply", header.replacen('{', &format!("{{{nested}"), 1)),
        ("cut-off", header.trim_end_matches('}').to_owned()),
    ] {
        c.refuse(format!("header-text-{name}"), &c.with_header(text), "token_header");
    }
    let bytes = [header.replacen('{', "{\"x\":\"", 1).as_bytes(), b"\xff\"}"].concat();
    c.refuse("header-text-not-utf-8", &c.with_header(bytes), "token_header");
    let utf16: Vec<u8> = header.encode_utf16().flat_map(u16::to_le_bytes).collect();
    c.refuse("header-text-utf-16", &c.with_header(utf16), "token_header");
}

fn harmless(c: &mut Cases<'_>) {
    for (name, member, value) in [
        ("unknown-member", "x", json!({"y": [1, 2, 3]})),
        ("cty", "cty", json!("json")),
        ("x5t", "x5t", json!("AAAA")),
        ("x5c", "x5c", json!([STANDARD.encode(CERTIFICATE)])),
        ("iss-in-the-header", "iss", json!("https://attacker.example")),
        ("capital-alg", "Alg", json!("none")),
    ] {
        c.accept(format!("header-{name}-is-not-heeded"), &c.mint().header(member, value).sign());
    }
    let header = c.mint().header_text();
    c.accept("header-text-with-white-space", &c.with_header(header.replace(',', " ,\r\n\t ")));
    c.accept("header-text-escaped-alg", &c.with_header(header.replace("\"alg\"", "\"\\u0061lg\"")));
    c.accept("header-text-space-around", &c.with_header(format!(" {header}\n")));
}
