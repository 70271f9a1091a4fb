//! Owns: the private operation of RSA without any padding (RFC 8017 section 5.2.1), which ring does not offer,
//! with the public private key of the tests. Never for a key that matters: it is not constant in time.

use num_bigint::BigUint;

use crate::testing::corpus::ecdsa::padded;
use crate::testing::keys::RSA_PKCS8;

pub(super) struct PrivateKey {
    pub(super) modulus: BigUint,
    p: BigUint,
    q: BigUint,
    d_p: BigUint,
    d_q: BigUint,
    q_inverse: BigUint,
}

impl PrivateKey {
    pub(super) fn read() -> Option<Self> {
        // PrivateKeyInfo: version, algorithm, and an octet string that holds RSAPrivateKey.
        let (info, _) = value(RSA_PKCS8, 0x30)?;
        let (_, rest) = value(info, 0x02)?;
        let (_, rest) = value(rest, 0x30)?;
        let (inner, _) = value(rest, 0x04)?;
        let (mut rest, _) = value(inner, 0x30)?;
        let mut numbers = Vec::new();
        while !rest.is_empty() {
            let (number, after) = value(rest, 0x02)?;
            numbers.push(BigUint::from_bytes_be(number));
            rest = after;
        }
        let [_, modulus, _, _, p, q, d_p, d_q, q_inverse] =
            <[BigUint; 9]>::try_from(numbers).ok()?;
        Some(Self { modulus, p, q, d_p, d_q, q_inverse })
    }

    /// The length of the modulus, in bytes.
    pub(super) fn length(&self) -> usize {
        self.modulus.to_bytes_be().len()
    }

    /// The number that gives `message` to the power of the public exponent.
    pub(super) fn apply(&self, message: &[u8]) -> Vec<u8> {
        let message = BigUint::from_bytes_be(message);
        let of_p = message.modpow(&self.d_p, &self.p);
        let of_q = message.modpow(&self.d_q, &self.q);
        let difference = (&of_p + &self.p - &of_q % &self.p) % &self.p;
        let h = difference * &self.q_inverse % &self.p;
        padded(&(of_q + h * &self.q), self.length())
    }
}

/// The content of the DER value at the head of `der`, and what follows it.
fn value(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (first, rest) = der.split_first()?;
    let (short, rest) = rest.split_first()?;
    let (length, rest) = if *short < 0x80 {
        (usize::from(*short), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(short & 0x7f))?;
        (digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit)), rest)
    };
    (*first == tag).then(|| rest.split_at_checked(length))?
}
