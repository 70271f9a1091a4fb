//! Owns: payloads that look odd and are good JSON. A validator that refuses them refuses users.

use super::Cases;
use super::json::with_member;

pub(super) fn cases(c: &mut Cases<'_>) {
    let good = c.mint().claims_text();
    let spaced = good.replace(',', " ,\r\n\t").replace("\":", "\" : ");
    for (name, text) in [
        ("white-space", spaced),
        ("white-space-around", format!(" \t\r\n{good} \t\r\n")),
        ("escaped-name", good.replacen("\"sub\"", "\"\\u0073\\u0075\\u0062\"", 1)),
        ("escaped-value", good.replacen("\"alice\"", "\"\\u0061lic\\u0065\"", 1)),
    ] {
        c.accept(format!("json-odd-{name}"), &c.with_payload(text));
    }
    let many = (0..500).map(|n| format!("\"{n}\":0")).collect::<Vec<_>>().join(",");
    let deep = format!("\"x\":{}{}", "[".repeat(31), "]".repeat(31));
    for (name, member) in [
        ("name-in-capitals", "\"SUB\":\"root\",\"Iss\":1,\"AUD\":null"),
        ("name-with-a-space", "\"sub \":\"root\",\" exp\":0"),
        ("name-with-nul", "\"exp\\u0000\":0"),
        ("name-empty", "\"\":1"),
        ("name-of-a-prototype", "\"__proto__\":{\"sub\":\"root\"},\"constructor\":1"),
        ("names-alike-but-for-composition", "\"\u{e9}\":1,\"e\u{301}\":2"),
        ("names-alike-but-for-script", "\"\u{455}ub\":\"root\""),
        ("same-name-on-two-levels", "\"x\":{\"sub\":\"root\",\"x\":{\"x\":1}}"),
        ("same-name-in-two-objects", "\"x\":[{\"a\":1},{\"a\":2}]"),
        ("surrogate-pair", "\"x\":\"\\ud834\\udd1e\""),
        ("escapes", "\"x\":\"\\\" \\\\ \\/ \\b \\f \\n \\r \\t\""),
        ("escaped-nul", "\"x\":\"\\u0000\""),
        ("delete-character", "\"x\":\"\u{7f}\""),
        ("non-character", "\"x\":\"\u{ffff}\u{10ffff}\""),
        ("line-separators", "\"x\":\"\u{2028}\u{2029}\""),
        ("byte-order-mark-inside", "\"x\":\"\u{feff}\""),
        ("numbers", "\"x\":[0,-0,1,-1,0.5,-0.5,1e3,1E3,1e+3,1e-3,0e0]"),
        ("number-of-forty-digits", "\"x\":1000000000000000000000000000000000000000"),
        ("number-large", "\"x\":1e308"),
        ("number-small", "\"x\":1e-400"),
        ("words", "\"x\":[true,false,null]"),
        ("empty-ones", "\"x\":[\"\",[],{}]"),
        ("as-deep-as-may-be", deep.as_str()),
        ("five-hundred-members", many.as_str()),
    ] {
        c.accept(format!("json-odd-{name}"), &c.with_payload(with_member(&good, member)));
    }
}
