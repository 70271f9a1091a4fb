//! Owns: the classes of issuers and audiences that look like ours (RFC 7519 sections 4.1.1 and 4.1.3, RFC 9068
//! section 4). Both are compared byte for byte: every rule by which two spellings are one name is a rule that
//! somebody else applies differently.

use serde_json::{Value, json};

use super::Cases;

pub(super) fn issuers(c: &mut Cases<'_>) {
    let ours = c.scene.issuer.url().to_owned();
    for (name, issuer) in look_alikes(&ours) {
        c.refuse(format!("iss-{name}"), &c.mint().claim("iss", issuer).sign(), "issuer");
    }
    let discovery = format!("{ours}/.well-known/openid-configuration");
    c.refuse("iss-discovery-url", &c.mint().claim("iss", discovery).sign(), "issuer");
    let client = c.mint().claim("iss", "client").sign();
    c.refuse("iss-is-the-client", &client, "issuer");
    c.refuse("iss-missing", &c.mint().without("iss").sign(), "claims_malformed");
    let text = c.mint().claims_text().replacen("\"iss\"", "\"Iss\"", 1);
    c.refuse("iss-in-capitals", &c.with_payload(text), "claims_malformed");
    let in_header = c.mint().without("iss").header("iss", ours.as_str());
    c.refuse("iss-in-the-header-alone", &in_header.sign(), "claims_malformed");
}

pub(super) fn audiences(c: &mut Cases<'_>) {
    let ours = c.scene.service.audience.clone();
    for (name, audience) in look_alikes(&ours) {
        c.refuse(format!("aud-{name}"), &c.mint().audience(&audience).sign(), "audience");
        let among = json!(["https://other.example", audience]);
        c.refuse(
            format!("aud-among-others-{name}"),
            &c.mint().claim("aud", among).sign(),
            "audience",
        );
    }
    for (name, aud) in [
        ("wildcard", json!("*")),
        ("wildcard-in-array", json!(["*"])),
        ("joined-by-a-space", json!(format!("https://other.example {ours}"))),
        ("joined-by-a-comma", json!(format!("{ours},https://other.example"))),
        ("array-as-text", json!(format!("[\"{ours}\"]"))),
        ("array-empty", json!([])),
        ("array-of-others", json!(["https://other.example", "https://third.example"])),
        ("array-of-an-empty-text", json!([""])),
        ("client-of-the-token", json!("client")),
    ] {
        c.refuse(format!("aud-{name}"), &c.mint().claim("aud", aud).sign(), "audience");
    }
    c.refuse("aud-missing", &c.mint().without("aud").sign(), "audience");
    for (name, aud) in [
        ("array-with-a-number", json!([ours, 1])),
        ("array-with-null", json!([ours, null])),
        ("array-in-an-array", json!([[ours]])),
        ("array-with-an-object", json!([{"aud": ours}])),
        ("array-of-nulls", json!([Value::Null, Value::Null])),
        ("object-with-ours-as-name", json!({ours.as_str(): true})),
    ] {
        c.refuse(format!("aud-{name}"), &c.mint().claim("aud", aud).sign(), "claims_malformed");
    }
    for (name, aud) in [
        ("array-of-ours", json!([ours])),
        ("array-ours-first", json!([ours, "https://other.example"])),
        ("array-ours-last", json!(["https://other.example", "", ours])),
        ("array-ours-twice", json!([ours, ours])),
        (
            "array-of-a-hundred",
            json!((0..99).map(|n| n.to_string()).chain([ours.clone()]).collect::<Vec<_>>()),
        ),
    ] {
        c.accept(format!("aud-{name}"), &c.mint().claim("aud", aud).sign());
    }
    let escaped = ours.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect::<String>();
    let text = c.mint().claims_text();
    let text = text.replacen(&format!("\"aud\":\"{ours}\""), &format!("\"aud\":\"{escaped}\""), 1);
    c.accept("aud-escaped", &c.with_payload(text));
}

/// Names that somebody could take for `ours`.
fn look_alikes(ours: &str) -> Vec<(&'static str, String)> {
    let (scheme, host) = ours.split_once("://").unwrap_or(("https", ours));
    let (first, rest) = host.split_at_checked(1).unwrap_or(("a", ""));
    let all = vec![
        ("empty", String::new()),
        ("other", "https://attacker.example".to_owned()),
        ("slash-after", format!("{ours}/")),
        ("path-after", format!("{ours}/realms/x")),
        ("query-after", format!("{ours}?x")),
        ("fragment-after", format!("{ours}#x")),
        ("dot-after", format!("{ours}.")),
        ("port-after", format!("{ours}:443")),
        ("domain-after", format!("{ours}.attacker.example")),
        ("cut-by-one", ours.chars().take(ours.chars().count() - 1).collect()),
        ("first-letter-alone", ours.chars().take(1).collect()),
        ("without-scheme", host.to_owned()),
        ("scheme-http", format!("http://{host}")),
        ("scheme-capital", format!("{}://{host}", scheme.to_ascii_uppercase())),
        ("host-capital", format!("{scheme}://{}{rest}", first.to_ascii_uppercase())),
        ("subdomain", format!("{scheme}://x.{host}")),
        ("userinfo", format!("{scheme}://{host}@attacker.example")),
        ("userinfo-before", format!("{scheme}://x@{host}")),
        ("backslash", format!("{scheme}://attacker.example\\@{host}")),
        ("as-query-of-another", format!("https://attacker.example/?{ours}")),
        (
            "percent-encoded",
            format!("{scheme}://%{:02x}{rest}", first.bytes().next().unwrap_or(b'a')),
        ),
        ("space-after", format!("{ours} ")),
        ("space-before", format!(" {ours}")),
        ("tab-after", format!("{ours}\t")),
        ("newline-after", format!("{ours}\n")),
        ("nul-after", format!("{ours}\0")),
        ("nul-and-more", format!("{ours}\0.attacker.example")),
        ("cyrillic-letter", format!("{scheme}://\u{430}{rest}")),
        ("fullwidth-letter", format!("{scheme}://\u{ff41}{rest}")),
        ("combining-mark", format!("{ours}\u{301}")),
        ("zero-width-space", format!("{scheme}://\u{200b}{host}")),
        ("soft-hyphen", format!("{scheme}://{first}\u{ad}{rest}")),
        ("right-to-left-mark", format!("{ours}\u{200f}")),
        ("byte-order-mark", format!("\u{feff}{ours}")),
        ("punycode", format!("{scheme}://xn--{host}-x")),
    ];
    // Some of them are the name itself, where that is no URL.
    all.into_iter().filter(|(_, name)| name != ours).collect()
}
