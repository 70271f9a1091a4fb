//! Owns: the class of payloads that two JSON parsers read differently, or that one of them does not read at all
//! (RFC 8259, RFC 7519 section 4, RFC 8725 section 3.9). Each is signed as it stands.

use super::Cases;

pub(super) fn cases(c: &mut Cases<'_>) {
    values(c);
    shapes(c);
    bytes(c);
    duplicates(c);
    bounds(c);
    super::json_odd::cases(c);
}

/// `text` with another member at its head.
pub(super) fn with_member(text: &str, member: &str) -> String {
    text.replacen('{', &format!("{{{member},"), 1)
}

fn refuse_member(c: &mut Cases<'_>, name: &str, member: &str) {
    let text = with_member(&c.mint().claims_text(), member);
    c.refuse(format!("json-{name}"), &c.with_payload(text), "claims_malformed");
}

/// Values that no JSON text holds, in a claim that nobody reads.
fn values(c: &mut Cases<'_>) {
    for (name, value) in [
        ("nan", "NaN"),
        ("infinity", "Infinity"),
        ("minus-infinity", "-Infinity"),
        ("hexadecimal", "0x1F"),
        ("octal", "017"),
        ("leading-zeros", "00"),
        ("leading-plus", "+1"),
        ("leading-point", ".5"),
        ("trailing-point", "1."),
        ("empty-exponent", "1e"),
        ("exponent-of-a-sign", "1e+"),
        ("double-minus", "--1"),
        ("minus-alone", "-"),
        ("number-with-a-space", "1 2"),
        ("number-with-an-underscore", "1_000"),
        ("number-too-large", "1e400"),
        ("true-capital", "True"),
        ("null-cut", "nul"),
        ("undefined", "undefined"),
        ("word", "alice"),
        ("single-quotes", "'x'"),
        ("backquotes", "`x`"),
        ("escape-x", "\"\\x41\""),
        ("escape-quote", "\"\\'\""),
        ("escape-unicode-short", "\"\\u12\""),
        ("escape-unicode-no-hex", "\"\\u12G4\""),
        ("escape-at-the-end", "\"\\\""),
        ("raw-newline", "\"a\nb\""),
        ("raw-tab", "\"a\tb\""),
        ("raw-nul", "\"a\0b\""),
        ("raw-escape-character", "\"a\u{1b}b\""),
        ("surrogate-high", "\"\\ud800\""),
        ("surrogate-low", "\"\\udc00\""),
        ("surrogates-reversed", "\"\\udc00\\ud800\""),
        ("surrogate-high-twice", "\"\\ud800\\ud800\""),
        ("surrogate-high-then-text", "\"\\ud800x\""),
        ("array-trailing-comma", "[1,]"),
        ("array-leading-comma", "[,1]"),
        ("array-double-comma", "[1,,2]"),
        ("array-not-closed", "[1"),
        ("array-closed-as-object", "[1}"),
        ("object-in-single-quotes", "{'a':1}"),
        ("object-trailing-comma", "{\"a\":1,}"),
        ("object-without-quotes", "{a:1}"),
        ("object-number-as-name", "{1:1}"),
        ("object-without-value", "{\"a\":}"),
        ("object-without-colon", "{\"a\" 1}"),
        ("object-double-colon", "{\"a\"::1}"),
        ("comment-in-block", "/* x */ 1"),
        ("comment-to-the-end", "1 // x\n"),
        ("comment-hash", "1 # x\n"),
        ("nothing", ""),
    ] {
        refuse_member(c, name, &format!("\"x\":{value}"));
    }
    for (name, member) in [
        ("name-with-surrogate", "\"\\ud800\":1"),
        ("name-with-raw-newline", "\"a\nb\":1"),
        ("name-alone", "\"x\""),
        ("name-null", "null:1"),
    ] {
        refuse_member(c, name, member);
    }
}

/// Texts that are not one object.
fn shapes(c: &mut Cases<'_>) {
    let good = c.mint().claims_text();
    let cut = |n: usize| good.chars().take(good.chars().count() - n).collect::<String>();
    for (name, text) in [
        ("empty", String::new()),
        ("spaces", "   ".to_owned()),
        ("null", "null".to_owned()),
        ("true", "true".to_owned()),
        ("number", "1800000000".to_owned()),
        ("string", format!("{good:?}")),
        ("array", "[]".to_owned()),
        ("object-in-an-array", format!("[{good}]")),
        ("object-without-members", "{}".to_owned()),
        ("objects-side-by-side", format!("{good}{good}")),
        ("objects-by-comma", format!("{good},{good}")),
        ("objects-by-line", format!("{good}\n{good}")),
        ("closed-twice", format!("{good}}}")),
        ("opened-twice", format!("{{{good}")),
        ("text-before", format!("x{good}")),
        ("text-behind", format!("{good}x")),
        ("nul-behind", format!("{good}\0")),
        ("comma-behind", format!("{good},")),
        ("guard-before", format!(")]}}',\n{good}")),
        ("assignment", format!("x={good}")),
        ("cut-by-one", cut(1)),
        ("cut-by-ten", cut(10)),
        ("brace-alone", "{".to_owned()),
        ("trailing-comma", format!("{},}}", cut(1))),
        ("leading-comma", good.replacen('{', "{,", 1)),
        ("semicolons", good.replace(',', ";")),
        ("equals-for-colons", good.replace("\":", "\"=")),
        ("query-string", "iss=x&aud=y&exp=1800000300".to_owned()),
        ("xml", "<claims><sub>alice</sub></claims>".to_owned()),
        ("yaml", "sub: alice\nexp: 1800000300\n".to_owned()),
        ("base64-again", crate::testing::keys::encode(good.as_bytes())),
    ] {
        c.refuse(format!("json-text-{name}"), &c.with_payload(text), "claims_malformed");
    }
}

