//! Owns: the class of `exp`, `nbf` and `iat` (RFC 7519 sections 4.1.4 to 4.1.6), to the second on both sides of
//! the leeway of 30 seconds, and of numbers that are no dates.

use super::Cases;

const LEEWAY_SECS: u64 = 30;
/// The last second of the year 9999.
const LAST: u64 = 253_402_300_799;

pub(super) fn cases(c: &mut Cases<'_>) {
    let now = c.scene.issuer.now();
    c.accept("exp-in-the-last-second", &c.mint().claim("exp", now - LEEWAY_SECS + 1).sign());
    c.refuse("exp-a-second-over", &c.mint().claim("exp", now - LEEWAY_SECS).sign(), "expired");
    c.accept("exp-now", &c.mint().claim("exp", now).sign());
    c.accept("exp-next-second", &c.mint().claim("exp", now + 1).sign());
    c.accept("exp-last-of-all", &c.mint().claim("exp", LAST).sign());
    c.refuse("exp-an-hour-ago", &c.mint().expired().sign(), "expired");
    c.refuse("exp-zero", &c.mint().claim("exp", 0).sign(), "expired");
    c.refuse("exp-one", &c.mint().claim("exp", 1).sign(), "expired");
    c.refuse("exp-missing", &c.mint().without("exp").sign(), "expiry_missing");
    for (claim, why) in [("nbf", "not_yet_valid"), ("iat", "issued_in_future")] {
        let at = |seconds: u64| c.mint().claim(claim, seconds).sign();
        let (edge, over) = (at(now + LEEWAY_SECS), at(now + LEEWAY_SECS + 1));
        let (present, past, far, last) = (at(now), at(0), at(now + 3_600), at(LAST));
        c.accept(format!("{claim}-in-the-first-second"), &edge);
        c.refuse(format!("{claim}-a-second-early"), &over, why);
        c.accept(format!("{claim}-now"), &present);
        c.accept(format!("{claim}-zero"), &past);
        c.refuse(format!("{claim}-in-an-hour"), &far, why);
        c.refuse(format!("{claim}-last-of-all"), &last, why);
        c.accept(format!("{claim}-missing"), &c.mint().without(claim).sign());
    }
    fractions(c);
    for claim in ["exp", "nbf", "iat"] {
        no_dates(c, claim);
    }
}

/// A date may have a fraction, which is cut off.
fn fractions(c: &mut Cases<'_>) {
    let now = c.scene.issuer.now();
    let with = |c: &Cases<'_>, claim: &str, number: String| {
        let text = c.mint().without(claim).claims_text();
        c.with_payload(text.replacen('{', &format!("{{\"{claim}\":{number},"), 1))
    };
    for (name, claim, number) in [
        ("exp-with-a-fraction", "exp", format!("{}.5", now + 300)),
        ("exp-in-the-last-second-with-a-fraction", "exp", format!("{}.999", now - LEEWAY_SECS + 1)),
        ("exp-with-a-zero-fraction", "exp", format!("{}.0", now + 300)),
        ("exp-with-an-exponent", "exp", format!("{}e1", (now + 300) / 10)),
        ("nbf-with-a-fraction", "nbf", format!("{now}.5")),
        ("nbf-in-the-first-second-with-a-fraction", "nbf", format!("{}.9", now + LEEWAY_SECS)),
        ("iat-with-a-fraction", "iat", format!("{now}.25")),
        ("nbf-minus-zero", "nbf", "-0".to_owned()),
    ] {
        c.accept(name, &with(c, claim, number));
    }
    let over = format!("{}.5", now - LEEWAY_SECS);
    c.refuse("exp-a-second-over-with-a-fraction", &with(c, "exp", over), "expired");
    let early = format!("{}.5", now + LEEWAY_SECS + 1);
    c.refuse("nbf-a-second-early-with-a-fraction", &with(c, "nbf", early), "not_yet_valid");
}

/// Numbers that wrap, saturate or become infinite in somebody's arithmetic.
fn no_dates(c: &mut Cases<'_>, claim: &str) {
    for (name, number) in [
        ("negative", "-1"),
        ("negative-fraction", "-0.5"),
        ("least-of-64-bits", "-9223372036854775808"),
        ("past-the-year-9999", "253402300800"),
        ("in-milliseconds", "1800000300000"),
        ("in-nanoseconds", "1800000300000000000"),
        ("past-2-to-53", "9007199254740993"),
        ("2-to-63", "9223372036854775808"),
        ("2-to-64-less-one", "18446744073709551615"),
        ("2-to-64", "18446744073709551616"),
        ("forty-digits", "1800000300000000000000000000000000000000"),
        ("large-exponent", "1e300"),
        ("infinite-exponent", "1e400"),
        ("negative-infinite-exponent", "-1e400"),
    ] {
        let text = c.mint().without(claim).claims_text();
        let text = text.replacen('{', &format!("{{\"{claim}\":{number},"), 1);
        c.refuse(format!("{claim}-{name}"), &c.with_payload(text), "claims_malformed");
    }
}
