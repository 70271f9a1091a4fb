//! Owns: the class of RSA signatures whose padding is wrong (RFC 8017 sections 8.1.2 and 8.2.2), made with
//! the private key, and of one that is made without: the forgery of Bleichenbacher for a key with the exponent
//! 3, where a verifier does not look at all of the padding (CVE-2006-4339).

mod padding;
mod private;

use num_bigint::BigUint;
use serde_json::{Value, json};

use super::Cases;
use super::ecdsa::padded;
use crate::algorithm::Algorithm;
use crate::testing::keys::encode;
use padding::{Pkcs1, Pss};
use private::PrivateKey;

/// The name of the key with the exponent 3.
const CUBED: &str = "rsa-e3";

pub(super) fn cases(c: &mut Cases<'_>) {
    let Some(key) = PrivateKey::read() else { return };
    numbers(c, &key);
    pkcs1(c, &key);
    pss(c, &key);
    cube(c, &key);
}

/// The signing input of a good token, and the token with a signature in place of its own.
struct Forged {
    input: String,
}

impl Forged {
    fn new(c: &Cases<'_>, alg: Algorithm) -> Self {
        let token = c.mint().algorithm(alg).sign();
        Self { input: token.rsplit_once('.').map_or("", |(input, _)| input).to_owned() }
    }

    fn with(&self, signature: &[u8]) -> String {
        format!("{}.{}", self.input, encode(signature))
    }
}

fn numbers(c: &mut Cases<'_>, key: &PrivateKey) {
    let forged = Forged::new(c, Algorithm::RS256);
    let good = c.scene.issuer.key(Algorithm::RS256).signature(forged.input.as_bytes());
    let number = BigUint::from_bytes_be(&good);
    let (n, length) = (&key.modulus, key.length());
    let one = BigUint::from(1_u8);
    for (name, signature) in [
        ("zero", vec![0; length]),
        ("one", padded(&one, length)),
        ("modulus-less-one", padded(&(n - &one), length)),
        ("modulus", padded(n, length)),
        ("modulus-plus-one", padded(&(n + &one), length)),
        ("good-plus-modulus", padded(&(&number + n), length)),
        ("negated", padded(&(n - &number), length)),
        ("zero-before", [&[0], good.as_slice()].concat()),
        ("many-zeros-before", [&[0; 128], good.as_slice()].concat()),
        ("empty", Vec::new()),
    ] {
        c.refuse(format!("rsa-signature-{name}"), &forged.with(&signature), "signature");
    }
}

fn pkcs1(c: &mut Cases<'_>, key: &PrivateKey) {
    let forged = Forged::new(c, Algorithm::RS256);
    let good = Pkcs1::of(forged.input.as_bytes(), key.length());
    c.accept("rsa-pkcs1-as-it-should-be", &forged.with(&key.apply(&good.message())));
    for (name, message) in good.faults() {
        let token = forged.with(&key.apply(&message));
        c.refuse(format!("rsa-pkcs1-{name}"), &token, "signature");
    }
}

fn pss(c: &mut Cases<'_>, key: &PrivateKey) {
    let forged = Forged::new(c, Algorithm::PS256);
    let good = Pss::of(forged.input.as_bytes(), key.length());
    c.accept("rsa-pss-as-it-should-be", &forged.with(&key.apply(&good.message())));
    for (name, message) in good.faults() {
        let token = forged.with(&key.apply(&message));
        c.refuse(format!("rsa-pss-{name}"), &token, "signature");
    }
}

/// Nobody knows the private key to this one, and nobody needs it: the cube root of a number that begins as a
/// padded hash should, rounded up, is a signature to whoever looks no further than the hash.
fn cube(c: &mut Cases<'_>, key: &PrivateKey) {
    c.scene.issuer.publish_further(cubed_jwk(key));
    let mint = c.mint().algorithm(Algorithm::RS256).header("kid", CUBED);
    let token = mint.sign();
    let input = token.rsplit_once('.').map_or("", |(input, _)| input);
    let signature = root(&Pkcs1::of(input.as_bytes(), key.length()).short());
    let token = format!("{input}.{}", encode(&padded(&signature, key.length())));
    c.refuse("rsa-cube-root-of-a-padded-hash", &token, "signature");
}

fn cubed_jwk(key: &PrivateKey) -> Value {
    let n = encode(&key.modulus.to_bytes_be());
    json!({"kty": "RSA", "n": n, "e": "Aw", "kid": CUBED, "alg": "RS256", "use": "sig"})
}

/// The smallest number whose cube is at least `message`.
fn root(message: &[u8]) -> BigUint {
    BigUint::from_bytes_be(message).cbrt() + 1_u8
}

#[cfg(test)]
mod tests {
    use super::{BigUint, Pkcs1, PrivateKey, root};

    #[test]
    fn the_forgery_begins_as_a_padded_hash_does() {
        let length = PrivateKey::read().unwrap().length();
        let message = Pkcs1::of(b"input", length).short();
        let cube = root(&message).pow(3).to_bytes_be();
        // The zero at the head is gone; what follows the hash is not what it should be.
        let kept = 1 + 8 + 1 + 19 + 32;
        assert_eq!(cube.len(), length - 1);
        assert_eq!(cube[..kept], message[1..=kept]);
        assert!(BigUint::from_bytes_be(&cube) < PrivateKey::read().unwrap().modulus);
    }
}