/// Texts in another encoding, or in none.
fn bytes(c: &mut Cases<'_>) {
    let good = c.mint().claims_text();
    let holding = |inner: &[u8]| {
        let rest = good.split_at_checked(1).map_or("", |(_, rest)| rest);
        [b"{\"x\":\"", inner, b"\",", rest.as_bytes()].concat()
    };
    let units = |to: fn(u16) -> [u8; 2]| good.encode_utf16().flat_map(to).collect::<Vec<u8>>();
    for (name, text) in [
        ("byte-order-mark", [b"\xef\xbb\xbf", good.as_bytes()].concat()),
        ("utf-16-little", units(u16::to_le_bytes)),
        ("utf-16-big", units(u16::to_be_bytes)),
        ("utf-16-with-mark", [b"\xff\xfe".to_vec(), units(u16::to_le_bytes)].concat()),
        ("utf-32", good.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect()),
        ("latin-1", holding(b"\xe9")),
        ("continuation-alone", holding(b"\x80")),
        ("cut-sequence", holding(b"\xe2\x82")),
        ("overlong-slash", holding(b"\xc0\xaf")),
        ("overlong-nul", holding(b"\xc0\x80")),
        ("overlong-of-three", holding(b"\xe0\x80\xaf")),
        ("surrogate-in-utf-8", holding(b"\xed\xa0\x80")),
        ("past-the-last-character", holding(b"\xf4\x90\x80\x80")),
        ("byte-ff", holding(b"\xff")),
        ("form-feed-before", [b"\x0c", good.as_bytes()].concat()),
        ("vertical-tab-before", [b"\x0b", good.as_bytes()].concat()),
        ("no-break-space-before", [b"\xc2\xa0", good.as_bytes()].concat()),
        ("line-separator-before", [b"\xe2\x80\xa8", good.as_bytes()].concat()),
        ("compressed", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03".to_vec()),
        ("cbor", b"\xa1\x63iss\x61x".to_vec()),
    ] {
        c.refuse(format!("json-bytes-{name}"), &c.with_payload(text), "claims_malformed");
    }
}

/// One parser keeps the first, another the last.
fn duplicates(c: &mut Cases<'_>) {
    let good = c.mint().claims_text();
    for (name, member) in [
        ("sub", "\"sub\":\"root\""),
        ("sub-same-value", "\"sub\":\"alice\""),
        ("sub-escaped", "\"\\u0073ub\":\"root\""),
        ("sub-escaped-at-the-end", "\"su\\u0062\":\"root\""),
        ("iss", "\"iss\":\"https://attacker.example\""),
        ("iss-escaped", "\"is\\u0073\":\"https://attacker.example\""),
        ("aud", "\"aud\":\"https://other.example\""),
        ("exp", "\"exp\":253402300799"),
        ("exp-escaped-in-capitals", "\"e\\u0078p\":253402300799"),
        ("unknown", "\"x\":1,\"x\":1"),
        ("unknown-nested", "\"x\":{\"y\":1,\"y\":2}"),
        ("unknown-nested-deeper", "\"x\":{\"y\":{\"z\":[{\"a\":1,\"a\":2}]}}"),
        ("escaped-slash", "\"x/y\":1,\"x\\/y\":2"),
        ("escaped-astral", "\"\u{1d11e}\":1,\"\\ud834\\udd1e\":2"),
        ("empty-name", "\"\":1,\"\":2"),
        ("cnf-with-two-kinds-of-one-name", "\"x\":{\"jkt\":\"a\",\"jkt\":\"b\"}"),
    ] {
        let before = with_member(&good, member);
        c.refuse(format!("json-twice-{name}-before"), &c.with_payload(before), "claims_malformed");
        let after = format!("{},{member}}}", good.trim_end_matches('}'));
        if good.matches('}').count() == 1 {
            c.refuse(
                format!("json-twice-{name}-after"),
                &c.with_payload(after),
                "claims_malformed",
            );
        }
    }
}

fn bounds(c: &mut Cases<'_>) {
    for (name, levels) in [("too-deep", 32), ("far-too-deep", 300), ("as-deep-as-fits", 2_600)] {
        for (kind, open, inner, close) in
            [("arrays", "[", "", "]"), ("objects", "{\"a\":", "1", "}")]
        {
            let levels = if kind == "objects" && levels > 1_000 { levels / 3 } else { levels };
            let value = format!("{}{inner}{}", open.repeat(levels), close.repeat(levels));
            refuse_member(c, &format!("{kind}-{name}"), &format!("\"x\":{value}"));
        }
    }
    let unclosed = format!("\"x\":{}", "[".repeat(4_000));
    refuse_member(c, "arrays-opened-and-never-closed", &unclosed);
    let many = (0..2_000).map(|n| format!("\"x{n}\":0")).collect::<Vec<_>>().join(",");
    let text = with_member(&c.mint().claims_text(), &many);
    c.refuse("json-two-thousand-members", &c.with_payload(text), "token_too_large");
    let many = (0..500).map(|n| format!("\"{n}\":0")).collect::<Vec<_>>().join(",");
    refuse_member(c, "five-hundred-members-and-one-twice", &format!("{many},\"250\":0"));
}
