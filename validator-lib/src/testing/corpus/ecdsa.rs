//! Owns: the class of numbers that no ECDSA signature holds (RFC 7518 section 3.4, FIPS 186-5 section 6.4),
//! and of the other signature that anybody can make of a good one: with `s` goes `n - s`. Neither standard
//! forbids it, so it is accepted, and a token is revoked by its claims and never by its bytes.

use num_bigint::BigUint;

use super::{Cases, spki};
use crate::algorithm::Algorithm;
use crate::testing::keys::encode;

const P256: &[u8] = b"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
const P384: &[u8] = b"ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf\
                      581a0db248b0a77aecec196accc52973";
#[cfg(feature = "josekit")]
const P521: &[u8] = b"01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa\
                      51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409";

pub(super) fn cases(c: &mut Cases<'_>) {
    of(c, Algorithm::ES256);
    of(c, Algorithm::ES384);
    #[cfg(feature = "josekit")]
    of(c, Algorithm::ES512);
}

fn of(c: &mut Cases<'_>, alg: Algorithm) {
    let name = |fault: &str| format!("ecdsa-{}-{fault}", alg.name().to_ascii_lowercase());
    let (n, length) = order(alg);
    let token = c.mint().algorithm(alg).sign();
    let input = token.rsplit_once('.').map_or("", |(input, _)| input);
    let (r, s) = numbers(&c.scene.issuer.key(alg).signature(input.as_bytes()));
    let zero = BigUint::default();
    let one = BigUint::from(1_u8);
    let (less, more) = (&n - &one, &n + &one);
    let with = |r: &BigUint, s: &BigUint| {
        format!("{input}.{}", encode(&[padded(r, length), padded(s, length)].concat()))
    };
    for (fault, token) in [
        ("r-zero-s-zero", with(&zero, &zero)),
        ("r-zero-s-one", with(&zero, &one)),
        ("r-zero-s-less", with(&zero, &less)),
        ("r-zero-s-order", with(&zero, &n)),
        ("r-one-s-zero", with(&one, &zero)),
        ("r-one-s-one", with(&one, &one)),
        ("r-one-s-less", with(&one, &less)),
        ("r-one-s-order", with(&one, &n)),
        ("r-less-s-less", with(&less, &less)),
        ("r-order-s-zero", with(&n, &zero)),
        ("r-order-s-one", with(&n, &one)),
        ("r-order-s-order", with(&n, &n)),
        ("r-order-plus-one-s-one", with(&more, &one)),
        ("r-good-s-zero", with(&r, &zero)),
        ("r-good-s-order", with(&r, &n)),
        ("r-zero-s-good", with(&zero, &s)),
        ("r-order-s-good", with(&n, &s)),
        ("r-negated", with(&(&n - &r), &s)),
        ("r-and-s-swapped", with(&s, &r)),
    ] {
        c.refuse(name(fault), &token, "signature");
    }
    let der = spki::tagged(0x30, &[integer(&r), integer(&s)].concat());
    c.refuse(name("as-der"), &format!("{input}.{}", encode(&der)), "signature");
    let wide = [padded(&r, length + 1), padded(&s, length + 1)].concat();
    c.refuse(name("a-zero-before-each"), &format!("{input}.{}", encode(&wide)), "signature");
    c.accept(name("s-negated-is-as-good"), &with(&r, &(&n - &s)));
}

/// `token` with the other signature of the same claims.
pub(super) fn rewritten(token: &str, signature: &[u8]) -> String {
    let input = token.rsplit_once('.').map_or("", |(input, _)| input);
    let (n, length) = order(Algorithm::ES256);
    let (r, s) = numbers(signature);
    format!("{input}.{}", encode(&[padded(&r, length), padded(&(n - s), length)].concat()))
}

/// The order of the curve, and how many bytes it takes.
fn order(alg: Algorithm) -> (BigUint, usize) {
    let (digits, length) = match alg {
        Algorithm::ES384 => (P384, 48),
        #[cfg(feature = "josekit")]
        Algorithm::ES512 => (P521, 66),
        _ => (P256, 32),
    };
    (BigUint::parse_bytes(digits, 16).unwrap_or_default(), length)
}

fn numbers(signature: &[u8]) -> (BigUint, BigUint) {
    let (r, s) = signature.split_at(signature.len() / 2);
    (BigUint::from_bytes_be(r), BigUint::from_bytes_be(s))
}

pub(super) fn padded(number: &BigUint, length: usize) -> Vec<u8> {
    let bytes = number.to_bytes_be();
    let mut padded = vec![0; length.saturating_sub(bytes.len())];
    padded.extend(bytes);
    padded
}

fn integer(number: &BigUint) -> Vec<u8> {
    let bytes = number.to_bytes_be();
    let sign: &[u8] = if bytes.first().is_some_and(|byte| *byte >= 0x80) { &[0] } else { &[] };
    spki::tagged(0x02, &[sign, &bytes].concat())
}
