//! Owns: the class of tokens that are not three parts of canonical base64url (RFC 7515 sections 2 and 3.1,
//! RFC 8725 section 3.6), or too long.

use serde_json::json;

use super::Cases;
use crate::testing::keys::encode;
use crate::token::MAX_TOKEN_BYTES;

pub(super) fn cases(c: &mut Cases<'_>) {
    whole(c);
    parts(c);
    alphabet(c);
    characters(c);
    size(c);
}

fn whole(c: &mut Cases<'_>) {
    let token = c.mint().sign();
    c.accept("structure-a-good-token", &token);
    c.malformed("structure-empty", "");
    c.malformed("structure-json-serialisation", &flattened(&token));
    c.malformed("structure-quoted", &format!("\"{token}\""));
    c.malformed("structure-in-angle-brackets", &format!("<{token}>"));
    c.refuse("structure-base64-of-a-token", &encode(token.as_bytes()), "token_not_three_parts");
    c.refuse("structure-opaque", "2YotnFZFEjr1zCsicMWpAA", "token_not_three_parts");
}

fn parts(c: &mut Cases<'_>) {
    let token = c.mint().sign();
    let [header, payload, signature] = cut(&token);
    for (name, token, why) in [
        ("one-part", header.to_owned(), "token_not_three_parts"),
        ("two-parts", format!("{header}.{payload}"), "token_not_three_parts"),
        ("one-dot", ".".to_owned(), "token_not_three_parts"),
        ("two-dots", "..".to_owned(), "token_header"),
        ("four-parts", format!("{token}.{signature}"), "token_not_three_parts"),
        ("trailing-dot", format!("{token}."), "token_not_three_parts"),
        ("leading-dot", format!(".{token}"), "token_not_three_parts"),
        ("double-dot", format!("{header}..{payload}.{signature}"), "token_not_three_parts"),
        ("five-parts", format!("{token}.{payload}.{signature}"), "token_encrypted"),
        ("five-empty-parts", "....".to_owned(), "token_encrypted"),
        ("six-parts", format!("{token}.{token}"), "token_not_three_parts"),
        ("thousand-dots", ".".repeat(1_000), "token_not_three_parts"),
        ("no-header", format!(".{payload}.{signature}"), "token_header"),
        ("no-payload", format!("{header}..{signature}"), "signature"),
        ("no-signature", format!("{header}.{payload}."), "signature"),
        ("header-alone", format!("{header}.."), "signature"),
        ("parts-swapped", format!("{payload}.{header}.{signature}"), "token_header"),
        ("parts-reversed", format!("{signature}.{payload}.{header}"), "token_header"),
        ("two-tokens-run-together", format!("{token}{token}"), "token_encrypted"),
    ] {
        c.refuse(format!("structure-{name}"), &token, why);
    }
    let detached = c.signed(&c.mint().header_text(), "");
    c.refuse("structure-detached-payload-signed", &detached, "claims_malformed");
    let encrypted = json!({"alg": "dir", "enc": "A128GCM", "zip": "DEF"}).to_string();
    let encrypted = format!("{}..AAAA.AAAA.AAAA", encode(encrypted.as_bytes()));
    c.refuse("structure-encrypted", &encrypted, "token_encrypted");
}

/// Spellings of the same bytes that a lenient decoder takes: each is a second name of one token.
fn alphabet(c: &mut Cases<'_>) {
    let token = c.mint().sign();
    for (part, name) in ["header", "payload", "signature"].into_iter().enumerate() {
        let with = |change: &dyn Fn(&str) -> String| {
            let mut parts = cut(&token).map(str::to_owned);
            parts.iter_mut().skip(part).take(1).for_each(|part| *part = change(part));
            parts.join(".")
        };
        for (fault, token) in [
            ("padded", with(&|part| format!("{part}="))),
            ("padded-twice", with(&|part| format!("{part}=="))),
            ("with-a-plus", with(&|part| format!("+{part}"))),
            ("with-a-slash", with(&|part| format!("/{part}"))),
            ("with-a-tilde", with(&|part| format!("{part}~"))),
            ("cut-to-a-lone-character", with(&lone)),
            ("with-unused-bits-set", with(&loose)),
        ] {
            let name = format!("structure-{name}-{fault}");
            c.refuse(name, &token, "token_base64");
        }
    }
}

fn characters(c: &mut Cases<'_>) {
    let token = c.mint().sign();
    let [header, rest, signature] = cut(&token);
    for (name, token) in [
        ("space-inside", format!("{header}. {rest}.{signature}")),
        ("space-after-the-dot", format!("{header}.{rest}. {signature}")),
        ("tab-inside", format!("{header}.{rest}\t.{signature}")),
        ("percent-encoded-dot", format!("{header}%2E{rest}%2E{signature}")),
        ("a-comma", format!("{token},")),
        ("a-semicolon", format!("{token};")),
        ("question-mark", format!("{header}?.{rest}.{signature}")),
        ("a-zero-width-space", format!("{header}.\u{200b}{rest}.{signature}")),
        ("fullwidth-dots", format!("{header}\u{ff0e}{rest}\u{ff0e}{signature}")),
        ("cyrillic-letter", format!("{header}.\u{435}{rest}.{signature}")),
        ("byte-order-mark", format!("\u{feff}{token}")),
    ] {
        c.malformed(format!("structure-{name}"), &token);
    }
}

fn size(c: &mut Cases<'_>) {
    c.accept("structure-as-long-as-may-be", &of_length(c, MAX_TOKEN_BYTES));
    let longer = of_length(c, MAX_TOKEN_BYTES + 1);
    c.refuse("structure-a-byte-too-long", &longer, "token_too_large");
    let long = c.mint().claim("x", "a".repeat(40_000)).sign();
    c.refuse("structure-forty-kilobytes", &long, "token_too_large");
    let token = c.mint().sign();
    let tail = format!("{token}{}", "A".repeat(MAX_TOKEN_BYTES));
    c.refuse("structure-long-signature", &tail, "token_too_large");
}

/// A good token of exactly so many bytes. A quarter of all lengths is that of no payload, so the header has
/// to give way, too.
fn of_length(c: &Cases<'_>, length: usize) -> String {
    let of = |header: usize, payload: usize| {
        let mint = c.mint().header("x", "a".repeat(header));
        mint.claim("jti", "long").claim("x", "a".repeat(payload)).sign()
    };
    let guess = length.saturating_sub(of(0, 0).len()) * 3 / 4;
    let around =
        (0..3).flat_map(|header| (guess.saturating_sub(6)..guess + 3).map(move |n| (header, n)));
    around.map(|(header, n)| of(header, n)).find(|token| token.len() == length).unwrap_or_default()
}

/// The last character taken away until what is left is no whole number of bytes.
fn lone(part: &str) -> String {
    let keep = part.len().saturating_sub(1) / 4 * 4 + 1;
    part.chars().take(keep).collect()
}

/// The last character with a bit set that belongs to no byte, or a part with such a character added.
fn loose(part: &str) -> String {
    if part.len().is_multiple_of(4) {
        return format!("{part}AB");
    }
    let kept: String = part.chars().take(part.len().saturating_sub(1)).collect();
    let last = part.bytes().last().unwrap_or(b'A');
    format!("{kept}{}", char::from(last + 1))
}

fn flattened(token: &str) -> String {
    let [protected, payload, signature] = cut(token);
    json!({"protected": protected, "payload": payload, "signature": signature}).to_string()
}

/// The three parts of a token.
pub(super) fn cut(token: &str) -> [&str; 3] {
    let mut parts = token.split('.');
    [(); 3].map(|()| parts.next().unwrap_or_default())
}
