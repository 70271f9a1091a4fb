//! Owns: the class of points and numbers that no Ed25519 signature holds (RFC 8032 section 5.1.7, RFC 8037
//! section 3.1). Unlike with ECDSA, nobody can make a second signature of a first.

use num_bigint::BigUint;

use super::Cases;
use super::ecdsa::padded;
use crate::algorithm::Algorithm;
use crate::testing::keys::encode;

/// The order of the base point, 2^252 + 27742317777372353535851937790883648493.
const ORDER: &[u8] = b"1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed";
/// 2^255 - 19.
const FIELD: &[u8] = b"7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed";
/// The y of a point of order 8.
const OF_ORDER_EIGHT: &[u8] = b"7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7";

pub(super) fn cases(c: &mut Cases<'_>) {
    let token = c.mint().algorithm(Algorithm::EdDSA).sign();
    let input = token.rsplit_once('.').map_or("", |(input, _)| input);
    let signature = c.scene.issuer.key(Algorithm::EdDSA).signature(input.as_bytes());
    let (r, s) = signature.split_at(signature.len() / 2);
    let (order, field) = (number(ORDER), number(FIELD));
    let s_number = BigUint::from_bytes_le(s);
    let zero = BigUint::default();
    let one = BigUint::from(1_u8);
    let little = |number: &BigUint| padded(number, 32).into_iter().rev().collect::<Vec<u8>>();
    let high_bits = |mask: u8| {
        let mut s = s.to_vec();
        s.iter_mut().skip(31).for_each(|byte| *byte |= mask);
        s
    };
    let sign_of_r = {
        let mut r = r.to_vec();
        r.iter_mut().skip(31).for_each(|byte| *byte ^= 0x80);
        r
    };
    for (name, first, second) in [
        ("s-plus-order", r.to_vec(), little(&(&s_number + &order))),
        ("s-plus-twice-the-order", r.to_vec(), little(&(&s_number + &order + &order))),
        ("s-order", r.to_vec(), little(&order)),
        ("s-zero", r.to_vec(), little(&zero)),
        ("s-negated", r.to_vec(), little(&(&order - &s_number))),
        ("s-highest-bit", r.to_vec(), high_bits(0x80)),
        ("s-highest-three-bits", r.to_vec(), high_bits(0xe0)),
        ("r-other-sign", sign_of_r, s.to_vec()),
        ("r-neutral-s-zero", little(&one), little(&zero)),
        ("r-neutral-not-canonical-s-zero", little(&(&field + &one)), little(&zero)),
        ("r-zero-s-zero", little(&zero), little(&zero)),
        ("r-order-two-s-zero", little(&(&field - &one)), little(&zero)),
        ("r-order-eight-s-zero", little(&number(OF_ORDER_EIGHT)), little(&zero)),
        ("r-neutral-s-good", little(&one), s.to_vec()),
        ("r-field-s-good", little(&field), s.to_vec()),
        ("r-no-point-s-good", vec![0xff; 32], s.to_vec()),
        ("r-and-s-swapped", s.to_vec(), r.to_vec()),
    ] {
        let token = format!("{input}.{}", encode(&[first, second].concat()));
        c.refuse(format!("eddsa-{name}"), &token, "signature");
    }
}

fn number(digits: &[u8]) -> BigUint {
    BigUint::parse_bytes(digits, 16).unwrap_or_default()
}
